import type { ScheduledSyncs } from '../jobs/scheduler.ts';
import {
  selectOutdatedSyncs,
  selectPushedSyncs,
  selectUnfinishedSyncs,
  type SyncRow,
} from '../store/queries/syncs.ts';
import type { Application, Executor } from './application.ts';
import { addJob } from './jobs.ts';

/** A change waits so many milliseconds for more of them, */
const gathering = 1000;
/** and while they go on coming at most so many. */
const patience = 5000;
/** A sync whose run failed is not started again sooner; the rest doubles with each run that fails as well. */
const rest = { seconds: 60, mostSeconds: 3600 };
/** What failed in a run that did the rest is tried again, too, and less and less often: it may fail for good. */
const retry = { seconds: 60, mostSeconds: 24 * 3600 };
/** How often it is looked whether something changed. */
const interval = 1000;

/**
 * Syncs that follow what changes, as the scheduler sees them: egress syncs the directory, ingress syncs what is pushed
 * into their connection. Due as soon as the changes have settled, and to try again what failed.
 */
export function continuousSyncs(app: Application): ScheduledSyncs {
  return {
    dueSyncs: async (now) =>
      (await outdated(app, app.store.db, now)).map(({ id }) => ({ syncId: id, dueAt: now })),
    nextDueAt: async () => new Date(app.clock.now().getTime() + interval),
    startScheduled: async (syncId, dueAt) => startOutdated(app, syncId, dueAt),
  };
}

/** Where the connector is not installed a run could only fail, again and again: those are left to their schedules. */
async function outdated(
  app: Application,
  executor: Executor,
  now: Date,
  syncId?: string,
): Promise<SyncRow[]> {
  const before = (milliseconds: number): Date => new Date(now.getTime() - milliseconds);
  const moments = { now, settled: before(gathering), overdue: before(patience), rest, retry };
  const pushed = [...app.connectors].filter(([, { isPushed }]) => isPushed).map(([type]) => type);
  const installed = [...app.connectors.keys()];
  return [
    ...(await selectOutdatedSyncs(executor, installed, moments, syncId)),
    ...(await selectUnfinishedSyncs(executor, installed, moments, syncId)),
    ...(await selectPushedSyncs(executor, pushed, moments, syncId)),
  ];
}

/** Of several processes that see it one starts the run. */
async function startOutdated(app: Application, syncId: string, dueAt: Date): Promise<void> {
  await app.store.transaction(async (trx) => {
    const [sync] = await outdated(app, trx, dueAt, syncId);
    if (sync === undefined) return;
    await addJob(app, trx, {
      sync,
      mode: 'apply',
      origin: { startedThrough: sync.direction === 'egress' ? 'change' : 'push', startedBy: null },
    });
  });
}
