import { nextRun } from '../jobs/schedule.ts';
import type { ScheduledSyncs } from '../jobs/scheduler.ts';
import { findUnfinishedJob, type JobRow } from '../store/queries/jobs.ts';
import {
  findNextDueAt,
  findSyncById,
  moveNextRun,
  selectDueSyncs,
  selectSyncsDueAfter,
} from '../store/queries/syncs.ts';
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
    bringForward: async (now) => bringForward(app, now),
  };
}

/** Clocks of the processes of one installation differ by less: what one has started is not started again by another. */
const clockTolerance = 3_600_000;

async function bringForward(app: Application, now: Date): Promise<void> {
  const tolerated = new Date(now.getTime() + clockTolerance);
  const failures: unknown[] = [];
  for (const { id, settings, nextRunAt } of await selectSyncsDueAfter(app.store.db, tolerated)) {
    if (settings.schedule === undefined || nextRunAt === null) continue;
    try {
      const latest = nextRun(settings.schedule, tolerated, id);
      if (latest === null || nextRunAt <= latest) continue;
      await moveNextRun(app.store.db, id, nextRunAt, nextRun(settings.schedule, now, id));
    } catch (error) {
      // A schedule that is not understood any more (a time zone that is gone) keeps no other one waiting.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Whether a job does what a schedule asks for: all of the sync, and not a preview, an older plan or an undo. */
const isWholeRun = ({ mode, selection, undoesJobId }: JobRow): boolean =>
  mode === 'apply' && selection === null && undoesJobId === null;

/**
 * A sync that is running already is not started again: its next run is moved on all the same. Behind a job of another
 * sort it stays due, and starts when that has ended.
 */
async function startScheduled(app: Application, syncId: string, dueAt: Date): Promise<void> {
  await app.store.transaction(async (trx) => {
    const sync = await findSyncById(trx, syncId);
    if (sync === undefined || !sync.enabled) return;
    const underWay = await findUnfinishedJob(trx, sync.id);
    if (underWay !== undefined && !isWholeRun(underWay)) return;
    const { schedule } = sync.settings;
    // From now on, not from the time missed: after a standstill a sync runs once, not once for each time missed.
    const next = schedule === undefined ? null : nextRun(schedule, app.clock.now(), sync.id);
    if (!(await moveNextRun(trx, sync.id, dueAt, next))) return;
    await addJob(app, trx, { sync, mode: 'apply', origin: { startedThrough: 'schedule', startedBy: null } });
  });
}
