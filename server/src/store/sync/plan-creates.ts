import { sql } from 'kysely';
import type { CreatedPlace, CreatesPart, SettledPlace } from '../../sync/sync-store.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Executor } from '../store.ts';
import { insertPlanned } from './insert-planned.ts';
import { lanesOf } from './side-by-side.ts';
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

/** Divides the creations into runs of blocks of their table, once those that have no place are told apart. */
export async function divideCreates(context: StagingContext): Promise<CreatesPart[]> {
  const { store, table } = context;
  await analyzeStaged(context, 'place');
  await refuseHomeless(context);
  const { rows } = await sql<{ part: number; count: number }>`
    select ((ctid::text::point)[0]::bigint / ${blocksAtOnce})::int as part, count(*)::int as count
    from ${table('object')} where ${isPlainCreate} group by 1 order by 1`.execute(store.db);
  return rows.map(({ part, count }) => ({ block: part * blocksAtOnce, count }));
}

/** Plans a part; it is committed after `before`, the part before it. */
async function planPart(
  context: StagingContext,
  { block, count }: CreatesPart,
  first: number,
  before?: Promise<void>,
): Promise<void> {
  const { job, table } = context;
  const insert = async (trx: Executor): Promise<void> => {
    const { numAffectedRows } = await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, external_id, label, parent_id, after, keys,
        expected_revision, reference, alias, location, scope, fingerprint, named)
      select ${job.serial}, ${first}::bigint - 1 + row_number() over (), o.kind, 'create', o.object_id, o.external_id, o.label, p.parent_id,
        o.attributes || jsonb_build_object('$parent', jsonb_build_array(coalesce(p.parent_id, '')),
          '$name', jsonb_build_array(o.name), '$enabled', jsonb_build_array(case when o.enabled is false then 'false' else 'true' end)),
        o.keys, 0, o.reference, o.alias, o.location, o.scope, o.fingerprint, o.named
      from (
        select * from ${table('object')}
        where ctid >= ${`(${block},0)`}::tid and ctid < ${`(${block + blocksAtOnce},0)`}::tid and ${isPlainCreate}
      ) o join ${table('place')} p on p.parents = o.parents and p.scope = o.scope`.execute(trx);
    if (Number(numAffectedRows) !== count)
      throw new LockstepError('Internal', `${numAffectedRows} creations were planned in place of ${count}`);
  };
  await insertPlanned(context, insert, before);
}

/** Plans the creations from the given ordinal on, a part at a time, two side by side on a server. */
export async function planCreates(
  context: StagingContext,
  parts: readonly CreatesPart[],
  first: number,
  planned: (ordinal: number) => Promise<void>,
): Promise<void> {
  const width = lanesOf(context.store);
  let next = first;
  for (let at = 0; at < parts.length; at += width) {
    const [one, two] = parts.slice(at, at + width) as [CreatesPart, CreatesPart?];
    const planning = planPart(context, one, next);
    next += one.count;
    const beside = two === undefined ? undefined : planPart(context, two, next, planning);
    next += two?.count ?? 0;
    for (const end of await Promise.allSettled([planning, beside]))
      if (end.status === 'rejected') throw end.reason;
    await planned(next - 1);
  }
}
