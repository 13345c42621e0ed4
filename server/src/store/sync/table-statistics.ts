import { sql } from 'kysely';
import type { Store } from '../store.ts';
import { sideBySide } from './side-by-side.ts';
import { analyzeQuickly } from './staging-statistics.ts';

/** From so many changes on a job leaves the planner's statistics behind. */
const worthwhile = 1000;

const lookedUp = [
  'link (sync_serial, kind, external_id, object_id, reference, alias, state)',
  'membership_link (sync_serial, group_id, reference, member_id)',
  'reference_link (sync_serial, kind, external_id, reference, object_id)',
  'membership (group_id, member_id)',
  'match_key (tenant_id, kind, attribute, value, object_id)',
  'directory_user (id, tenant_id, parent_id, username_key, revision)',
  'directory_group (id, tenant_id, parent_id, name_key, revision)',
  'organizational_unit (id, tenant_id, parent_id, name_key, revision)',
];

/** Only columns that are looked things up by; images are never read. */
async function analyzeTables(store: Store): Promise<void> {
  const analyze = (table: string) => () => sql`analyze ${sql.raw(table)}`.execute(store.db);
  await sideBySide(store, lookedUp.map(analyze));
}

/**
 * Tells the database how its tables look after a large job, without waiting for its own housekeeping (the embedded one
 * has none): the next job's joins are planned by it.
 */
export async function refreshTableStatistics(store: Store, changes: number): Promise<void> {
  if (changes >= worthwhile) await analyzeTables(store);
}

/**
 * The same before a job of a sync that has come to many links by small jobs: as long as the database takes it for nearly
 * empty, joins compare each of its links with each record.
 */
export async function introduceSync(store: Store, serial: number): Promise<void> {
  const links = sql`select from link where sync_serial = ${sql.lit(serial)}`;
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (${links} limit ${worthwhile}) l`.execute(store.db);
  if ((rows[0]?.count ?? 0) < worthwhile) return;
  const explained = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
    explain (format json) ${links}`.execute(store.db);
  const expected = explained.rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
  if (expected < worthwhile / 10) await analyzeTables(store);
}

/** The same for a plan that was just written; a tenth of the usual sample, since the job waits for it. */
export async function refreshPlanStatistics(store: Store, changes: number): Promise<void> {
  if (changes < worthwhile) return;
  await analyzeQuickly(store, [
    sql`change (job_serial, ordinal, kind, verb, object_id, member_id, parent_id, result)`,
  ]);
}
