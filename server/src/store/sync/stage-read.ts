import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { referenceAttributes } from '../../directory/references.ts';
import type { ObjectKey } from '../../sync/connector.ts';
import type { DirtyKey, SeenKey } from '../../sync/sync-store.ts';
import { prepared } from '../prepared.ts';
import { plainCreate } from './plan-creates.ts';
import { indexStagingTable } from './staging-indexes.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { directoryTables } from './staging-tables.ts';
import type { StagingContext, StagingPlace } from './staging-tables.ts';

type TouchedPlace = StagingPlace & { readonly sync: Pick<StagingContext['sync'], 'serial' | 'direction'> };

/** Links whose directory object changed, went or (egress) left the scope since this sync last applied it. */
export async function markTouched(context: TouchedPlace): Promise<void> {
  const { store, sync, table } = context;
  for (const kind of objectKinds) {
    await sql`
      insert into ${table('touched')} (kind, external_id)
      select l.kind, l.external_id from link l
      left join ${directoryTables[kind].table} d on d.id = l.object_id
      where l.sync_serial = ${sync.serial} and l.kind = ${kind}
        and (d.id is null or d.revision <> l.object_revision)`.execute(store.db);
  }
  if (sync.direction === 'egress') {
    // Sorted, all are found before the first is written: else each is looked for among those that this very statement
    // adds to a table which the planner takes for empty.
    await sql`
      insert into ${table('touched')} (kind, external_id)
      select l.kind, l.external_id from link l
      where l.sync_serial = ${sync.serial}
        and not exists (select 1 from ${table('source')} s where s.kind = l.kind and s.object_id = l.object_id)
        and not exists (select 1 from ${table('touched')} t where t.kind = l.kind and t.external_id = l.external_id)
      order by 1, 2`.execute(store.db);
    for (const kind of objectKinds)
      for (const attribute of referenceAttributes[kind])
        await markReferrers(context, kind, attribute).execute(store.db);
  }
  await analyzeStaged(context, 'touched');
}

/**
 * Egress: links of objects whose attribute names one that the sync does not know yet, or that left its scope: they say
 * something else from now on, though nothing of their own has changed. Names are gathered before they are compared: of
 * attributes that nobody analyzes the planner expects few, and looked through all that changed for each.
 */
export function markReferrers(
  { sync, table }: Pick<TouchedPlace, 'sync' | 'table'>,
  kind: ObjectKind,
  attribute: string,
): RawBuilder<unknown> {
  return sql`
    with changed as materialized (
      select s.object_id from ${table('source')} s
      left join link l on l.sync_serial = ${sync.serial} and l.object_id = s.object_id
      where s.kind in ('user', 'group') and l.state is distinct from 'live'
      union all
      select l.object_id from link l
      where l.sync_serial = ${sync.serial} and l.kind in ('user', 'group') and l.state = 'live'
        and not exists (select 1 from ${table('source')} s where s.kind = l.kind and s.object_id = l.object_id)
    ), named as materialized (
      select l.kind, l.external_id, e.id from link l
      join ${directoryTables[kind].table} d on d.id = l.object_id
      cross join lateral jsonb_array_elements_text(d.attributes -> ${attribute}::text) e (id)
      where exists (select 1 from changed)
        and l.sync_serial = ${sync.serial} and l.kind = ${kind} and d.attributes ? ${attribute}::text
    )
    insert into ${table('touched')} (kind, external_id, refers)
    select distinct n.kind, n.external_id, true
    from named n join changed c on c.object_id = n.id
    where not exists (select 1 from ${table('touched')} t where t.kind = n.kind and t.external_id = n.external_id)`;
}

/**
 * One round trip for a batch: notes the keys and compares them with the links by primary key, so that the cost is that
 * of the batch and not of the directory: `offset 0` keeps the planner from reading all links, all objects in scope or
 * all that was touched for each batch. That a key comes twice shows at the end of the read.
 */
export async function see(
  { store, sync, table }: StagingContext,
  keys: readonly SeenKey[],
): Promise<DirtyKey[]> {
  if (keys.length === 0) return [];
  // Egress: an entry whose directory object is gone or out of scope may be bound to another one, a person made anew.
  const linkedObject =
    sync.direction === 'ingress'
      ? sql`l.object_id`
      : sql`case when exists (select 1 from ${table('source')} s where s.kind = l.kind and s.object_id = l.object_id offset 0) then l.object_id end`;
  const { rows } = await sql<{ index: number; object_id: string | null }>`${prepared}
    with batch as materialized (
      select kind collate "C" as kind, external_id collate "C" as external_id, fingerprint, position
      from unnest(${keys.map(({ kind }) => kind)}::text[], ${keys.map(({ externalId }) => externalId)}::text[],
        ${keys.map(({ fingerprint }) => fingerprint)}::text[]::uuid[]) with ordinality as t (kind, external_id, fingerprint, position)
    ), noted as (
      insert into ${table('key')} (kind, external_id, fingerprint) select kind, external_id, fingerprint from batch
    )
    select (b.position - 1)::int as index, ${linkedObject} as object_id
    from batch b
    left join lateral (
      select k.kind, k.object_id, k.fingerprint, k.state from link k
      where k.sync_serial = ${sync.serial} and k.kind = b.kind and k.external_id = b.external_id offset 0) l on true
    where l.object_id is null or l.fingerprint is distinct from b.fingerprint or l.state <> 'live'
      or exists (select from ${table('touched')})
        and exists (select 1 from ${table('touched')} x where x.kind = b.kind and x.external_id = b.external_id offset 0)
    order by b.position`.execute(store.db);
  return rows.map(({ index, object_id }) => ({ index, objectId: object_id }));
}

/** Notes objects that the connected system says are gone. */
export async function noteGone({ store, table }: StagingContext, keys: readonly ObjectKey[]): Promise<void> {
  await sql`
    insert into ${table('gone')} (kind, external_id)
    select * from unnest(${keys.map(({ kind }) => kind)}::text[], ${keys.map(({ externalId }) => externalId)}::text[])`.execute(
    store.db,
  );
}

/** Only where something new may match an object that a link of this sync ties: elsewhere keys are joined as a whole. */
async function indexKeys(context: StagingContext): Promise<void> {
  const { store, sync, table } = context;
  const { rows } = await sql<{ needed: boolean }>`
    select exists (select 1 from ${table('object')} where not linked)
      and exists (select 1 from link where sync_serial = ${sync.serial}) as needed`.execute(store.db);
  if (rows[0]?.needed !== true) return;
  await indexStagingTable(context, 'key', '(kind, external_id)');
}

/** Indexes that planning looks things up by, made once after the read: cheaper than keeping them up row by row. */
export async function indexStaged(context: StagingContext): Promise<void> {
  const { sync } = context;
  await indexKeys(context);
  if (sync.direction === 'ingress') await indexStagingTable(context, 'gone', '(kind, external_id)');
  await indexStagingTable(
    context,
    'object',
    '(kind, external_id)',
    '(reference)',
    '(alias) where alias is not null',
    '(object_id)',
    ...(sync.direction === 'egress' ? ['(kind, parent_reference, name_key)'] : []),
  );
  await analyzeStaged(context, 'key', 'match_value', 'member', 'object');
}

/** After matching: the order in which candidates are looked at. */
export async function indexCandidates(context: StagingContext): Promise<void> {
  await indexStagingTable(context, 'object', `(kind, depth, external_id) where not ${plainCreate}`);
}
