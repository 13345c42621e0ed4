import type { JobView } from '@lockstep/contract/job.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { JobSelection } from '../sync/selection.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { requestJob, type JobRequest } from './jobs.ts';

/** What a run does, apart from who asked for it. */
type Run = Pick<JobRequest, 'mode' | 'selection'>;

const selectionLists = [
  'userIds',
  'groupIds',
  'organizationalUnitIds',
  'emails',
] as const satisfies readonly (keyof JobSelection)[];

function sameSelection(left: JobSelection, right: JobSelection): boolean {
  return selectionLists.every((list) => {
    const [one, other] = [new Set(left[list]), new Set(right[list])];
    return one.size === other.size && [...one].every((id) => other.has(id));
  });
}

/** Whether a job does exactly what is asked for: then it is the answer to whoever asks once more. */
export function isSameRun(job: JobView, { mode, selection }: Run): boolean {
  if (job.mode !== mode || job.undoesJobId !== null) return false;
  if (job.selection === null || selection === undefined)
    return job.selection === null && selection === undefined;
  return sameSelection(job.selection, selection);
}

/** A run of everything also does a part. */
function covers(job: JobView, run: Run): boolean {
  return isSameRun(job, run) || isSameRun(job, { mode: run.mode });
}

/**
 * Runs a sync, for APIs that show nothing but the job.
 * @returns a new job, or the one under way if it does what is asked for
 * @throws LockstepError NotFound; Conflict when the sync is not enabled, or another kind of run is under way.
 */
export async function requestRun(
  app: Application,
  actor: Actor,
  idOrName: string,
  request: JobRequest,
): Promise<JobView> {
  const { job, created } = await requestJob(app, actor, idOrName, request);
  if (created || covers(job, request)) return job;
  const isRun = job.mode === 'apply' && job.undoesJobId === null;
  const other = isRun ? 'a run of other objects' : 'another kind of run';
  throw new LockstepError('Conflict', `${other} is under way`, { remedy: 'Ask again when it has ended.' });
}
