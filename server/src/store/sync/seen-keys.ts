import { sql } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKey } from '../../sync/connector.ts';
import type { DirtyKey, SeenCounts, SeenKey } from '../../sync/sync-store.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { unseen } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

type Counts = Record<ObjectKind, number>;

function countsOf(rows: readonly { kind: ObjectKind; count: number }[]): Counts {
  const counts: Counts = { organizationalUnit: 0, user: 0, group: 0 };
  for (const { kind, count } of rows) counts[kind] = count;
  return counts;
}

const total = (counts: Counts): number => objectKinds.reduce((sum, kind) => sum + counts[kind], 0);

/** What a read brought, as it is told batch by batch. */
export class SeenTally {
  /** Keys that were noted, as often as they came. */
  readonly noted: Counts = { organizationalUnit: 0, user: 0, group: 0 };
  /** Those of them that a link knows; on egress those whose directory object is in scope. */
  linked = 0;
  /** Whether each came but once; known after the read. */
  isEachOnce = false;

  note(keys: readonly SeenKey[], dirty: readonly DirtyKey[]): void {
    for (const { kind } of keys) this.noted[kind] += 1;
    this.linked += keys.length;
    for (const { objectId } of dirty) if (objectId === null) this.linked -= 1;
  }
}

async function countDistinct({ store, table }: StagingContext): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (select from ${table('key')} group by kind, external_id) k`.execute(
    store.db,
  );
  return rows[0]?.count ?? 0;
}

/** Objects that were seen, each once: those with a link, and staged ones without. */
async function countSeen({ store, sync, table }: StagingContext): Promise<Counts> {
  const { rows } = await sql<{ kind: ObjectKind; count: number }>`
    select kind, sum(count)::int as count from (
      select l.kind, count(*) as count from link l
      where l.sync_serial = ${sync.serial}
        and exists (select 1 from ${table('key')} k where k.kind = l.kind and k.external_id = l.external_id)
      group by l.kind
      union all
      select o.kind, count(distinct o.external_id) from ${table('object')} o
      where not exists (
        select 1 from link l where l.sync_serial = ${sync.serial} and l.kind = o.kind and l.external_id = o.external_id)
      group by o.kind
    ) seen group by kind`.execute(store.db);
  return countsOf(rows);
}

async function countStaged({ store, table }: StagingContext): Promise<Counts> {
  const { rows } = await sql<{ kind: ObjectKind; count: number }>`
    select kind, count(*)::int as count from ${table('object')} group by kind`.execute(store.db);
  return countsOf(rows);
}

/** Ids named of those that stand for several records. */
const mostExamples = 3;

/** Records that differ and have one id. */
const doubtful = ({ table }: StagingContext) => sql`
  select kind, external_id from ${table('key')} group by 1, 2 having count(distinct fingerprint) > 1`;

/** Ingress: fails what is new under a doubtful id, so that it is not taken for whom another record of this id describes. */
async function failDoubtful(context: StagingContext): Promise<void> {
  const { store, table } = context;
  await sql`
    delete from ${table('match_value')} m using (${doubtful(context)}) k
    where m.kind = k.kind and m.external_id = k.external_id`.execute(store.db);
  await sql`
    update ${table('object')} o set error_code = 'InvalidRecord',
      error_message = format('several records that differ have the id %s', o.external_id)
    from (${doubtful(context)}) k
    where o.kind = k.kind and o.external_id = k.external_id and o.error_code is null`.execute(store.db);
}

/**
 * Leaves each object staged once. Of records that differ and have one id the first is staged, or none where a link
 * ties the id to an object already: which record is that object nobody can tell.
 * @returns how many records have the id of another one and are not that record, and some of these ids
 */
async function dropRepeated(context: StagingContext): Promise<SeenCounts['doubled']> {
  const { store, sync, table } = context;
  await sql`
    delete from ${table('object')} o using (${doubtful(context)}) k
    where o.linked and o.kind = k.kind and o.external_id = k.external_id`.execute(store.db);
  await sql`
    delete from ${table('object')} o using ${table('object')} first
    where first.kind = o.kind and first.external_id = o.external_id and first.ctid < o.ctid`.execute(
    store.db,
  );
  await sql`
    delete from ${table('match_value')} m using ${table('match_value')} first
    where first.kind = m.kind and first.external_id = m.external_id and first.rule = m.rule and first.value = m.value
      and first.ctid < m.ctid`.execute(store.db);
  if (sync.direction === 'ingress') await failDoubtful(context);
  const { rows } = await sql<SeenCounts['doubled']>`
    select coalesce(sum(records - 1), 0)::int as count,
      coalesce((array_agg(external_id order by external_id))[1:${mostExamples}], '{}') as examples from (
      select external_id, count(distinct fingerprint) as records from ${table('key')} group by kind, external_id
    ) k where records > 1`.execute(store.db);
  return rows[0] ?? { count: 0, examples: [] };
}

/** Live links whose object was not seen. */
export async function listUnseen(
  context: StagingContext,
  kinds: readonly ObjectKind[],
  most: number,
): Promise<ObjectKey[]> {
  const { store, sync } = context;
  await analyzeStaged(context, 'key');
  const { rows } = await sql<ObjectKey>`
    select l.kind, l.external_id as "externalId" from link l
    where l.sync_serial = ${sync.serial} and l.state = 'live' and l.kind = any (${kinds}::text[]) and ${unseen(context, 'whole')}
    limit ${most}`.execute(store.db);
  return rows;
}

/** After the read: what was seen. */
export async function settleSeen(context: StagingContext, tally: SeenTally): Promise<SeenCounts> {
  const [distinct, staged] = await Promise.all([countDistinct(context), countStaged(context)]);
  tally.isEachOnce = distinct === total(tally.noted);
  if (tally.isEachOnce) return { seen: { ...tally.noted }, staged, doubled: { count: 0, examples: [] } };
  const seen = await countSeen(context);
  const doubled = await dropRepeated(context);
  return { seen, staged: await countStaged(context), doubled };
}
