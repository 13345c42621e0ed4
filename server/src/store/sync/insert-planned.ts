import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Database } from '../schema.ts';
import type { Executor } from '../store.ts';
import { requireOwnership } from './job-rows.ts';
import type { StagingContext } from './staging-tables.ts';

/**
 * For the rest of a transaction that writes a part of a plan: its commit does not wait for the disk, that of the whole
 * plan does for all of them. A crash of the server in between is noticed there (`requireStaged`), and the job plans again.
 */
async function commitWithoutWaiting(trx: Executor): Promise<void> {
  await sql`set local synchronous_commit = off`.execute(trx);
}

/**
 * Adds to the plan in a transaction of its own, unless another process has taken the job up. Parts may be added at the
 * same time: each holds the job's row for the moment of its commit only, and one is committed after `before`.
 * @throws LockstepError JobTakenOver
 */
export async function insertPlanned<T>(
  { store, job }: StagingContext,
  insert: (trx: Transaction<Database>) => Promise<T>,
  before?: Promise<unknown>,
): Promise<T> {
  return store.transaction(async (trx) => {
    await commitWithoutWaiting(trx);
    const inserted = await insert(trx);
    await before;
    await requireOwnership(trx, job);
    return inserted;
  });
}
