import { setTimeout as delay } from 'node:timers/promises';
import type { JobEvent } from '@lockstep/contract/events.ts';
import { jobIsOver, jobPhases, type Progress } from '@lockstep/contract/job.ts';
import { jobStatuses } from '@lockstep/contract/vocabulary.ts';
import { selectMessages, type JobRow, type MessageRow } from '../store/queries/jobs.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { getJob, getJobRow } from './jobs.ts';
import { ProgressRate } from './progress-rate.ts';

/** The id of the last event of every job. */
export const endEventId = 'end';

/** What a follower has been told. It is written into each event's id, so that any process can go on from there. */
interface Told {
  readonly message: number;
  readonly status: number;
  readonly phase: number;
  readonly read: number;
  readonly applied: number;
  readonly total: number;
}

const nothing: Told = { message: 0, status: -1, phase: -1, read: -1, applied: -1, total: -1 };

function renderId(told: Told): string {
  return [told.message, told.status, told.phase, told.read, told.applied, told.total].join('.');
}

/** An id that is none of ours counts as none: the follower is told everything. */
function parseId(id: string | undefined): Told {
  const parts = (id ?? '').split('.').map(Number);
  if (parts.length !== 6 || !parts.every(Number.isSafeInteger)) return nothing;
  const [message, status, phase, read, applied, total] = parts as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { message, status, phase, read, applied, total };
}

/** How long until the state is looked at again: short at first and after each news. */
const shortestPause = 20;
const longestPause = 250;
const messagesAtOnce = 500;

function progressOf(row: JobRow): Progress {
  return { phase: row.phase, read: row.readCount, applied: row.appliedOrdinal, total: row.lastOrdinal };
}

/** The events between what was told and what is, in the order messages, status, progress. */
function* newEvents(
  told: Told,
  row: JobRow,
  messages: readonly MessageRow[],
  rate: ProgressRate,
): Generator<[JobEvent, Told], Told> {
  let now = told;
  for (const message of messages) {
    now = { ...now, message: message.ordinal };
    yield [{ id: renderId(now), event: 'message', data: { ...message, at: message.at.toISOString() } }, now];
  }
  const status = jobStatuses.indexOf(row.status);
  if (status !== now.status) {
    now = { ...now, status };
    yield [{ id: renderId(now), event: 'status', data: { status: row.status } }, now];
  }
  const phase = jobPhases.indexOf(row.phase);
  const progress = progressOf(row);
  const { read, applied, total } = progress;
  if (phase !== now.phase || read !== now.read || applied !== now.applied || total !== now.total) {
    now = { ...now, phase, read, applied, total };
    yield [
      {
        id: renderId(now),
        event: 'progress',
        data: { ...progress, ...rate.measure(progress, row.endsNotBefore) },
      },
      now,
    ];
  }
  return now;
}

/**
 * Follows a job to its end. Each event's id says what the follower knows by then; given as `lastEventId` it goes on
 * behind it, in another process or after a restart as well. Messages come each once and in order; of status and
 * progress the newest.
 * @throws LockstepError NotFound.
 */
export async function* followJob(
  app: Application,
  actor: Actor,
  jobId: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<JobEvent> {
  let told = parseId(lastEventId);
  const rate = new ProgressRate(app.clock);
  let pause = shortestPause;
  while (!signal.aborted) {
    // The job before its messages: what a job says last is written before it ends.
    const row = await getJobRow(app, actor, jobId);
    const page = { after: told.message, limit: messagesAtOnce };
    const messages = await selectMessages(app.store.db, row.serial, page);
    const before = told;
    for (const [event, after] of newEvents(told, row, messages, rate)) {
      yield event;
      told = after;
    }
    if (messages.length === messagesAtOnce) continue;
    if (jobIsOver(row.status)) {
      yield { id: endEventId, event: 'end', data: await getJob(app, actor, jobId) };
      return;
    }
    pause = told === before ? Math.min(pause * 1.5, longestPause) : shortestPause;
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}
