import { setTimeout as delay } from 'node:timers/promises';
import type { JobEvent } from '@lockstep/contract/events.ts';
import { jobIsOver, type JobView } from '@lockstep/contract/job.ts';
import type { JobMode } from '@lockstep/contract/vocabulary.ts';
import { ConnectionLost } from './client.ts';
import type { ProgressReporter } from './progress.ts';
import type { Session } from './session.ts';

/** How often one job is looked for again after the server that was followed went away. */
const maximumReopens = 5;

function report({ sync, mode }: JobView, event: JobEvent, reporter: ProgressReporter): void {
  // The plan of a dry run is made and never applied.
  const shown = event.event === 'progress' && (mode !== 'dryRun' || event.data.phase !== 'apply');
  if (shown) reporter.update(sync, event.data);
  if (event.event === 'message' && event.data.level !== 'info') {
    reporter.line(`${sync}: ${event.data.level}: ${event.data.text}`);
  }
}

/** Follows a job to its end, through restarts of the server, and answers with it. */
export async function followJob(
  session: Session,
  job: JobView,
  reporter: ProgressReporter,
): Promise<JobView> {
  let lastEventId: string | undefined;
  for (let reopens = 0; ;) {
    try {
      for await (const event of session.client.events(job.id, lastEventId)) {
        if (event.id !== '') lastEventId = event.id;
        if (event.event === 'end') return event.data;
        report(job, event, reporter);
      }
      const current = await session.call('getJob', { params: { job: job.id } });
      if (jobIsOver(current.status)) return current;
      // A server that is closing ends its streams before it goes away.
      await delay(200);
    } catch (error) {
      if (!(error instanceof ConnectionLost) || ++reopens > maximumReopens) throw error;
      reporter.line(`${job.sync}: the server went away, looking for the job again`);
      await session.reopen();
    } finally {
      reporter.clear();
    }
  }
}

/** Requests a job of a sync and follows it to its end; a job that an earlier process left unfinished is carried on. */
export async function runSync(
  session: Session,
  sync: string,
  mode: Exclude<JobMode, 'approve'>,
  reporter: ProgressReporter,
): Promise<JobView> {
  for (;;) {
    const { job, created } = await session.call('requestJob', { params: { sync }, body: { mode } });
    if (!created) {
      reporter.line(`${sync}: job ${job.id} is under way${job.mode === mode ? '' : ` (${job.mode})`}`);
    }
    const ended = await followJob(session, job, reporter);
    // What was under way may have been a preview, or the approval of an older plan: not what was asked for.
    if (ended.mode === mode) return ended;
  }
}
