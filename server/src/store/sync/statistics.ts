import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { emptyStatistics } from '@lockstep/contract/job.ts';
import { kinds, operationOfVerb } from '@lockstep/contract/vocabulary.ts';
import type { Direction, Kind, Operation, Statistics, Verb } from '@lockstep/contract/vocabulary.ts';
import { countsAsWritten, countsInOperation } from '../queries/counted-changes.ts';
import type { Executor, Store } from '../store.ts';

interface JobRow {
  direction: Direction;
  applied_ordinal: number;
  same_counts: Partial<Record<Kind, number>>;
  exports: boolean;
}

/** So many changes of a kind and verb have an outcome; of them those that count by it, and as what was written. */
interface Count {
  readonly kind: Kind;
  readonly verb: Verb;
  readonly outcome: 'success' | 'failed' | 'skipped';
  readonly count: number;
  readonly written: number;
}

async function countChanges(
  executor: Executor,
  jobSerial: number,
  which: RawBuilder<unknown>,
): Promise<readonly Count[]> {
  const { rows } = await sql<Count>`
    select kind, verb, coalesce(result, 'success') as outcome, count(*) filter (where ${countsInOperation})::int as count,
      count(*) filter (where ${countsAsWritten})::int as written
    from change where job_serial = ${jobSerial} and ${which}
    group by 1, 2, 3`.execute(executor);
  return rows;
}

async function findCountedJob(executor: Executor, jobSerial: number): Promise<JobRow | undefined> {
  const { rows } = await sql<JobRow>`
    select j.direction, j.applied_ordinal, j.same_counts, coalesce(c.type = 'file', false) as exports
    from job j left join connection c on c.id = j.connection_id where j.serial = ${jobSerial}`.execute(
    executor,
  );
  return rows[0];
}

function addUp(job: JobRow, counts: readonly Count[]): Statistics {
  const statistics = emptyStatistics();
  const writing: Operation = job.exports ? 'exported' : 'pushed';
  const add = (kind: Kind, operation: Operation, outcome: Count['outcome'], count: number): void => {
    statistics[kind][operation][outcome] += count;
    statistics[kind][operation].total += count;
  };
  for (const { kind, verb, outcome, count, written } of counts) {
    add(kind, operationOfVerb[verb], outcome, count);
    if (job.direction === 'egress') add(kind, writing, outcome, written);
  }
  for (const kind of kinds) {
    const same = job.same_counts[kind] ?? 0;
    if (same > 0) add(kind, 'same', 'success', same);
  }
  return statistics;
}

/**
 * Statistics of a job, computed from its outcomes (DESIGN section 2). An object counts once in the
 * operation of its change and, written to a system, once in Pushed, or Exported when the target is a file. Changes of a job
 * that were not attempted are not counted.
 */
export async function computeStatistics(executor: Executor, jobSerial: number): Promise<Statistics> {
  const job = await findCountedJob(executor, jobSerial);
  if (!job) return emptyStatistics();
  const attempted = sql`(result is not null or ordinal <= ${job.applied_ordinal})`;
  return addUp(job, await countChanges(executor, jobSerial, attempted));
}

/** What was counted of a running job: its changes up to an ordinal. */
interface Counted {
  readonly through: number;
  readonly counts: readonly Count[];
}

/** Of so many running jobs it is known what was counted. */
const keptJobs = 100;

/** By store and job. */
const kept = new WeakMap<Store, Map<number, Counted>>();

function keep(store: Store, jobSerial: number, counted: Counted): void {
  const jobs = kept.get(store) ?? new Map<number, Counted>();
  kept.set(store, jobs);
  jobs.delete(jobSerial);
  jobs.set(jobSerial, counted);
  for (const oldest of jobs.keys()) if (jobs.size > keptJobs) jobs.delete(oldest);
}

function sumOf(counts: readonly Count[]): readonly Count[] {
  const sums = new Map<string, Count>();
  for (const each of counts) {
    const key = [each.kind, each.verb, each.outcome].join();
    const sum = sums.get(key);
    sums.set(key, {
      ...each,
      count: each.count + (sum?.count ?? 0),
      written: each.written + (sum?.written ?? 0),
    });
  }
  return [...sums.values()];
}

/**
 * Statistics of a job that runs: what came since it was asked last is added to what was counted then, so that who
 * looks often does not have a million changes counted each time. An object that was moved, and whose second change
 * then failed, counts in both until the job has ended.
 */
export async function countSoFar(store: Store, jobSerial: number): Promise<Statistics> {
  const job = await findCountedJob(store.db, jobSerial);
  if (!job) return emptyStatistics();
  const through = job.applied_ordinal;
  const before = kept.get(store)?.get(jobSerial) ?? { through: 0, counts: [] };
  const reached = await countChanges(
    store.db,
    jobSerial,
    sql`ordinal > ${before.through} and ordinal <= ${through}`,
  );
  const counts = sumOf([...before.counts, ...reached]);
  keep(store, jobSerial, { through, counts });
  const ahead = await countChanges(store.db, jobSerial, sql`result is not null and ordinal > ${through}`);
  return addUp(job, [...counts, ...ahead]);
}
