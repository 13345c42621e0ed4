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

/**
 * Tells the database how its tables look after a large job, without waiting for its own housekeeping (the embedded one
 * has none): the next job's joins are planned by it. Only columns that are looked things up by; images are never read.
 */
export async function refreshTableStatistics(store: Store, changes: number): Promise<void> {
  if (changes < worthwhile) return;
  const analyze = (table: string) => () => sql`analyze ${sql.raw(table)}`.execute(store.db);
  await sideBySide(store, lookedUp.map(analyze));
}

/** The same for a plan that was just written; a tenth of the usual sample, since the job waits for it. */
export async function refreshPlanStatistics(store: Store, changes: number): Promise<void> {
  if (changes < worthwhile) return;
  await analyzeQuickly(store, [
    sql`change (job_serial, ordinal, kind, verb, object_id, member_id, parent_id, result)`,
  ]);
}
