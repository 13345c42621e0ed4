import type { JobStatus, Statistics } from '@lockstep/contract/vocabulary.ts';
import { kinds, operations } from '@lockstep/contract/vocabulary.ts';

export interface JobEnd {
  /** A dry run: what it skipped counts as done, though a run may have to skip a part of it, too. */
  readonly dry: boolean;
  /** The job broke off before its plan was carried out. */
  readonly brokeOff: boolean;
  readonly cancelled: boolean;
  /** Not everything could be read, or not beyond doubt. */
  readonly incomplete: boolean;
  /** The guard held a part of the plan. */
  readonly held: boolean;
  readonly statistics: Statistics;
}

/**
 * How a job ends (DESIGN section 2, statuses). Any failed outcome and an incomplete read forbid success; nothing but failures is failed;
 * held outranks partial success, since a person has to act.
 */
export function jobStatus(end: JobEnd): Exclude<JobStatus, 'pending' | 'running'> {
  if (end.cancelled) return 'cancelled';
  if (end.brokeOff) return 'failed';
  if (end.held) return 'held';
  let failed = 0;
  let succeeded = 0;
  for (const kind of kinds) {
    for (const operation of operations) {
      const count = end.statistics[kind][operation];
      failed += count.failed;
      succeeded += end.dry ? count.success + count.skipped : count.success;
    }
  }
  if (failed === 0) return end.incomplete ? 'partial_success' : 'success';
  return succeeded === 0 ? 'failed' : 'partial_success';
}
