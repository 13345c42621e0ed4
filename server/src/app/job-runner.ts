import { setTimeout as delay } from 'node:timers/promises';
import { LockstepError } from '../kernel/errors.ts';
import { tidy } from '../store/housekeeping.ts';
import { findConnection } from '../store/queries/connections.ts';
import { findSyncById } from '../store/queries/syncs.ts';
import { isOver } from '../store/sync/job-rows.ts';
import { makeSyncStore } from '../store/sync/sync-store.ts';
import type { Endpoint } from '../sync/connector.ts';
import { jobStatus } from '../sync/job-status.ts';
import { noEndpoint } from '../sync/no-endpoint.ts';
import { runJob } from '../sync/run-job.ts';
import { printable } from '../sync/storable.ts';
import type { RunnableJob, RunnableSync, SyncStore } from '../sync/sync-store.ts';
import type { Application } from './application.ts';
import { connectorContext, getConnector } from './connections.ts';
import { followScopeUnits } from './scope-units.ts';
import { passwordReading } from './pending-passwords.ts';
import { specifySync } from './sync-specification.ts';

/** A target that cannot be reached while a plan is applied is tried again after so many milliseconds. */
const retryDelays = [1000, 5000, 15_000];

/**
 * SQLSTATE classes and system errors that mean the store itself is out of reach, or ended a transaction that stood
 * still: the queue delivers the job again.
 */
function isStoreFailure(error: unknown): boolean {
  if (!(error instanceof Error) || (error instanceof LockstepError && error.code !== 'StoreUnavailable'))
    return false;
  const code = 'code' in error ? String(error.code) : '';
  if (
    /^(08|57P|53|40|25P0[34])/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'StoreUnavailable'].includes(code)
  )
    return true;
  // The driver gives a connection that broke in the middle of a statement no code.
  return /^Connection terminated|^Client has encountered a connection error/.test(error.message);
}

/** A job that loses the store so often will go on to do so: it ends with that, where the store takes it. */
const mostAttempts = 100;
/** Of so many attempts the job's messages tell that they lost the store: more would be the same again. */
const toldAttempts = 10;

/** Whether the queue shall deliver the job again; who follows it learns why, if the store still takes that. */
async function isHandedBack(store: SyncStore, job: RunnableJob, error: unknown): Promise<boolean> {
  if (!isStoreFailure(error) || job.attempt >= mostAttempts) return false;
  if (job.attempt <= toldAttempts) {
    const text = `attempt ${job.attempt} lost the store and the job is taken up again: ${printable(String(error))}`;
    await store.addMessage(job, 'warning', text).catch(() => undefined);
  }
  return true;
}

/** What went wrong first: what then could not be closed either says less. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error;
}

/** Another worker runs the job: this one has nothing more to say about it, not even that it failed. */
function isTakenOver(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'JobTakenOver';
}

export interface JobRunner {
  /**
   * Takes a pending or interrupted job to its end; a job that is over is left alone.
   * Rejects only when the job shall be delivered again: the signal was raised, or the store was out of reach.
   */
  run(jobId: string, signal: AbortSignal): Promise<void>;
}

interface Opened {
  readonly sync: RunnableSync;
  attempt(job: RunnableJob, signal: AbortSignal): Promise<void>;
  /** After an egress job that broke off: what it keeps beside the target for its resumption goes. */
  discard(): Promise<void>;
}

