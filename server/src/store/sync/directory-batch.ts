import { sql } from 'kysely';
import type { RawBuilder, Transaction } from 'kysely';
import type { Kind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';

/** A run of changes that is applied to the directory in one transaction. */
export interface Batch {
  readonly trx: Transaction<Database>;
  readonly job: RunnableJob;
  readonly sync: RunnableSync;
  readonly from: number;
  readonly through: number;
  readonly revision: number;
}

/** Rows of the batch that still have to be carried out. */
export function pending({ job, from, through }: Batch): RawBuilder<unknown> {
  return sql`c.job_serial = ${job.serial} and c.ordinal > ${from} and c.ordinal <= ${through} and c.result is null`;
}

/** Gives the rows of a condition an outcome; returns how many there were. */
export async function settle(
  batch: Batch,
  condition: RawBuilder<unknown>,
  result: 'failed' | 'skipped',
  code: ErrorCode,
  message: string,
): Promise<number> {
  const { numAffectedRows } = await sql`
    update change c set result = ${result}, error_code = ${code}, error_message = ${message}
    where ${pending(batch)} and ${condition}`.execute(batch.trx);
  return Number(numAffectedRows ?? 0);
}

/** Kinds and verbs of a batch: statements that would find nothing are not sent. */
export interface Contents {
  has(kind: Kind, ...verbs: readonly Verb[]): boolean;
  /** Whether anything of the directory changes: a link alone is no change of it. */
  readonly changes: boolean;
}

export async function loadContents(batch: Batch): Promise<Contents> {
  const { rows } = await sql<{ kind: string; verb: string }>`
    select distinct c.kind, c.verb from change c where ${pending(batch)}`.execute(batch.trx);
  const found = new Set(rows.flatMap(({ kind, verb }) => [kind, `${kind} ${verb}`]));
  return {
    changes: rows.some(({ verb }) => verb !== 'bind' && verb !== 'unbind'),
    has: (kind, ...verbs) =>
      verbs.length === 0 ? found.has(kind) : verbs.some((verb) => found.has(`${kind} ${verb}`)),
  };
}
