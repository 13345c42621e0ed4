import type { JobView } from '@lockstep/contract/job.ts';
import { printable } from './table.ts';

type GuardedJob = Pick<JobView, 'id' | 'mode' | 'status' | 'guard' | 'heldPlan'>;

const heldParts = {
  destructive: 'everything that takes something away',
  all: 'the whole plan',
} as const;

/** How to go on with what is held, or who has done so. */
function sequel({ id, heldPlan }: GuardedJob, named: string): string {
  if (heldPlan === null || heldPlan.state === 'waiting')
    return `To apply it: bin/lockstep jobs approve ${id}${named}`;
  const by = heldPlan.account === null ? '' : ` by ${heldPlan.account}`;
  return heldPlan.state === 'approved'
    ? `Approved${by}: job ${heldPlan.jobId} applies it.`
    : `Superseded by a newer run of the sync${by === '' ? '' : `, started${by}`}: job ${heldPlan.jobId}.`;
}

function outcome(job: GuardedJob, named: string): string[] {
  const { id, mode, status, guard } = job;
  const part = heldParts[guard?.hold ?? 'destructive'];
  if (mode === 'dryRun') return [`A run would hold ${part} until it is approved.`];
  if (mode === 'approve') return ['The plan was approved.'];
  if (status !== 'held') return [];
  return [
    guard?.hold === 'all'
      ? 'Held: the whole plan; nothing was applied.'
      : `Held: ${part}; the rest was applied.`,
    `To see it:   bin/lockstep jobs changes ${id} --result skipped${named}`,
    sequel(job, named),
  ];
}

/**
 * What the guard found and what that means, a sentence on each line: which kind, how many of how many, which limit,
 * what is held and how to approve it. Empty when nothing is beyond its limits.
 * @param named what other commands have to be given to find the same store
 */
export function renderGuard(job: GuardedJob, named: string): string[] {
  if (job.guard === null || !job.guard.tripped) return [];
  return [...job.guard.findings.map((finding) => finding.sentence), ...outcome(job, named)].map(printable);
}
