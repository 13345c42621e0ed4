import { setTimeout as delay } from 'node:timers/promises';
import type { JobEvent } from '@lockstep/contract/events.ts';
import { jobIsOver, type JobView } from '@lockstep/contract/job.ts';
import type { RequestedJob } from '@lockstep/contract/sync.ts';
import type { JobMode } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../kernel/errors.ts';
import { ConnectionLost } from './client.ts';
import type { ProgressReporter } from './progress.ts';
import type { Session } from './session.ts';

/** How often one job is looked for again after the server that was followed went away. */
const maximumReopens = 5;

const pauseMilliseconds = 200;

/** How often a database is looked for that does not answer: half a minute, time enough to start one again. */
const maximumWaits = 150;

function isDatabaseAway(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'StoreUnavailable';
}

/** What of a session a follower needs. */
interface Followable extends Pick<Session, 'call' | 'reopen' | 'refuseEnded' | 'storeArguments'> {
  readonly client: Pick<Session['client'], 'events'>;
}

type Reporter = Pick<ProgressReporter, 'update' | 'line' | 'clear'>;

function report({ sync, mode }: JobView, event: JobEvent, reporter: Reporter): void {
  // The plan of a dry run is made and never applied.
  const shown = event.event === 'progress' && (mode !== 'dryRun' || event.data.phase !== 'apply');
  if (shown) reporter.update(sync, event.data);
  if (event.event === 'message' && event.data.level !== 'info') {
    reporter.line(`${sync}: ${event.data.level}: ${event.data.text}`);
  }
}

/** Follows a job to its end, through restarts of the server, and answers with it. */
export async function followJob(session: Followable, job: JobView, reporter: Reporter): Promise<JobView> {
  let lastEventId: string | undefined;
  for (let reopens = 0, waits = 0; ;) {
    try {
      for await (const event of session.client.events(job.id, lastEventId)) {
        waits = 0;
        if (event.id !== '') lastEventId = event.id;
        if (event.event === 'end') return event.data;
        report(job, event, reporter);
      }
      const current = await session.call('getJob', { params: { job: job.id } });
      if (jobIsOver(current.status)) return current;
      // A server that is closing ends its streams before it goes away.
      await delay(pauseMilliseconds);
    } catch (error) {
      if (isDatabaseAway(error) && ++waits <= maximumWaits) {
        if (waits === 1) reporter.line(`${job.sync}: the database went away, waiting for it`);
        await delay(pauseMilliseconds);
        continue;
      }
      if (!(error instanceof ConnectionLost) || ++reopens > maximumReopens) throw error;
      session.refuseEnded(
        `The next process that runs jobs goes on with it; to end it: bin/lockstep jobs cancel ${job.id}${session.storeArguments}`,
      );
      reporter.line(`${job.sync}: the server went away, looking for the job again`);
      await session.reopen();
    } finally {
      reporter.clear();
    }
  }
}

/** What is asked of a sync; `full` reads everything again. */
export interface AskedRun {
  readonly mode: Exclude<JobMode, 'approve'>;
  readonly full?: boolean;
}

/** What was under way may be a preview, the approval of an older plan, an undo, or a run of some objects: not what was asked for. */
function doesWhatIsAsked(job: JobView, { mode, full = false }: AskedRun): boolean {
  const isRun = job.mode === mode && job.undoesJobId === null;
  return isRun && job.selection === null && !(full && job.changesOnly === true);
}

/** Why a job of an interrupted process is finished and does not stand for the run that is asked for; undefined: it does. */
async function whyOutdated(session: Followable, sync: string, job: JobView): Promise<string | undefined> {
  if (job.cancelRequested) return 'and is being cancelled';
  const { connectionId, updatedAt } = await session.call('getSync', { params: { sync } });
  const connection = await session.call('getConnection', { params: { connection: connectionId } });
  const isOlder = [updatedAt, connection.updatedAt].some((time) => time > job.createdAt);
  return isOlder ? 'since before its settings were changed' : undefined;
}

function describeUnderWay(job: JobView, asked: AskedRun): string {
  const sort = job.undoesJobId === null ? job.mode : `undo of ${job.undoesJobId}`;
  const mode = sort === asked.mode ? '' : ` (${sort})`;
  return `job ${job.id} is under way${mode}${job.selection === null ? '' : ', for some objects only'}`;
}

/**
 * Requests a job of a sync and follows it to its end; a job that an earlier process left unfinished is carried on.
 * Where a job of another sort is under way, or an outdated one, its end is waited for, and then it is asked again.
 */
export async function runSync(
  session: Followable,
  sync: string,
  asked: AskedRun,
  reporter: Reporter,
): Promise<RequestedJob> {
  for (;;) {
    const { job, created } = await session.call('requestJob', { params: { sync }, body: { ...asked } });
    if (created) return { job: await followJob(session, job, reporter), created };
    const outdated = await whyOutdated(session, sync, job);
    const sequel = outdated === undefined ? '' : ` ${outdated}; a new one follows`;
    reporter.line(`${sync}: ${describeUnderWay(job, asked)}${sequel}`);
    const ended = await followJob(session, job, reporter);
    if (outdated === undefined && doesWhatIsAsked(ended, asked)) return { job: ended, created };
  }
}
