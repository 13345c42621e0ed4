import { sql } from 'kysely';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Executor, Store } from '../store.ts';
import { dropKeptTables, giveTablesBack, takeTables } from './kept-tables.ts';
import type { StagingContext, StagingTable } from './staging-tables.ts';

/** Drops what attempts at a job have staged. */
export async function dropStaged(store: Store, jobSerial: number): Promise<void> {
  await store.transaction(async (trx) => dropKeptTables(trx, jobSerial));
}

async function markAttempt(trx: Executor, { serial, attempt }: RunnableJob): Promise<void> {
  await sql`
    insert into staging.attempt (job_serial, attempt) values (${serial}, ${attempt}) on conflict do nothing`.execute(
    trx,
  );
}

async function unmarkAttempt(trx: Executor, { serial, attempt }: RunnableJob): Promise<void> {
  await sql`delete from staging.attempt where job_serial = ${serial} and attempt <= ${attempt}`.execute(trx);
}

/**
 * What is planned from staging tables that a crash of the server has emptied takes everything for gone, or for equal.
 * @throws LockstepError StoreUnavailable, so that the job is read and planned again
 */
export async function requireStaged(trx: Executor, { serial, attempt }: RunnableJob): Promise<void> {
  const { rows } = await sql`
    select from staging.attempt where job_serial = ${serial} and attempt = ${attempt}`.execute(trx);
  if (rows.length > 0) return;
  throw new LockstepError(
    'StoreUnavailable',
    'the database has crashed while the job was planned, and what was staged is gone: the job begins again',
  );
}

/**
 * A staging area with its tables, all of them empty. Disposing it leaves nothing in them: tables of a plan that was made
 * to its end are for other jobs, those of one that was broken off are dropped, since something may still write to them.
 */
export interface StagingArea extends AsyncDisposable {
  readonly context: StagingContext;
  /** The plan is made: nothing writes to the tables any more. */
  complete(): void;
}

export async function openStagingArea(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
): Promise<StagingArea> {
  // Of an earlier attempt, which may still be at work in another process: it finds its tables gone. This one itself may
  // be the earlier one, that of a process which was suspended: what a later one has staged is left alone.
  await store.transaction(async (trx) => dropKeptTables(trx, job.serial, job.attempt));
  const number = await store.transaction(async (trx) => {
    await markAttempt(trx, job);
    return takeTables(trx, job, sync.direction);
  });
  const tableName = (name: StagingTable): string => `staging.kept_${number}_${name}`;
  const context: StagingContext = { store, job, sync, tableName, table: (name) => sql.raw(tableName(name)) };
  let isComplete = false;
  return {
    context,
    complete() {
      isComplete = true;
    },
    async [Symbol.asyncDispose]() {
      await store.transaction(async (trx) => {
        if (isComplete) await giveTablesBack(trx, job, sync.direction, number);
        else await dropKeptTables(trx, job.serial, job.attempt);
        await unmarkAttempt(trx, job);
      });
    },
  };
}
