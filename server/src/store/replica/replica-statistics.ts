import { sql } from 'kysely';
import type { Executor } from '../store.ts';

/** Whether a count has got a digit more. */
function hasGrown(before: number, after: number): boolean {
  return after > 0 && (before === 0 || String(before).length < String(after).length);
}

/**
 * Tells the database how the copies of connected systems look, each time that one has had ten times as many changes, or
 * members, as the time before: it grows from nothing within minutes, which the housekeeping of a server sees late and the
 * embedded store has none. Without it a lookup by name reads every record of the connection.
 * @param before how many there were before what was just written
 * @param after how many there are now
 */
export async function refreshReplicaStatistics(
  executor: Executor,
  before: number,
  after: number,
): Promise<void> {
  if (hasGrown(before, after)) await sql`analyze replica_record, replica_member`.execute(executor);
}
