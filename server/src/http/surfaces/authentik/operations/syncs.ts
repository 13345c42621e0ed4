import type { JobSelection } from '../../../../sync/selection.ts';
import { findNamedObject } from '../../../../app/directory-lookup.ts';
import { runJobNow } from '../../../../app/await-job.ts';
import { getJob } from '../../../../app/jobs.ts';
import { getPerson } from '../../../../app/people.ts';
import { listNamedSyncs, type NamedSync } from '../../../../app/sync-directory.ts';
import { invalid, notFound } from '../errors.ts';
import { families, type Family } from '../families.ts';
import { boolean, choice, readBody, required, text } from '../fields.ts';
import { loadJobLog, type LogEvent } from '../job-log.ts';
import { ifFound } from '../lookups.ts';
import { operation, type Operation, type OperationCall } from '../operation.ts';
import { previewsOnly } from '../provider-view.ts';
import { slugOf } from '../slug.ts';
import { renderSyncStatus } from '../sync-status.ts';
import { renderTime } from '../times.ts';
import { idOfUuid, parseUuid } from '../uuid.ts';
import { providerIn } from './providers.ts';

const models = ['authentik.core.models.User', 'authentik.core.models.Group'] as const;
const linesOfObject = 1000;

async function namedSync(call: OperationCall, syncId: string, model: string): Promise<NamedSync> {
  const found = (await listNamedSyncs(call.app, call.actor)).find(({ sync }) => sync.id === syncId);
  if (found === undefined) throw notFound(model);
  return found;
}

async function statusOfProvider(call: OperationCall, family: Family): Promise<unknown> {
  const { sync } = await providerIn(call, family);
  return renderSyncStatus(call, await namedSync(call, sync.id, family.model));
}

/** The object that a body names, as the only one that a run may touch; undefined when there is no such object. */
async function selectionOf(
  call: OperationCall,
  model: (typeof models)[number],
  id: string,
): Promise<JobSelection | undefined> {
  if (model === 'authentik.core.models.User') {
    if (!/^\d{1,15}$/.test(id)) throw invalid({ sync_object_id: ['A valid integer is required.'] });
    const person = await ifFound(getPerson(call.app, call.actor, Number(id)));
    return person && { userIds: [person.id] };
  }
  const uuid = parseUuid(id);
  if (uuid === undefined) throw invalid({ sync_object_id: [`“${id}” is not a valid UUID.`] });
  const group = await findNamedObject(call.app, call.actor, 'group', idOfUuid('group', uuid));
  return group && { groupIds: [group.id] };
}

function note(call: OperationCall, event: string): LogEvent {
  const timestamp = renderTime(call.app.clock.now());
  return { timestamp, log_level: 'warning', logger: 'lockstep.jobs', event, attributes: {} };
}

async function syncObject(call: OperationCall, family: Family): Promise<unknown> {
  const provider = await providerIn(call, family);
  const fields = {
    sync_object_model: required(choice(models)),
    sync_object_id: required(text()),
    override_dry_run: boolean,
  };
  const body = readBody(fields, call.body);
  const { sync_object_model: model = models[0], sync_object_id: id = '' } = body;
  const selection = await selectionOf(call, model, id);
  if (selection === undefined) return { messages: [note(call, `There is no object ${id} to sync.`)] };
  const preview = previewsOnly(provider.connection) && body.override_dry_run !== true;
  const job = await runJobNow(
    call.app,
    call.actor,
    provider.sync.id,
    { mode: preview ? 'dryRun' : 'apply', startedThrough: 'authentik', selection },
    call.signal,
  );
  if (job === undefined)
    return { messages: [note(call, 'Another run took too long; the object was not synced.')] };
  const view = await getJob(call.app, call.actor, job.id);
  return { messages: await loadJobLog(call, view, linesOfObject, 'all') };
}

/** LDAP connections with an ingress sync, by the slug of their name. */
async function ldapSource(call: OperationCall): Promise<NamedSync> {
  const slug = call.path['slug'] ?? '';
  const sources = (await listNamedSyncs(call.app, call.actor)).filter(
    ({ sync, connectionType }) => sync.direction === 'ingress' && connectionType === 'ldap',
  );
  const found =
    sources.find(({ connectionName }) => connectionName === slug) ??
    sources.find(({ connectionName }) => slugOf(connectionName) === slug);
  if (found === undefined) throw notFound('LDAPSource');
  return found;
}

function operationsOf(family: Family): Operation[] {
  const name = `providers_${family.path}_sync`;
  const at = `/providers/${family.path}/{id}/sync/`;
  return [
    operation(`${name}_status_retrieve`, `GET ${at}status/`, async (call) => statusOfProvider(call, family), {
      deviations: [
        'one answer for all versions: `tasks` for clients up to 2025.6, `last_sync_status` and `last_successful_sync` for newer ones',
        'the newest 20 tasks, with 1,000 messages each at most and a summary line; tasks do not expire',
        'a task in which an object failed, that was held or cancelled is `warning`',
      ],
    }),
    operation(`${name}_object_create`, `POST ${at}object/`, async (call) => syncObject(call, family), {
      status: 200,
      deviations: ['waits for a run of the same provider to end first, ten minutes in all at most'],
    }),
  ];
}

export const syncOperations: readonly Operation[] = [
  ...families.flatMap(operationsOf),
  operation('sources_ldap_sync_status_retrieve', 'GET /sources/ldap/{slug}/sync/status/', async (call) =>
    renderSyncStatus(call, await ldapSource(call)),
  ),
];
