import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Database } from '../schema.ts';
import { requireOwnership } from './job-rows.ts';
import type { StagingContext } from './staging-tables.ts';

/**
 * Adds to the plan in a transaction of its own, unless another process has taken the job up. Parts may be added at the
 * same time: each holds the job's row for the moment of its commit only, and one is committed after `before`. The commit
 * of the whole plan waits for the disk, and notices a crash of the server before it (`requireStaged`).
 * @throws LockstepError JobTakenOver
 */
export async function insertPlanned<T>(
  { store, job }: StagingContext,
  insert: (trx: Transaction<Database>) => Promise<T>,
  before?: Promise<unknown>,
): Promise<T> {
  return store.transaction(async (trx) => {
    await sql`set local synchronous_commit = off`.execute(trx);
    const inserted = await insert(trx);
    await before;
    await requireOwnership(trx, job);
    return inserted;
  });
}
