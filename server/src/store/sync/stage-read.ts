import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { DirtyKey, SeenKey, StagedObject } from '../../sync/sync-store.ts';
import { directoryTables } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

/** Links whose directory object changed, went or (egress) left the scope since this sync last applied it. */
export async function markTouched({ store, sync, table }: StagingContext): Promise<void> {
  for (const kind of objectKinds) {
    await sql`
      insert into ${table('touched')} (kind, external_id)
      select l.kind, l.external_id from link l
      left join ${directoryTables[kind].table} d on d.id = l.object_id
      where l.sync_serial = ${sync.serial} and l.kind = ${kind}
        and (d.id is null or d.revision <> l.object_revision)`.execute(store.db);
  }
  if (sync.direction === 'egress') {
    await sql`
      insert into ${table('touched')} (kind, external_id)
      select l.kind, l.external_id from link l
      where l.sync_serial = ${sync.serial}
        and not exists (select 1 from ${table('source')} s where s.kind = l.kind and s.object_id = l.object_id)
        and not exists (select 1 from ${table('touched')} t where t.kind = l.kind and t.external_id = l.external_id)`.execute(
      store.db,
    );
  }
  await sql`analyze ${table('touched')}`.execute(store.db);
}

/**
 * One round trip for a batch: notes the keys and compares them with the links. The left joins run by primary key, so
 * that the cost is that of the batch and not of the directory.
 */
export async function see(
  context: StagingContext,
  keys: readonly SeenKey[],
): Promise<{ readonly dirty: DirtyKey[]; readonly doubled: number }> {
  const { store, sync, table } = context;
  if (keys.length === 0) return { dirty: [], doubled: 0 };
  // Egress: an entry whose directory object is gone or out of scope may be bound to another one, a person made anew.
  const linkedObject =
    sync.direction === 'ingress'
      ? sql`l.object_id`
      : sql`case when exists (select 1 from ${table('source')} s where s.kind = l.kind and s.object_id = l.object_id) then l.object_id end`;
  const { rows } = await sql<{
    index: number;
    object_id: string | null;
    state: 'live' | 'missing' | null;
    noted: number | null;
  }>`
    with batch as (
      select distinct on (kind, external_id) kind, external_id, fingerprint, position
      from ${keyRows(keys)} order by kind, external_id, position desc
    ), noted as (
      insert into ${table('key')} (kind, external_id, fingerprint) select kind, external_id, fingerprint from batch
      on conflict do nothing returning kind, external_id
    )
    select (b.position - 1)::int as index, ${linkedObject} as object_id, l.state, null::int as noted
    from batch b
    join noted n on n.kind = b.kind collate "C" and n.external_id = b.external_id collate "C"
    left join link l on l.sync_serial = ${sync.serial} and l.kind = b.kind and l.external_id = b.external_id
    left join ${table('touched')} x on x.kind = b.kind collate "C" and x.external_id = b.external_id collate "C"
    where l.object_id is null or l.fingerprint is distinct from b.fingerprint or l.state <> 'live' or x.kind is not null
    union all
    select keys.last, null, null, keys.noted from (select -1 as last, count(*)::int as noted from noted) keys
    order by 1`.execute(store.db);
  const noted = rows.find(({ index }) => index < 0)?.noted ?? 0;
  const dirty = rows
    .filter(({ index }) => index >= 0)
    .map(({ index, object_id, state }) => ({ index, objectId: object_id, linkState: state }));
  return { dirty, doubled: noted === keys.length ? 0 : await countDoubled(context, keys) };
}

/** The keys of a batch as rows `t (kind, external_id, fingerprint, position)`. */
function keyRows(keys: readonly SeenKey[]): RawBuilder<unknown> {
  return sql`unnest(${keys.map(({ kind }) => kind)}::text[], ${keys.map(({ externalId }) => externalId)}::text[],
    ${keys.map(({ fingerprint }) => fingerprint)}::text[]::uuid[]) with ordinality as t (kind, external_id, fingerprint, position)`;
}

/** Of keys that were met before: how many stand for another record than then. */
async function countDoubled({ store, table }: StagingContext, keys: readonly SeenKey[]): Promise<number> {
  const { rows } = await sql<{ doubled: number }>`
    select count(*)::int as doubled from ${keyRows(keys)}
    join ${table('key')} k on k.kind = t.kind collate "C" and k.external_id = t.external_id collate "C"
    where k.fingerprint <> t.fingerprint`.execute(store.db);
  return rows[0]?.doubled ?? 0;
}

const objectColumns = [
  'kind',
  'external_id',
  'object_id',
  'linked',
  'reference',
  'alias',
  'location',
  'scope',
  'fingerprint',
  'parents',
  'parent_reference',
  'depth',
  'label',
  'name',
  'name_key',
  'enabled',
  'attributes',
  'has_members',
  'error_code',
  'error_message',
];

function* objectRows(objects: readonly StagedObject[]): Generator<unknown[]> {
  for (const object of objects) {
    const { link, error } = object;
    yield [
      object.kind,
      object.externalId,
      object.objectId,
      object.linked,
      link.reference,
      link.alias,
      link.location,
      link.scope,
      link.fingerprint,
      JSON.stringify(object.parents),
      object.parents[0] ?? '',
      object.parents.length,
      object.label,
      object.name,
      object.nameKey,
      object.enabled,
      JSON.stringify(object.attributes),
      object.members !== null,
      error?.code ?? null,
      error?.message ?? null,
    ];
  }
}

function* matchRows(objects: readonly StagedObject[]): Generator<unknown[]> {
  for (const { kind, externalId, matchValues } of objects) {
    for (const { rule, value } of matchValues) yield [kind, externalId, rule, value];
  }
}

function* memberRows(objects: readonly StagedObject[]): Generator<unknown[]> {
  for (const { externalId, members } of objects) {
    for (const reference of members ?? []) yield [externalId, reference];
  }
}

/** Ships staged objects with their match values and members. */
export async function stage(
  { store, tableName }: StagingContext,
  objects: readonly StagedObject[],
): Promise<void> {
  await store.transaction(async (trx) => {
    await store.copyInto(trx, tableName('object'), objectColumns, objectRows(objects));
    await store.copyInto(
      trx,
      tableName('match_value'),
      ['kind', 'external_id', 'rule', 'value'],
      matchRows(objects),
    );
    await store.copyInto(trx, tableName('member'), ['group_external_id', 'reference'], memberRows(objects));
  });
}

/** Indexes that planning looks things up by, made once after the read: cheaper than keeping them up row by row. */
export async function indexStaged(context: StagingContext): Promise<void> {
  const { store, table } = context;
  await sql`create unique index on ${table('object')} (kind, external_id)`.execute(store.db);
  await sql`create index on ${table('object')} (kind, depth, external_id)`.execute(store.db);
  await sql`create index on ${table('object')} (reference)`.execute(store.db);
  await sql`create index on ${table('object')} (alias) where alias is not null`.execute(store.db);
  await sql`create index on ${table('object')} (object_id)`.execute(store.db);
  await sql`create index on ${table('object')} (kind, parent_reference, name_key)`.execute(store.db);
  for (const name of ['key', 'match_value', 'member'] as const) {
    await sql`analyze ${table(name)}`.execute(store.db);
  }
  await analyzeObjects(context);
}

/** Only the columns that are looked things up by: the attributes would make it slow. */
export async function analyzeObjects({ store, table }: StagingContext): Promise<void> {
  await sql`
    analyze ${table('object')} (kind, external_id, object_id, linked, settled, reference, alias, depth, name_key, parent_reference, matched_by, error_code, conflict_code)`.execute(
    store.db,
  );
}
