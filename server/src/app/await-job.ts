import { setTimeout as delay } from 'node:timers/promises';
import type { JobView } from '@lockstep/contract/job.ts';
import { jobIsOver } from '@lockstep/contract/job.ts';
import { LockstepError } from '../kernel/errors.ts';
import { findUnfinishedJob, type JobRow } from '../store/queries/jobs.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { cancelJob, getJobRow, requestJob, type JobRequest } from './jobs.ts';

/** Pauses between two looks at a job: short at first. */
const shortestPause = 20;
const longestPause = 500;
/** Milliseconds that a cancelled job is given to end. */
const cancellationTime = 15_000;

/** Waits until a job is over, or the signal is raised. @returns the job as it was last seen. */
export async function waitForJob(
  app: Application,
  actor: Actor,
  jobId: string,
  signal: AbortSignal,
): Promise<JobRow> {
  let pause = shortestPause;
  for (;;) {
    const row = await getJobRow(app, actor, jobId);
    if (jobIsOver(row.status) || signal.aborted) return row;
    await delay(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 1.5, longestPause);
  }
}

/**
 * Asks for a job and waits for its end; a job of the sync that has not ended is waited for first.
 * @returns undefined when the signal was raised before it could begin.
 */
export async function runJobNow(
  app: Application,
  actor: Actor,
  syncId: string,
  request: JobRequest,
  signal: AbortSignal,
): Promise<JobRow | undefined> {
  for (;;) {
    const { job, created }: { job: JobView; created: boolean } = await requestJob(
      app,
      actor,
      syncId,
      request,
    );
    const row = await waitForJob(app, actor, job.id, signal);
    if (created) return row;
    if (signal.aborted) return undefined;
  }
}

/** Cancels the job of a sync that has not ended, if there is one. @throws LockstepError Conflict when it goes on. */
export async function cancelAndWait(app: Application, actor: Actor, syncId: string): Promise<void> {
  const job = await findUnfinishedJob(app.store.db, syncId);
  if (job === undefined) return;
  await cancelJob(app, actor, job.id).catch((error: unknown) => {
    // It ended meanwhile.
    if (!(error instanceof LockstepError && error.code === 'Conflict')) throw error;
  });
  await waitForJob(app, actor, job.id, AbortSignal.timeout(cancellationTime));
}
