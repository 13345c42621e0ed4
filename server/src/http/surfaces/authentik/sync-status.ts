import { isRunning, type NamedSync } from '../../../app/sync-directory.ts';
import { listJobs } from '../../../app/jobs.ts';
import { loadJobLog } from './job-log.ts';
import type { OperationCall } from './operation.ts';
import { namesOfSync } from './task-names.ts';
import { aggregatedStatuses, endedStatuses, renderSystemTask, shownModes } from './task-view.ts';
import { renderTime } from './times.ts';

/** Tasks that a status shows, and lines of each; the rest is in the lists of tasks. */
const tasksShown = 20;
const linesShown = 1000;

/**
 * How a sync stands, in one answer for all versions: `tasks` is read by clients up to 2025.6, the last two members by
 * newer ones. Everything is read from jobs, so that asking never gets in the way of a run that starts.
 */
export async function renderSyncStatus(call: OperationCall, named: NamedSync): Promise<object> {
  const { app, actor } = call;
  const of = { sync: named.sync.id, modes: shownModes };
  const { items: ended } = await listJobs(
    app,
    actor,
    { ...of, status: endedStatuses },
    { limit: tasksShown },
  );
  const newest = ended[0];
  const succeeded =
    newest?.status === 'success'
      ? newest
      : (await listJobs(app, actor, { ...of, status: ['success'] }, { limit: 1 })).items[0];
  const names = namesOfSync(named);
  const tasks: object[] = [];
  for (const job of ended) tasks.push(renderSystemTask(job, names, await loadJobLog(call, job, linesShown)));
  return {
    is_running: await isRunning(app, named),
    tasks,
    ...(succeeded?.endedAt && { last_successful_sync: renderTime(succeeded.endedAt) }),
    ...(newest && { last_sync_status: aggregatedStatuses[newest.status] }),
  };
}
