import { sql } from 'kysely';
import type { Executor } from '../store.ts';

/**
 * Tells the database how the copies of connected systems look, each time that one has had ten times as many changes as
 * the time before: it grows from nothing within minutes, which the housekeeping of a server sees late and the embedded
 * store has none. Without it a lookup by name reads every record of the connection.
 * @param sequence number of the change that was just written
 */
export async function refreshReplicaStatistics(executor: Executor, sequence: number): Promise<void> {
  if (!/^10*$/.test(String(sequence))) return;
  await sql`analyze replica_record, replica_member`.execute(executor);
}
