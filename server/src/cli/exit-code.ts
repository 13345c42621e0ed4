import type { JobView } from '@lockstep/contract/job.ts';
import { kinds, type JobStatus, type Operation, type Statistics } from '@lockstep/contract/vocabulary.ts';

/** What the process answers to its caller; documented in the README. */
export const exitCodes = { success: 0, failed: 1, different: 2, partialSuccess: 3, held: 4 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codeOfStatus: Readonly<Record<JobStatus, ExitCode>> = {
  pending: exitCodes.failed,
  running: exitCodes.failed,
  held: exitCodes.held,
  success: exitCodes.success,
  partial_success: exitCodes.partialSuccess,
  failed: exitCodes.failed,
  cancelled: exitCodes.failed,
};

const changingOperations: readonly Operation[] = ['created', 'updated', 'binded', 'deleted'];

/** Whether the plan behind these statistics has any change. */
export function hasDifferences(statistics: Statistics): boolean {
  return kinds.some((kind) =>
    changingOperations.some((operation) => (statistics[kind]?.[operation]?.total ?? 0) > 0),
  );
}

/**
 * Of one job that is over. A dry run writes nothing: it fails when it could not be made, and a conflict or a plan that
 * the guard would hold is a difference like any other.
 */
export function exitCodeOfJob(job: Pick<JobView, 'mode' | 'status' | 'statistics' | 'error'>): ExitCode {
  if (job.mode !== 'dryRun') return codeOfStatus[job.status];
  if (job.status === 'cancelled' || job.error !== null) return exitCodes.failed;
  if (hasDifferences(job.statistics)) return exitCodes.different;
  return job.status === 'held' ? exitCodes.different : codeOfStatus[job.status];
}

/** Of several jobs: the first of 1, 4, 3, 2, 0 that occurs. Dry runs have no 3 and 4, other runs no 2. */
export function combineExitCodes(codes: readonly ExitCode[]): ExitCode {
  const order: readonly ExitCode[] = [1, 4, 3, 2, 0];
  return order.find((code) => codes.includes(code)) ?? exitCodes.success;
}
