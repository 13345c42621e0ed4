import { sql } from 'kysely';
import type { CreatedPlace, SettledPlace } from '../../sync/sync-store.ts';
import { requireOwnership } from './job-rows.ts';
import { analyzeStaged } from './staging-statistics.ts';
import type { StagingContext } from './staging-tables.ts';

/**
 * Staged users whose plan is nothing but their creation: no link, no match, nothing wrong. They are planned within the
 * database, in the order in which they were read; everything else goes by the candidates.
 */
export const plainCreate =
  "(kind = 'user' and not linked and matched_by is null and error_code is null and conflict_code is null)";
export const isPlainCreate = sql.raw(plainCreate);

const pageSize = 2000;

/** Blocks of the staging table that one transaction plans: tens of thousands of users. */
const blocksAtOnce = 4096;

/** Where plain creations hang: each chain of parents in each scope once. */
export async function* createdPlaces({ store, table }: StagingContext): AsyncGenerator<CreatedPlace[]> {
  await sql`
    insert into ${table('place')} (parents, scope)
    select distinct parents, scope from ${table('object')} where ${isPlainCreate}`.execute(store.db);
  let after = 0;
  for (;;) {
    const { rows } = await sql<CreatedPlace>`
      select number, parents, scope from ${table('place')} where number > ${after} order by number limit ${pageSize}`.execute(
      store.db,
    );
    const last = rows.at(-1);
    if (!last) break;
    after = last.number;
    yield rows;
  }
}

/** Records what the places are in the directory. */
export async function settlePlaces(
  { store, table }: StagingContext,
  rows: readonly SettledPlace[],
): Promise<void> {
  await sql`
    update ${table('place')} p set parent_id = r.parent_id, conflict_message = r.conflict_message
    from unnest(${rows.map(({ number }) => number)}::bigint[], ${rows.map(({ parentId }) => parentId)}::text[],
      ${rows.map(({ conflict }) => conflict)}::text[]) as r (number, parent_id, conflict_message)
    where p.number = r.number`.execute(store.db);
}

/** What would hang below a unit that could not come to be is a conflict like any other. */
async function refuseHomeless({ store, table }: StagingContext): Promise<void> {
  await sql`
    update ${table('object')} o set conflict_code = 'ParentNotFound', conflict_message = p.conflict_message, object_id = null
    from ${table('place')} p
    where p.conflict_message is not null and o.parents = p.parents and o.scope = p.scope
      and o.kind = 'user' and not o.linked and o.matched_by is null and o.error_code is null and o.conflict_code is null`.execute(
    store.db,
  );
}

/**
 * Plans the creations from the given ordinal on, a run of blocks at a time; `planned` hears the ordinal reached.
 * @returns the last ordinal used
 */
export async function planCreates(
  context: StagingContext,
  first: number,
  planned: (ordinal: number) => Promise<void>,
): Promise<number> {
  const { store, job, table, tableName } = context;
  await analyzeStaged(context, 'place');
  await refuseHomeless(context);
  const { rows } = await sql<{ blocks: number }>`
    select (pg_relation_size(${tableName('object')}::regclass) / current_setting('block_size')::int)::int as blocks`.execute(
    store.db,
  );
  const blocks = rows[0]?.blocks ?? 0;
  let last = first - 1;
  for (let block = 0; block < blocks; block += blocksAtOnce) {
    last += await store.transaction(async (trx) => {
      await requireOwnership(trx, job);
      const { numAffectedRows } = await sql`
        insert into change (job_serial, ordinal, kind, verb, object_id, external_id, label, parent_id, after, keys,
          expected_revision, reference, alias, location, scope, fingerprint)
        select ${job.serial}, ${last}::bigint + row_number() over (), o.kind, 'create', o.object_id, o.external_id, o.label, p.parent_id,
          o.attributes || jsonb_build_object('$parent', jsonb_build_array(coalesce(p.parent_id, '')),
            '$name', jsonb_build_array(o.name), '$enabled', jsonb_build_array(case when o.enabled is false then 'false' else 'true' end)),
          o.keys, 0, o.reference, o.alias, o.location, o.scope, o.fingerprint
        from (
          select * from ${table('object')}
          where ctid >= ${`(${block},0)`}::tid and ctid < ${`(${block + blocksAtOnce},0)`}::tid and ${isPlainCreate}
        ) o join ${table('place')} p on p.parents = o.parents and p.scope = o.scope`.execute(trx);
      return Number(numAffectedRows ?? 0);
    });
    await planned(last);
  }
  return last;
}
