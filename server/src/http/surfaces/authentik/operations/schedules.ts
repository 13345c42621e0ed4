import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { listJobs } from '../../../../app/jobs.ts';
import { requestRun } from '../../../../app/requested-run.ts';
import { listNamedSyncs, type NamedSync } from '../../../../app/sync-directory.ts';
import { putSync } from '../../../../app/syncs.ts';
import { crontabOf, quartzOfCrontab } from '../crontab.ts';
import { invalid, notFound } from '../errors.ts';
import { boolean, nullable, readBody, required, text } from '../fields.ts';
import { operation, uuidIn, type Operation, type OperationCall } from '../operation.ts';
import { filterBoolean, filterText, isFound, ordered, renderPage, type Orderings } from '../pages.ts';
import { previewsOnly } from '../provider-view.ts';
import { namesOfSync } from '../task-names.ts';
import { aggregatedStatuses, endedStatuses, shownModes } from '../task-view.ts';
import { renderTime } from '../times.ts';
import { idOfUuid, uuidOfId } from '../uuid.ts';

function isPaused({ sync }: NamedSync): boolean {
  return !sync.enabled || sync.settings.schedule === undefined;
}

async function render({ app, actor }: OperationCall, named: NamedSync): Promise<object> {
  const { sync } = named;
  const names = namesOfSync(named);
  const filter = { sync: sync.id, modes: shownModes, status: endedStatuses };
  const last = (await listJobs(app, actor, filter, { limit: 1 })).items[0];
  const { schedule } = sync.settings;
  return {
    id: uuidOfId(sync.id),
    identifier: sync.name,
    uid: names.uid,
    actor_name: names.actor,
    rel_obj_app_label: names.app,
    rel_obj_model: names.model,
    rel_obj_id: names.objectId,
    crontab: schedule === undefined ? '' : crontabOf(schedule, sync.nextRunAt),
    paused: isPaused(named),
    next_run: renderTime(sync.nextRunAt ?? sync.updatedAt),
    description: names.description,
    last_task_status: last === undefined ? null : aggregatedStatuses[last.status],
  };
}

const filters = {
  actor_name: 'actor',
  rel_obj_id: 'objectId',
  rel_obj_content_type__app_label: 'app',
  rel_obj_content_type__model: 'model',
} as const;

function matches({ query }: OperationCall, named: NamedSync): boolean {
  const names = namesOfSync(named);
  const paused = filterBoolean(query, 'paused');
  return (
    (paused === undefined || paused === isPaused(named)) &&
    // Every schedule belongs to a provider or a source.
    filterBoolean(query, 'rel_obj_id__isnull') !== true &&
    Object.entries(filters).every(([name, member]) => {
      const wanted = filterText(query, name);
      return wanted === undefined || names[member] === wanted;
    }) &&
    isFound(query, [names.actor, names.uid, names.description])
  );
}

const orderings: Orderings<NamedSync> = {
  actor_name: (named) => namesOfSync(named).actor,
  uid: (named) => namesOfSync(named).uid,
  next_run: ({ sync }) => sync.nextRunAt?.getTime(),
};

async function list(call: OperationCall): Promise<unknown> {
  const all = await listNamedSyncs(call.app, call.actor);
  const found = ordered(
    call.query,
    all.filter((named) => matches(call, named)),
    orderings,
    'next_run',
  );
  return renderPage(call.query, found.length, async ({ offset, limit }) => {
    const schedules: object[] = [];
    for (const named of found.slice(offset, offset + limit)) schedules.push(await render(call, named));
    return schedules;
  });
}

async function syncIn(call: OperationCall): Promise<NamedSync> {
  const id = idOfUuid('syn', uuidIn(call, 'Schedule', 'id'));
  const found = (await listNamedSyncs(call.app, call.actor)).find(({ sync }) => sync.id === id);
  if (found === undefined) throw notFound('Schedule');
  return found;
}

async function update(call: OperationCall): Promise<unknown> {
  const named = await syncIn(call);
  const fields = { rel_obj_id: nullable(text()), crontab: required(text()), paused: boolean };
  const body = readBody(fields, call.body, call.method === 'PATCH');
  if (previewsOnly(named)) {
    throw invalid({ non_field_errors: ['The provider only previews (dry_run): it has no schedule.'] });
  }
  const { schedule: before, ...rest } = named.sync.settings;
  const kept = before === undefined ? undefined : crontabOf(before, named.sync.nextRunAt);
  const cron =
    body.crontab === undefined || body.crontab === kept ? undefined : quartzOfCrontab(body.crontab);
  const schedule = cron === undefined ? before : { cron, timeZone: before?.timeZone ?? 'UTC' };
  const settings: SyncConfiguration = {
    ...rest,
    ...(schedule && { schedule }),
    ...(body.paused !== undefined && { enabled: !body.paused }),
  };
  await putSync(call.app, call.actor, named.sync.id, settings);
  return render(call, await syncIn(call));
}

export const scheduleOperations: readonly Operation[] = [
  operation('tasks_schedules_list', 'GET /tasks/schedules/', list, {
    deviations: [
      'every sync has a schedule; one without times is paused, and its `next_run` lies in the past',
    ],
  }),
  operation('tasks_schedules_retrieve', 'GET /tasks/schedules/{id}/', async (call) =>
    render(call, await syncIn(call)),
  ),
  operation('tasks_schedules_update', 'PUT /tasks/schedules/{id}/', update, {
    deviations: ['`rel_obj_id` cannot be changed; days of the month and of the week cannot be combined'],
  }),
  operation('tasks_schedules_partial_update', 'PATCH /tasks/schedules/{id}/', update),
  operation(
    'tasks_schedules_send_create',
    'POST /tasks/schedules/{id}/send/',
    async (call) => {
      const { sync, annotations } = await syncIn(call);
      const mode = previewsOnly({ annotations }) ? 'dryRun' : 'apply';
      await requestRun(call.app, call.actor, sync.id, { mode, startedThrough: 'authentik' });
    },
    { status: 204 },
  ),
];