/** Looks up what a job needs; throws LockstepError when its sync, connection or connector is gone. */
async function openJob(app: Application, store: SyncStore, job: RunnableJob): Promise<Opened> {
  const saved = await findSyncById(app.store.db, job.syncId);
  if (!saved) throw new LockstepError('NotFound', 'the sync of this job was deleted');
  const connection = await findConnection(app.store.db, saved.tenantId, saved.connectionId);
  if (!connection) throw new LockstepError('NotFound', 'the connection of this job was deleted');
  const connector = getConnector(app, connection.type);
  const row = await followScopeUnits(app, saved, connection);
  const { specification, accountStatesFrom } = await specifySync(app, row, connection, connector);
  const open = (): Promise<Endpoint> =>
    connector.open(connection.settings, connectorContext(app, connection, row.serial));
  const sync: RunnableSync = {
    tenantId: row.tenantId,
    syncId: row.id,
    serial: row.serial,
    connectionId: row.connectionId,
    direction: row.direction,
    onMissing: row.settings.onMissing,
    readPosition: row.readPosition,
    accountStatesFrom,
  };
  return {
    sync,
    async attempt(current, signal) {
      await using endpoint = current.undoesJobId === null ? await open() : noEndpoint;
      const startedAt = app.clock.now();
      await runJob({ job: current, sync, specification, endpoint, store, startedAt, signal });
    },
    async discard() {
      if (sync.direction === 'ingress') return;
      await using endpoint = await open();
      await endpoint.discard?.(job.id);
    },
  };
}

/** Ends a job that could not be carried out: what was not attempted is skipped, with the reason. */
async function breakOff(
  store: SyncStore,
  job: RunnableJob,
  sync: RunnableSync | null,
  error: unknown,
): Promise<void> {
  const code = error instanceof LockstepError ? error.code : 'Internal';
  const message = printable(error instanceof Error ? error.message : String(error));
  const remedy = error instanceof LockstepError && error.remedy ? ` ${error.remedy}` : '';
  const reason = `the job broke off: ${message}`;
  await store.withdrawExports(job, code, reason);
  await store.skipPlanned(job, 'all', code, reason);
  const sentence = remedy === '' || /[.!?]$/.test(message) ? message : `${message}.`;
  const errorMessage = `${sentence}${remedy}`;
  await store.addMessage(job, 'error', errorMessage);
  const statistics = await store.computeStatistics(job.serial);
  const end = { dry: false, brokeOff: true, cancelled: false, incomplete: false, held: false };
  const status = jobStatus({ ...end, statistics });
  await store.finish(job, sync, { status, statistics, errorCode: code, errorMessage, note: null });
}

async function attemptAgain(
  store: SyncStore,
  opened: Opened,
  taken: RunnableJob,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const job = { ...(await store.getJob(taken.id)), attempt: taken.attempt };
    try {
      return await opened.attempt(job, signal);
    } catch (caught) {
      const error = firstOf(caught);
      const current = await store.getJob(taken.id);
      const wait = retryDelays[attempt];
      const unreachable = error instanceof LockstepError && error.code === 'ConnectionFailed';
      if (!unreachable || current.phase !== 'apply' || wait === undefined) throw error;
      await store.addMessage(
        job,
        'warning',
        `${printable(error.message)}; the job goes on in ${wait / 1000} s`,
      );
      await delay(wait, undefined, { signal });
    }
  }
}

/** @param store the engine's port to the store; another one only where what goes wrong with it is the question. */
export function makeJobRunner(
  app: Application,
  store: SyncStore = makeSyncStore(app.store, passwordReading(app)),
): JobRunner {
  return {
    async run(jobId, signal) {
      if (await isOver(app.store, jobId)) return;
      const job = await store.takeUp(jobId);
      let opened: Opened | null = null;
      try {
        opened = await openJob(app, store, job);
        await attemptAgain(store, opened, job, signal);
      } catch (error) {
        if (signal.aborted || (await isHandedBack(store, job, firstOf(error)))) throw error;
        if (isTakenOver(error)) return;
        try {
          await breakOff(store, job, opened?.sync ?? null, error);
        } catch (failure) {
          if (isTakenOver(failure)) return;
          throw failure;
        }
        // What cannot be removed now is removed by a later job.
        await opened?.discard().catch(() => undefined);
      }
      // What cannot be tidied now is after a later job.
      await tidy(app.store).catch(() => undefined);
    },
  };
}
