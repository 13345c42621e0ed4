import { z } from 'zod';
import {
  connectionSerials,
  findConnectionBySerial,
  getIdentityProvider,
  latestIngressJobs,
  listIdentityProviders,
} from '../../../../app/identity-providers.ts';
import { countJobs, countJobsBeyond, getJob, listJobs } from '../../../../app/jobs.ts';
import { requestRun } from '../../../../app/requested-run.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { isJobId } from '../../../../kernel/ids.ts';
import { booleanField, findSerial, listField, serialOf, serialsOf, zoneFilter } from '../fields.ts';
import { operation, pageParameters, type Operation } from '../operation.ts';
import { behindAll, placeOf, readPage, readTokenPage, renderMeta, type PerPage } from '../paging.ts';
import { iam } from '../paths.ts';
import { renderSync } from '../render-sync.ts';

const perPage: PerPage = { least: 3, most: 100, usual: 10 };
/** Previews are nobody's business but of who asked for them. */
const modes = ['apply', 'approve'] as const;
/** Ids of jobs sort by time; this one is before all of them. */
const oldest = `sync_${'0'.repeat(40)}`;
const noConnection: readonly string[] = [];

function checkJobToken(name: string, token: string | undefined): string | undefined {
  if (token === undefined || isJobId(token)) return token;
  throw new LockstepError('InvalidRequest', `'${name}' is not a token of this list`, { field: name });
}

const statuses =
  'The vendor lists no statuses: Queued, In Progress, Completed, Completed with errors, Failed, Cancelled, Held.';

const getHistory = operation({
  id: 'getOrganizationIamUsersIdpsSyncHistory',
  method: 'GET',
  path: `${iam}/idps/sync/history`,
  summary: 'List the syncs of all identity providers, newest first',
  scope: 'dashboard:iam:telemetry:read',
  query: [...pageParameters, { name: 'idpId', type: 'string' }],
  deviations: [
    statuses,
    'Lists every ingress job that is no preview, however it was started, those of deleted identity providers too.',
    '`perPage` outside 3 to 100 is moved to the nearer bound.',
  ],
  handle: async ({ app, actor }, { query }) => {
    const { limit, after, before } = readTokenPage(query, perPage);
    const idpId = query.text('idpId');
    const connection =
      idpId === undefined ? undefined : await findConnectionBySerial(app, actor, findSerial(idpId) ?? 0);
    const filter = {
      direction: 'ingress' as const,
      modes,
      ...(idpId === undefined
        ? {}
        : { connectionIds: connection === undefined ? noConnection : [connection] }),
    };
    const backwards = before !== undefined;
    const bound = backwards
      ? { before: before === behindAll ? oldest : checkJobToken('endingBefore', before) }
      : { after: checkJobToken('startingAfter', after) };
    const page = await listJobs(app, actor, filter, { limit, ...bound });
    const total = await countJobs(app, actor, filter);
    const [first, last] = [page.items.at(0)?.id, page.items.at(-1)?.id];
    const remaining =
      first === undefined || last === undefined
        ? 0
        : await countJobsBeyond(app, actor, filter, backwards ? { newerThan: first } : { olderThan: last });
    // The side that nobody counts is only looked at: counting a long history takes its time.
    const behind = backwards ? { limit: 1, after: last } : { limit: 1, before: first };
    const hasBehind = first !== undefined && (await listJobs(app, actor, filter, behind)).items.length > 0;
    const serials = await connectionSerials(
      app,
      actor,
      page.items.map((job) => job.connectionId),
    );
    return {
      body: {
        items: page.items.map((job) => renderSync(job, serials.get(job.connectionId), false)),
        meta: renderMeta(total, remaining),
      },
      page: {
        perPage: limit,
        first,
        last,
        hasPrevious: backwards ? remaining > 0 : hasBehind,
        hasNext: backwards ? hasBehind : remaining > 0,
      },
    };
  },
});

const getLatest = operation({
  id: 'getOrganizationIamUsersIdpsSyncLatest',
  method: 'GET',
  path: `${iam}/idps/sync/latest`,
  summary: 'The newest sync of each identity provider that has one',
  scope: 'dashboard:iam:telemetry:read',
  query: [
    ...pageParameters,
    { name: 'idpIds', type: 'array' },
    { name: 'authZoneId', type: 'string' },
    { name: 'authZoneType', type: 'string' },
  ],
  deviations: [
    statuses,
    '`syncedBy` is `api`, `schedule`, or `dashboard` for the console; the vendor shows `api` alone.',
  ],
  handle: async ({ app, actor }, { query }) => {
    const page = readPage(query, perPage);
    const zone = zoneFilter({ id: query.text('authZoneId'), type: query.text('authZoneType') });
    const filter = { serials: serialsOf(query.list('idpIds')), zone, withJob: true };
    const slice = await listIdentityProviders(app, actor, filter, page);
    const ids = slice.items.map(({ id }) => id);
    const latest = await latestIngressJobs(app, actor, ids);
    const items: unknown[] = [];
    for (const idp of slice.items) {
      const jobId = latest.get(idp.id);
      if (jobId !== undefined) items.push(renderSync(await getJob(app, actor, jobId), idp.serial, true));
    }
    return { body: { items }, page: placeOf(page, slice) };
  },
});

const getLatestOfOne = operation({
  id: 'getOrganizationIamUsersIdpSyncLatest',
  method: 'GET',
  path: `${iam}/idps/{idpId}/sync/latest`,
  summary: 'The newest sync of an identity provider',
  scope: 'dashboard:iam:telemetry:read',
  deviations: [statuses, 'An identity provider that was never synced is answered with 404.'],
  handle: async ({ app, actor }, { params }) => {
    const idp = await getIdentityProvider(app, actor, serialOf(params['idpId'], 'IdP'));
    const jobId = (await latestIngressJobs(app, actor, [idp.id])).get(idp.id);
    if (jobId === undefined) throw new LockstepError('NotFound', 'the IdP has not been synced yet');
    const { idpId: _, syncedBy: __, ...sync } = renderSync(await getJob(app, actor, jobId), idp.serial, true);
    return { body: sync };
  },
});

const createSync = operation({
  id: 'createOrganizationIamUsersIdpSync',
  method: 'POST',
  path: `${iam}/idps/{idpId}/sync`,
  summary: 'Run the sync of an identity provider, all of it or for some addresses',
  scope: 'dashboard:iam:config:write',
  body: z.object({ emails: listField, force: booleanField }, { error: 'must be an object' }),
  status: 201,
  batch: 'create',
  deviations: [
    'While a sync of the identity provider has not ended the answer is that one, so that the call may be repeated.',
    'While one of other addresses or a preview has not ended the answer is 400.',
    'A sync reads what changed since the last one where the directory can tell that, and everything else where it cannot: `force` has everything read again. Empty `emails` are as none.',
    'An identity provider with several ingress syncs runs the first of them.',
  ],
  handle: async ({ app, actor }, { params, body }) => {
    const idp = await getIdentityProvider(app, actor, serialOf(params['idpId'], 'IdP'));
    const emails = body.emails ?? [];
    const job = await requestRun(app, actor, idp.syncId, {
      mode: 'apply',
      startedThrough: 'meraki',
      full: body.force === true,
      ...(emails.length === 0 ? {} : { selection: { emails } }),
    });
    const sync = renderSync(job, idp.serial, true);
    return { body: sync, created: { id: sync.idpSyncId, uri: `${iam}/idps/${idp.serial}/sync` } };
  },
});

export const syncOperations: readonly Operation[] = [getHistory, getLatest, getLatestOfOne, createSync];
