import { nextRun } from '../jobs/schedule.ts';
import type { ScheduledSyncs } from '../jobs/scheduler.ts';
import { findNextDueAt, findSyncById, moveNextRun, selectDueSyncs } from '../store/queries/syncs.ts';
import type { Application } from './application.ts';
import { addJob } from './jobs.ts';

/** Most syncs that one look at the schedules starts. */
const dueAtOnce = 100;

/** The syncs with a schedule, of all tenants, as the scheduler sees them. */
export function scheduledSyncs(app: Application): ScheduledSyncs {
  return {
    dueSyncs: async (now) =>
      (await selectDueSyncs(app.store.db, now, dueAtOnce)).flatMap(({ id, nextRunAt }) =>
        nextRunAt === null ? [] : [{ syncId: id, dueAt: nextRunAt }],
      ),
    nextDueAt: async () => findNextDueAt(app.store.db),
    startScheduled: async (syncId, dueAt) => startScheduled(app, syncId, dueAt),
  };
}

/** A sync that is running already is not started again: its next run is moved on all the same. */
async function startScheduled(app: Application, syncId: string, dueAt: Date): Promise<void> {
  await app.store.transaction(async (trx) => {
    const sync = await findSyncById(trx, syncId);
    if (sync === undefined || !sync.enabled) return;
    const { schedule } = sync.settings;
    // From now on, not from the time missed: after a standstill a sync runs once, not once for each time missed.
    const next = schedule === undefined ? null : nextRun(schedule, app.clock.now(), sync.id);
    if (!(await moveNextRun(trx, sync.id, dueAt, next))) return;
    await addJob(app, trx, { sync, mode: 'apply', origin: { startedThrough: 'schedule', startedBy: null } });
  });
}
