import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { referenceAttributes } from '../../directory/references.ts';
import type { Absence } from '../../sync/sync-store.ts';
import { indexReferrers } from './referrers.ts';
import { indexStagingTable } from './staging-indexes.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { formerNames, seen, unseen } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

/** What the attributes of staged records name. */
async function nameStaged(
  { store, table }: StagingContext,
  kind: ObjectKind,
  attribute: string,
): Promise<void> {
  await sql`
    insert into ${table('named')} (kind, external_id, attribute, position, reference, staged)
    select o.kind, o.external_id, ${attribute}, v.position, v.reference, true
    from ${table('object')} o
    cross join lateral jsonb_array_elements_text(o.attributes -> ${attribute}::text) with ordinality as v (reference, position)
    where o.kind = ${kind} and o.attributes ? ${attribute}::text`.execute(store.db);
}

/** Objects that the plan is going to delete, since their record is gone and no other sync feeds them. */
async function nameLeaving(context: StagingContext, absence: Absence): Promise<void> {
  const { store, sync, table } = context;
  await sql`
    insert into ${table('leaving')} (reference, object_id)
    select r.reference, l.object_id from link l cross join lateral unnest(array[l.reference, l.alias]) as r (reference)
    where l.sync_serial = ${sync.serial} and l.kind in ('user', 'group') and ${unseen(context, absence)}
      and not exists (select 1 from ${table('object')} o where o.object_id = l.object_id and o.matched_by is not null)
      and not exists (
        select 1 from link x join sync s on s.serial = x.sync_serial
        where x.object_id = l.object_id and x.sync_serial <> l.sync_serial and x.state = 'live' and s.direction = 'ingress')`.execute(
    store.db,
  );
}

/** Objects that another record is bound to go by the names of that one alone, for members as well. */
async function noteFormer(context: StagingContext): Promise<void> {
  const { store, table } = context;
  await sql`insert into ${table('leaving')} (reference, object_id) ${formerNames(context)}`.execute(store.db);
}

/**
 * Records that did not change, and that name somebody by a reference which came to an object, left one, or whose object
 * goes: all that such a record names is looked up again. Record by record, in the order of the primary key: where the
 * planner expects that hardly any is unchanged, it looked through all of them for each reference that is known.
 */
export function nameUnchanged(
  context: Pick<StagingContext, 'table'> & { readonly sync: Pick<StagingContext['sync'], 'serial'> },
  absence: Absence,
): RawBuilder<unknown> {
  const { sync, table } = context;
  return sql`
    with concerned as materialized (
      select distinct n.kind, n.external_id
      from (
        select unnest(array[o.reference, l.reference, o.alias, l.alias]) as reference
        from ${table('object')} o
        left join link l on l.sync_serial = ${sync.serial} and l.kind = o.kind and l.external_id = o.external_id
        where o.kind in ('user', 'group') and o.reference is not null
          and ((l.reference, l.alias) is distinct from (o.reference, o.alias) or l.state <> 'live')
        union select reference from ${table('leaving')}
      ) q
      join reference_link n on n.sync_serial = ${sync.serial} and n.reference = q.reference
    )
    insert into ${table('named')} (kind, external_id, attribute, position, reference, staged, known)
    select l.kind, l.external_id, r.attribute, r.position, r.reference, false, r.object_id
    from concerned c
    join link l on l.sync_serial = ${sync.serial} and l.kind = c.kind and l.external_id = c.external_id
    cross join lateral (
      select * from reference_link r
      where r.sync_serial = ${sync.serial} and r.kind = l.kind and r.external_id = l.external_id
      order by r.attribute, r.position) r
    where l.state = 'live' and ${seen(context, absence)}
      and not exists (select 1 from ${table('object')} o where o.kind = l.kind and o.external_id = l.external_id)`;
}

/** Who goes by each reference, and else by each alias: staged objects before linked ones, and of these one that is gone last. */
async function lookUp({ store, sync, table }: StagingContext): Promise<void> {
  for (const column of [sql.raw('reference'), sql.raw('alias')]) {
    await sql`
      update ${table('named')} n set object_id = o.object_id
      from ${table('object')} o
      where n.object_id is null and o.${column} = n.reference and o.kind in ('user', 'group') and o.object_id is not null
        and (o.linked or o.error_code is null and o.conflict_code is null)`.execute(store.db);
    for (const state of ['live', 'missing']) {
      await sql`
        update ${table('named')} n set object_id = l.object_id
        from link l
        where n.object_id is null and l.sync_serial = ${sync.serial} and l.${column} = n.reference and l.kind in ('user', 'group')
          and l.state = ${state}
          and not exists (
            select 1 from ${table('object')} o where o.kind = l.kind and o.external_id = l.external_id and o.reference is not null)
          and not exists (select 1 from ${table('leaving')} g where g.object_id = l.object_id)`.execute(
        store.db,
      );
    }
  }
}

/** What staged objects named by reference they name by id from here on. */
async function putIds({ store, table }: StagingContext): Promise<void> {
  await sql`
    update ${table('object')} o
    set attributes = (o.attributes - r.names) || r.ids, named = r.named
    from (
      select a.kind, a.external_id, array_agg(a.attribute) as names, jsonb_object_agg(a.attribute, a.pairs) as named,
        coalesce(jsonb_object_agg(a.attribute, a.ids) filter (where a.ids is not null), '{}') as ids
      from (
        select n.kind, n.external_id, n.attribute,
          jsonb_agg(jsonb_build_array(n.reference, n.object_id) order by n.position) as pairs,
          jsonb_agg(n.object_id order by n.position) filter (where n.object_id is not null) as ids
        from ${table('named')} n where n.staged group by n.kind, n.external_id, n.attribute
      ) a group by a.kind, a.external_id
    ) r where o.kind = r.kind and o.external_id = r.external_id`.execute(store.db);
}

async function isEmpty({ store, table }: StagingContext, name: 'named'): Promise<boolean> {
  const { rows } = await sql<{ empty: boolean }>`
    select not exists (select from ${table(name)}) as empty`.execute(store.db);
  return rows[0]?.empty !== false;
}

async function knowsReferences({ store, sync }: StagingContext): Promise<boolean> {
  const { rows } = await sql<{ known: boolean }>`
    select exists (select from reference_link where sync_serial = ${sync.serial}) as known`.execute(store.db);
  return rows[0]?.known === true;
}

/**
 * Ingress, after matching: looks up whom attributes name, of staged objects and of those that did not change but whose
 * references came to, or left, somebody.
 * @param loses whether the read may have missed something that a link knows
 */
export async function resolveReferences(
  context: StagingContext,
  kinds: readonly ObjectKind[],
  absence: Absence,
  loses: () => Promise<boolean>,
): Promise<void> {
  await noteFormer(context);
  for (const kind of kinds)
    for (const attribute of referenceAttributes[kind]) await nameStaged(context, kind, attribute);
  const known = await knowsReferences(context);
  if (!known && (await isEmpty(context, 'named'))) return;
  if (context.sync.onMissing === 'delete' && absence !== 'nothing' && (await loses()))
    await nameLeaving(context, absence);
  if (known) await nameUnchanged(context, absence).execute(context.store.db);
  if (await isEmpty(context, 'named')) return;
  await indexStagingTable(context, 'named', '(reference)');
  await indexReferrers(context);
  await analyzeStaged(context, 'named', 'leaving');
  await lookUp(context);
  await putIds(context);
}
