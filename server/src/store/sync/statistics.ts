import { sql } from 'kysely';
import { emptyStatistics } from '@lockstep/contract/job.ts';
import { kinds, operationOfVerb } from '@lockstep/contract/vocabulary.ts';
import type { Direction, Kind, Operation, Statistics, Verb } from '@lockstep/contract/vocabulary.ts';
import { countsAsWritten, countsInOperation } from '../queries/counted-changes.ts';
import type { Executor } from '../store.ts';

interface JobRow {
  direction: Direction;
  applied_ordinal: number;
  same_counts: Partial<Record<Kind, number>>;
  exports: boolean;
}

/**
 * Statistics of a job, computed from its outcomes (DESIGN section 2). An object counts once in the
 * operation of its change and, written to a system, once in Pushed, or Exported when the target is a file. Changes of a running job that
 * were not attempted yet are not counted.
 */
export async function computeStatistics(executor: Executor, jobSerial: number): Promise<Statistics> {
  const statistics = emptyStatistics();
  const { rows: jobs } = await sql<JobRow>`
    select j.direction, j.applied_ordinal, j.same_counts, coalesce(c.type = 'file', false) as exports
    from job j left join connection c on c.id = j.connection_id where j.serial = ${jobSerial}`.execute(
    executor,
  );
  const job = jobs[0];
  if (!job) return statistics;
  const { rows } = await sql<{
    kind: Kind;
    verb: Verb;
    outcome: 'success' | 'failed' | 'skipped';
    count: number;
    written: number;
  }>`
    select kind, verb, coalesce(result, 'success') as outcome, count(*) filter (where ${countsInOperation})::int as count,
      count(*) filter (where ${countsAsWritten})::int as written
    from change where job_serial = ${jobSerial} and (result is not null or ordinal <= ${job.applied_ordinal})
    group by 1, 2, 3`.execute(executor);
  const writing: Operation = job.exports ? 'exported' : 'pushed';
  const add = (
    kind: Kind,
    operation: Operation,
    outcome: 'success' | 'failed' | 'skipped',
    count: number,
  ): void => {
    statistics[kind][operation][outcome] += count;
    statistics[kind][operation].total += count;
  };
  for (const { kind, verb, outcome, count, written } of rows) {
    add(kind, operationOfVerb[verb], outcome, count);
    if (job.direction === 'egress') add(kind, writing, outcome, written);
  }
  for (const kind of kinds) {
    const same = job.same_counts[kind] ?? 0;
    if (same > 0) add(kind, 'same', 'success', same);
  }
  return statistics;
}
