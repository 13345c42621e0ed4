import type { JobView } from '@lockstep/contract/job.ts';
import { jobStatuses, type JobStatus } from '@lockstep/contract/vocabulary.ts';
import { countJobs, listJobs, type JobListFilter } from '../../../../app/jobs.ts';
import { requestRun } from '../../../../app/requested-run.ts';
import { getJobBetween, listNamedSyncs } from '../../../../app/sync-directory.ts';
import { notFound } from '../errors.ts';
import { loadJobLog, type LogEvent } from '../job-log.ts';
import { getNamed } from '../lookups.ts';
import { operation, uuidIn, type Operation, type OperationCall } from '../operation.ts';
import { renderPage, type Span } from '../pages.ts';
import { previewsOnly } from '../provider-view.ts';
import { loadTaskDirectory, type TaskNames } from '../task-names.ts';
import { jobFilterOf, statusesShownAs } from '../task-query.ts';
import {
  aggregatedStatuses,
  endedStatuses,
  renderSystemTask,
  renderTask,
  shownModes,
  systemTaskStatuses,
  taskStates,
} from '../task-view.ts';
import { jobIdsOfUuid } from '../uuid.ts';

/** Lines of each task's log: in lists, and where one task is asked for. */
const linesInList = 100;
const linesOfOne = 10_000;

type Render = (job: JobView, names: TaskNames, log: readonly LogEvent[]) => object;

const times = new Set(['mtime', 'start_timestamp', 'finish_timestamp']);

/** Tasks have one order, that of time, in either direction. */
function oldestFirst({ query }: OperationCall): boolean {
  return times.has((query['ordering']?.at(-1) ?? '').split(',')[0]?.trim() ?? '');
}

/** The same items counted from the other end of the list. */
function fromTheEnd({ offset, limit }: Span, total: number): Span {
  const end = Math.max(0, total - offset);
  const begin = Math.max(0, end - limit);
  return { offset: begin, limit: end - begin };
}

async function renderList(
  call: OperationCall,
  filter: JobListFilter | undefined,
  names: (job: JobView) => TaskNames,
  render: Render,
): Promise<object> {
  const total = filter === undefined ? 0 : await countJobs(call.app, call.actor, filter);
  const reversed = oldestFirst(call);
  return renderPage(call.query, total, async (span) => {
    const page = reversed ? fromTheEnd(span, total) : span;
    const { items } = await listJobs(call.app, call.actor, filter ?? {}, page);
    if (reversed) items.reverse();
    const tasks: object[] = [];
    for (const job of items) tasks.push(render(job, names(job), await loadJobLog(call, job, linesInList)));
    return tasks;
  });
}

async function listSystemTasks(call: OperationCall): Promise<unknown> {
  const directory = await loadTaskDirectory(call);
  const statuses = statusesShownAs(systemTaskStatuses, endedStatuses, call.query['status'] ?? []);
  const filter = jobFilterOf(call.query, directory, { name: 'name', uid: 'uid' }, statuses);
  return renderList(call, filter, (job) => directory.of(job), renderSystemTask);
}

const taskMembers = {
  actor_name: 'actor',
  rel_obj_id: 'objectId',
  rel_obj_content_type__app_label: 'app',
  rel_obj_content_type__model: 'model',
} as const;

async function listTasks(call: OperationCall): Promise<unknown> {
  const { query } = call;
  const directory = await loadTaskDirectory(call);
  const inState = statusesShownAs(taskStates, jobStatuses, query['state'] ?? []);
  const queue = query['queue_name']?.at(-1) || 'default';
  const statuses =
    queue === 'default' ? statusesShownAs(aggregatedStatuses, inState, query['aggregated_status'] ?? []) : [];
  const filter = jobFilterOf(query, directory, taskMembers, statuses);
  return renderList(call, filter, (job) => directory.of(job), renderTask);
}

/** The job that the address names. @throws AuthentikError 404. */
async function jobIn(call: OperationCall, model: string, parameter: string): Promise<JobView> {
  const uuid = uuidIn(call, model, parameter);
  return getNamed(getJobBetween(call.app, call.actor, jobIdsOfUuid(uuid)), model);
}

async function retrieve(call: OperationCall, job: JobView, render: Render): Promise<object> {
  const directory = await loadTaskDirectory(call);
  return render(job, directory.of(job), await loadJobLog(call, job, linesOfOne));
}

async function runAgain(call: OperationCall, job: JobView, whole: boolean): Promise<void> {
  const { selection } = job;
  const named = (await listNamedSyncs(call.app, call.actor)).find(({ sync }) => sync.id === job.syncId);
  await requestRun(call.app, call.actor, job.syncId, {
    mode: named && previewsOnly(named) ? 'dryRun' : 'apply',
    startedThrough: 'authentik',
    ...(!whole && selection && { selection }),
  });
}

async function countTasks({ app, actor }: OperationCall): Promise<unknown> {
  const counts: Record<string, number> = {
    queued: 0,
    consumed: 0,
    preprocess: 0,
    running: 0,
    postprocess: 0,
    rejected: 0,
    done: 0,
    info: 0,
    warning: 0,
    error: 0,
  };
  for (const status of jobStatuses) {
    const shown = aggregatedStatuses[status];
    const filter = { status: [status] as JobStatus[], modes: shownModes };
    counts[shown] = (counts[shown] ?? 0) + (await countJobs(app, actor, filter));
  }
  return counts;
}

const everyJob =
  'shows the jobs of all syncs, newest first, or oldest first where `ordering` is `mtime`, `start_timestamp` or `finish_timestamp`; each has 100 lines of its log at most here';

export const taskOperations: readonly Operation[] = [
  operation('events_system_tasks_list', 'GET /events/system_tasks/', listSystemTasks, {
    deviations: [everyJob],
  }),
  operation('events_system_tasks_retrieve', 'GET /events/system_tasks/{uuid}/', async (call) => {
    const job = await jobIn(call, 'SystemTask', 'uuid');
    if (job.endedAt === null) throw notFound('SystemTask');
    return retrieve(call, job, renderSystemTask);
  }),
  operation(
    'events_system_tasks_run_create',
    'POST /events/system_tasks/{uuid}/run/',
    async (call) => runAgain(call, await jobIn(call, 'SystemTask', 'uuid'), true),
    { status: 204, deviations: ['starts a whole run of the same sync'] },
  ),
  operation('tasks_tasks_list', 'GET /tasks/tasks/', listTasks, { deviations: [everyJob] }),
  operation('tasks_tasks_status_retrieve', 'GET /tasks/tasks/status/', countTasks),
  operation('tasks_tasks_retrieve', 'GET /tasks/tasks/{message_id}/', async (call) =>
    retrieve(call, await jobIn(call, 'Task', 'message_id'), renderTask),
  ),
  operation(
    'tasks_tasks_retry_create',
    'POST /tasks/tasks/{message_id}/retry/',
    async (call) => runAgain(call, await jobIn(call, 'Task', 'message_id'), false),
    { status: 204, deviations: ['starts a new run of the same sync and the same objects'] },
  ),
  operation(
    'tasks_workers_list',
    'GET /tasks/workers/',
    async ({ version }) => [{ worker_id: 'lockstep', version, version_matching: true }],
    { deviations: ['names the installation as one worker'] },
  ),
];
