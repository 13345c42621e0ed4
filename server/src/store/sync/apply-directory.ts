import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';
import type { Store } from '../store.ts';
import { checkBatch, checkMemberships } from './check-batch.ts';
import { requireOwnership } from './job-rows.ts';
import { preferKeyLookups } from './key-lookups.ts';
import { loadContents, pending } from './directory-batch.ts';
import type { Batch } from './directory-batch.ts';
import { writeMemberships } from './write-memberships.ts';
import { deleteAll, writeObjects } from './write-objects.ts';

async function writeLog(batch: Batch): Promise<void> {
  const { trx, job, sync } = batch;
  await sql`
    insert into directory_log (tenant_id, kind, verb, object_id, member_id, job_serial)
    select ${sync.tenantId}, c.kind, c.verb, c.object_id, c.member_id, ${job.serial}
    from change c where ${pending(batch)} and c.verb <> 'bind' order by c.ordinal`.execute(trx);
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
  await writeLog(batch);
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

async function reach(trx: Transaction<Database>, job: RunnableJob, through: number): Promise<void> {
  await sql`update job set applied_ordinal = ${through} where serial = ${job.serial}`.execute(trx);
}

/**
 * Applies the changes after `from`, at most `size` of them, and commits them with their outcomes in one transaction.
 * When a row breaks the batch the batch is halved until that row stands alone and fails alone.
 * @returns the ordinal reached
 */
export async function applyToDirectory(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  from: number,
  size: number,
): Promise<number> {
  const through = Math.min(from + size, job.lastOrdinal);
  try {
    await store.transaction(async (trx) => {
      await requireOwnership(trx, job);
      await preferKeyLookups(trx);
      const { rows } = await sql<{
        revision: number;
      }>`select nextval('directory_revision') as revision`.execute(trx);
      await applyBatch({ trx, job, sync, from, through, revision: Number(rows[0]?.revision) });
      await reach(trx, job, through);
    });
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
