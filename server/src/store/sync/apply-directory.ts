import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';
import type { Store } from '../store.ts';
import { checkBatch, checkMemberships } from './check-batch.ts';
import { requireOwnership } from './job-rows.ts';
import { preferKeyLookups } from './key-lookups.ts';
import { loadContents } from './directory-batch.ts';
import type { Batch } from './directory-batch.ts';
import { writeMemberships } from './write-memberships.ts';
import { deleteAll, writeObjects } from './write-objects.ts';

/** The changes of a batch that succeeded are in the log as one range: who reads it finds them in the record. */
async function writeLog({ trx, job, sync, from, through }: Batch): Promise<void> {
  await sql`
    insert into directory_log (tenant_id, job_serial, from_ordinal, through_ordinal)
    values (${sync.tenantId}, ${job.serial}, ${from + 1}, ${through})`.execute(trx);
}

async function applyBatch(batch: Batch): Promise<void> {
  const contents = await loadContents(batch);
  await checkBatch(batch, contents);
  await writeObjects(batch, contents);
  if (contents.has('membership')) {
    await checkMemberships(batch);
    await writeMemberships(batch, contents);
  }
  await deleteAll(batch, contents);
  if (contents.changes) await writeLog(batch);
}

function uniqueViolation(error: unknown): ErrorCode | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  if (error.code !== '23505') return null;
  const text =
    'constraint' in error ? String(error.constraint) : String((error as { message?: unknown }).message);
  return text.includes('username') ? 'UsernameTaken' : 'NameTaken';
}

/** Whether an error is the fault of a row: a constraint or a value (SQLSTATE classes 22 and 23). */
function isRowError(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code.startsWith('22') || code.startsWith('23');
}

/** SQLSTATE lock_not_available. */
function isLockTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '55P03';
}

async function reach(trx: Transaction<Database>, job: RunnableJob, through: number): Promise<void> {
  await sql`update job set applied_ordinal = ${through} where serial = ${job.serial}`.execute(trx);
}

/** How long the first of two ranges waits for a lock: the second one may hold it, and that one waits for the first. */
const lockPatience = '10s';

interface Range {
  readonly from: number;
  readonly through: number;
}

/** Applies a range in one transaction; it is committed after `before`, whose range is the one before it. */
async function applyRange(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  { from, through }: Range,
  { before, patience }: { readonly before?: Promise<void>; readonly patience?: string } = {},
): Promise<void> {
  await store.transaction(async (trx) => {
    if (before === undefined) await requireOwnership(trx, job);
    if (patience !== undefined) await sql`select set_config('lock_timeout', ${patience}, true)`.execute(trx);
    await preferKeyLookups(trx);
    // What is taken back gives names up and takes them in the same breath.
    if (job.undoesJobId !== null) await sql`set constraints all deferred`.execute(trx);
    const { rows } = await sql<{
      revision: number;
    }>`select nextval('directory_revision') as revision`.execute(trx);
    await applyBatch({ trx, job, sync, from, through, revision: Number(rows[0]?.revision) });
    if (before !== undefined) {
      await before;
      await requireOwnership(trx, job);
    }
    await reach(trx, job, through);
  });
}

/** Whether a range holds nothing but new users, or nothing but new memberships: then no part of it waits for another. */
async function isIndependent(store: Store, job: RunnableJob, { from, through }: Range): Promise<boolean> {
  const { rows } = await sql<{ kind: string; verb: string }>`
    select distinct c.kind, c.verb from change c
    where c.job_serial = ${job.serial} and c.ordinal > ${from} and c.ordinal <= ${through} limit 2`.execute(
    store.db,
  );
  const [row] = rows;
  if (row === undefined || rows.length > 1) return false;
  return row.kind === 'user' ? row.verb === 'create' : row.kind === 'membership' && row.verb === 'addMember';
}

/**
 * Applies two ranges at a time where neither asks for the other, each in its transaction, committed in their order.
 * @returns the ordinal reached; null: they must go one by one
 */
async function applyTwo(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  from: number,
  size: number,
): Promise<number | null> {
  const middle = from + size;
  const through = Math.min(middle + size, job.lastOrdinal);
  // Batches of an undo write to the links of the same groups.
  if (store.engine === 'embedded' || job.undoesJobId !== null || middle >= through) return null;
  if (!(await isIndependent(store, job, { from, through }))) return null;
  const first = applyRange(store, job, sync, { from, through: middle }, { patience: lockPatience });
  const second = applyRange(store, job, sync, { from: middle, through }, { before: first });
  const [one, two] = await Promise.allSettled([first, second]);
  if (one.status === 'rejected') {
    if (isRowError(one.reason) || isLockTimeout(one.reason)) return null;
    throw one.reason;
  }
  if (two.status === 'fulfilled') return through;
  if (isRowError(two.reason)) return middle;
  throw two.reason;
}

/**
 * Applies the changes after `from`, at most `size` of them (twice as many where they can go side by side), and commits
 * them with their outcomes. When a row breaks its batch the batch is halved until that row stands alone and fails alone.
 * @returns the ordinal reached
 */
export async function applyToDirectory(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  from: number,
  size: number,
): Promise<number> {
  const reached = await applyTwo(store, job, sync, from, size);
  if (reached !== null) return reached;
  const through = Math.min(from + size, job.lastOrdinal);
  try {
    await applyRange(store, job, sync, { from, through });
    return through;
  } catch (error) {
    if (!isRowError(error)) throw error;
    if (through - from > 1)
      return await applyToDirectory(store, job, sync, from, Math.ceil((through - from) / 2));
    await failRow(store, job, through, error);
    return through;
  }
}

async function failRow(store: Store, job: RunnableJob, ordinal: number, error: unknown): Promise<void> {
  const code = uniqueViolation(error);
  const message =
    code === null
      ? `the store refused the value: ${error instanceof Error ? error.message : String(error)}`
      : 'another object has this name already';
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`
      update change set result = 'failed', error_code = ${code ?? 'InvalidRecord'}, error_message = ${message}
      where job_serial = ${job.serial} and ordinal = ${ordinal}`.execute(trx);
    await reach(trx, job, ordinal);
  });
}
