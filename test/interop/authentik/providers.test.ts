import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { ConnectionView } from '@lockstep/contract/connection.ts';
import type { SyncView } from '@lockstep/contract/sync.ts';
import { describeOnSharedStores } from '../../servers/shared-store.ts';
import { refusal, serveAuthentik, type AuthentikApi } from './authentik-api.ts';

const secret = 'hush-hush-7';
const contoso = { name: 'Contoso (prod)', clientId: 'client', clientSecret: secret, tenantId: 'tenant' };

describeOnSharedStores('providers in the authentik API', (makeStore) => {
  async function start(): Promise<AuthentikApi> {
    return serveAuthentik(await makeStore());
  }

  test('a provider is a connection and an egress sync, and either client keeps it', async () => {
    await using api = await start();
    const made = await api.old.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: { ...contoso, userDeleteAction: 'suspend', groupDeleteAction: 'delete' },
    });
    expect(made).toMatchObject({
      name: contoso.name,
      clientId: 'client',
      tenantId: 'tenant',
      component: 'ak-provider-microsoft-entra-form',
      metaModelName: 'authentik_providers_microsoft_entra.microsoftentraprovider',
      userDeleteAction: 'suspend',
      groupDeleteAction: 'delete',
      propertyMappings: [],
    });
    const { items: connections } = await api.client.json<{ items: ConnectionView[] }>('GET', '/connections');
    expect(connections).toMatchObject([
      {
        name: 'contoso-prod',
        serial: made.pk,
        configuration: { type: 'entra_id', clientId: 'client', tenantId: 'tenant' },
        secrets: ['clientSecret'],
      },
    ]);
    const sync = async () => api.client.json<SyncView>('GET', '/syncs/contoso-prod');
    expect(await sync()).toMatchObject({
      direction: 'egress',
      configuration: { onMissing: 'delete', continuous: true },
    });
    const changed = await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id: made.pk,
      patchedMicrosoftEntraProviderRequest: { name: 'Renamed', userDeleteAction: 'delete', syncPageSize: 7 },
    });
    expect(changed).toMatchObject({ pk: made.pk, name: 'Renamed', clientId: 'client', syncPageSize: 7 });
    expect((await sync()).configuration.onMissing).toBe('delete');
    const replaced = await api.now.providers.providersMicrosoftEntraUpdate({
      id: made.pk,
      microsoftEntraProviderRequest: { ...contoso, name: 'Again', clientId: 'other', dryRun: true },
    });
    expect(replaced).toMatchObject({ name: 'Again', clientId: 'other', dryRun: true, syncPageSize: 7 });
    // A provider that only previews is never started by itself.
    const previewing = (await sync()).configuration;
    expect([previewing.schedule, previewing.continuous]).toEqual([undefined, false]);
    expect(await api.now.providers.providersMicrosoftEntraRetrieve({ id: made.pk })).toEqual(replaced);
    expect(JSON.stringify(await api.expectStatus(200, 'GET', '/providers/microsoft_entra/'))).not.toContain(
      secret,
    );
    expect(await api.old.providers.providersMicrosoftEntraUsedByList({ id: made.pk })).toEqual([]);
    await api.old.providers.providersMicrosoftEntraDestroy({ id: made.pk });
    expect((await refusal(api.now.providers.providersMicrosoftEntraRetrieve({ id: made.pk }))).status).toBe(
      404,
    );
    expect((await api.client.json<{ items: unknown[] }>('GET', '/connections')).items).toEqual([]);
  });

  test('names are unique among all providers', async () => {
    await using api = await start();
    const create = async (name: string) =>
      api.now.providers.providersMicrosoftEntraCreate({
        microsoftEntraProviderRequest: { ...contoso, name },
      });
    const { pk } = await create('one');
    await create('One!');
    const taken = { status: 400, body: { name: ['This field must be unique.'] } };
    expect(await refusal(create('one'))).toEqual(taken);
    const scim = { name: 'one', url: 'https://scim.example/v2', token: 'x' };
    expect(await refusal(api.now.providers.providersScimCreate({ sCIMProviderRequest: scim }))).toEqual(
      taken,
    );
    // Its own name is free to itself.
    await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id: pk,
      patchedMicrosoftEntraProviderRequest: { name: 'one' },
    });
  });

  test('saving starts a full run, and a run without a connector fails and says so', async () => {
    await using api = await start();
    const { pk: id } = await api.old.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: contoso,
    });
    const before = await api.old.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
    expect(before).toEqual({ isRunning: false, tasks: [] });
    expect(await api.now.providers.providersMicrosoftEntraSyncStatusRetrieve({ id })).toEqual({
      isRunning: false,
    });
    await api.runJobs();
    const { tasks } = await api.old.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
    expect(tasks).toMatchObject([
      {
        name: 'microsoft_entra_sync',
        uid: 'contoso-prod',
        fullName: 'microsoft_entra_sync:contoso-prod',
        status: 'error',
      },
    ]);
    expect(JSON.stringify(tasks[0]?.messages)).toMatch(/no connector of type entra_id is installed/);
    expect(await api.now.providers.providersMicrosoftEntraSyncStatusRetrieve({ id })).toEqual({
      isRunning: false,
      lastSyncStatus: 'error',
    });
    const { items: jobs } = await api.client.json<{ items: { startedThrough: string; startedBy: string }[] }>(
      'GET',
      '/jobs',
    );
    expect(jobs).toMatchObject([{ startedThrough: 'authentik', startedBy: 'administrator', mode: 'apply' }]);
    // Starting it again: by its task, by its schedule, by saving it.
    const [task] = (await api.old.events.eventsSystemTasksList()).results;
    await api.old.events.eventsSystemTasksRunCreate({ uuid: task?.uuid ?? '' });
    await api.runJobs();
    const [schedule] = (await api.now.tasks.tasksSchedulesList({ relObjId: String(id) })).results;
    await api.now.tasks.tasksSchedulesSendCreate({ id: schedule?.id ?? '' });
    await api.runJobs();
    const [newestTask] = (await api.now.tasks.tasksTasksList({ aggregatedStatus: ['error'] })).results;
    await api.now.tasks.tasksTasksRetryCreate({ messageId: newestTask?.messageId ?? '' });
    await api.runJobs();
    await api.now.providers.providersMicrosoftEntraPartialUpdate({ id });
    expect((await api.now.tasks.tasksTasksStatusRetrieve()).queued).toBe(1);
    await api.runJobs();
    expect(await api.now.tasks.tasksTasksStatusRetrieve()).toMatchObject({ queued: 0, error: 5, done: 0 });
    expect((await api.old.events.eventsSystemTasksList()).pagination.count).toBe(5);
    const uuids = async (query: object): Promise<string[]> =>
      (await api.old.events.eventsSystemTasksList(query)).results.map(({ uuid }) => uuid);
    const newestFirst = await uuids({});
    expect(await uuids({ ordering: '-start_timestamp' })).toEqual(newestFirst);
    const oldestFirst: string[] = [];
    for (const page of [1, 2, 3])
      oldestFirst.push(...(await uuids({ ordering: 'start_timestamp', pageSize: 2, page })));
    expect(oldestFirst).toEqual(newestFirst.toReversed());
  });

  test('deletions differ by kind, and service accounts are left out', async () => {
    await using api = await start();
    const { pk: id } = await api.now.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: {
        ...contoso,
        userDeleteAction: 'suspend',
        groupDeleteAction: 'delete',
        excludeUsersServiceAccount: true,
      },
    });
    const [connection] = (
      await api.client.json<{ items: { configuration: Record<string, unknown> }[] }>('GET', '/connections')
    ).items;
    expect(connection?.configuration).toMatchObject({ deletion: { user: 'suspend', group: 'delete' } });
    const syncs = async () =>
      (
        await api.client.json<{
          items: { configuration: { onMissing: string; scopes?: { filter?: string }[] } }[];
        }>('GET', '/syncs')
      ).items.map(({ configuration }) => [configuration.onMissing, configuration.scopes?.[0]?.filter]);
    expect(await syncs()).toEqual([['delete', expect.stringContaining('"service_account"')]]);
    const changed = await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id,
      patchedMicrosoftEntraProviderRequest: {
        excludeUsersServiceAccount: false,
        groupDeleteAction: 'do_nothing',
      },
    });
    expect(changed).toMatchObject({ userDeleteAction: 'suspend', groupDeleteAction: 'do_nothing' });
    expect(await syncs()).toEqual([['disable', undefined]]);
  });

  test('previews are no tasks', async () => {
    await using api = await start();
    const { pk: id } = await api.now.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: { ...contoso, dryRun: true },
    });
    await api.runJobs();
    const { items: jobs } = await api.client.json<{ items: { mode: string }[] }>('GET', '/jobs');
    expect(jobs.map(({ mode }) => mode)).toEqual(['dryRun']);
    expect((await api.now.tasks.tasksTasksList()).results).toEqual([]);
    expect((await api.old.events.eventsSystemTasksList()).results).toEqual([]);
    // Its schedule has no times and cannot be given any; what it is asked for is a preview as well.
    const [schedule] = (await api.now.tasks.tasksSchedulesList({ paused: true })).results;
    await api.expectStatus(400, 'PATCH', `/tasks/schedules/${schedule?.id}/`, { crontab: '5 3 * * *' });
    await api.now.tasks.tasksSchedulesSendCreate({ id: schedule?.id ?? '' });
    await api.runJobs();
    expect((await api.client.json<{ items: { mode: string }[] }>('GET', '/jobs')).items).toMatchObject([
      { mode: 'dryRun' },
      { mode: 'dryRun' },
    ]);
    await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id,
      patchedMicrosoftEntraProviderRequest: { dryRun: false },
    });
    const sync = await api.client.json<SyncView>('GET', '/syncs/contoso-prod');
    expect([sync.configuration.continuous, sync.configuration.schedule]).not.toContain(undefined);
    expect(await api.now.providers.providersMicrosoftEntraSyncStatusRetrieve({ id })).toEqual({
      isRunning: false,
    });
  });

  test('each status of a job is shown as it should be, and what native users set stays', async () => {
    await using api = await start();
    const { pk: id } = await api.now.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: contoso,
    });
    const shown = async () => {
      const { isRunning, tasks } = await api.old.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
      const { lastSyncStatus } = await api.now.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
      const { results } = await api.now.tasks.tasksTasksList();
      return [isRunning, tasks[0]?.status, lastSyncStatus, results[0]?.state, results[0]?.aggregatedStatus];
    };
    const { db } = api.client.app.store;
    for (const [status, ...expected] of [
      ['pending', false, undefined, undefined, 'queued', 'queued'],
      ['running', true, undefined, undefined, 'running', 'running'],
      ['held', false, 'warning', 'warning', 'done', 'warning'],
      ['success', false, 'successful', 'done', 'done', 'done'],
      ['partial_success', false, 'warning', 'warning', 'done', 'warning'],
      ['failed', false, 'error', 'error', 'done', 'error'],
      ['cancelled', false, 'warning', 'warning', 'done', 'warning'],
    ]) {
      const over = status !== 'pending' && status !== 'running';
      await sql`update job set status = ${status}, ended_at = case when ${over} then now() end`.execute(db);
      expect([status, ...(await shown())]).toEqual([status, ...expected]);
    }
    const own = { connection: 'contoso-prod', direction: 'egress', onMissing: 'ignore', continuous: false };
    await api.client.json('PUT', '/syncs/contoso-prod', own);
    const patched = await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id,
      patchedMicrosoftEntraProviderRequest: { name: 'Other' },
    });
    expect(patched).toMatchObject({ userDeleteAction: 'do_nothing', groupDeleteAction: 'do_nothing' });
    expect((await api.client.json<SyncView>('GET', '/syncs/contoso-prod')).configuration).toEqual({
      ...own,
      enabled: true,
    });
  });

  test('Google Workspace and SCIM are configured the same way', async () => {
    await using api = await start();
    const google = await api.now.providers.providersGoogleWorkspaceCreate({
      googleWorkspaceProviderRequest: {
        name: 'G',
        delegatedSubject: 'admin@example.com',
        credentials: { private_key: secret },
        defaultGroupEmailDomain: 'example.com',
      },
    });
    expect(google).toMatchObject({
      delegatedSubject: 'admin@example.com',
      defaultGroupEmailDomain: 'example.com',
    });
    expect(JSON.stringify(google)).not.toContain(secret);
    const scim = await api.old.providers.providersScimCreate({
      sCIMProviderRequest: { name: 'S', url: 'https://scim.example/v2', token: secret },
    });
    expect(scim).toMatchObject({
      url: 'https://scim.example/v2',
      metaModelName: 'authentik_providers_scim.scimprovider',
    });
    await api.now.providers.providersScimPartialUpdate({
      id: scim.pk,
      patchedSCIMProviderRequest: { compatibilityMode: 'slack', token: '' },
    });
    const { items } = await api.client.json<{ items: ConnectionView[] }>('GET', '/connections');
    expect(new Map(items.map(({ type, secrets }) => [type, secrets]))).toEqual(
      new Map([
        ['google_workspace', ['credentials']],
        ['scim', ['token']],
      ]),
    );
    await api.runJobs();
    for (const { name, lastSyncStatus } of [
      {
        name: 'g',
        ...(await api.now.providers.providersGoogleWorkspaceSyncStatusRetrieve({ id: google.pk })),
      },
      { name: 's', ...(await api.now.providers.providersScimSyncStatusRetrieve({ id: scim.pk })) },
    ]) {
      expect([name, lastSyncStatus]).toEqual([name, 'error']);
    }
    expect(
      await api.expectStatus(400, 'POST', '/providers/google_workspace/', { delegated_subject: 'x' }),
    ).toEqual({
      name: ['This field is required.'],
      delegated_subject: ['Enter a valid email address.'],
      credentials: ['This field is required.'],
      default_group_email_domain: ['This field is required.'],
    });
    expect(await api.expectStatus(400, 'POST', '/providers/scim/', { name: 'x', url: 'x' })).toEqual({
      url: ['Enter a valid URL.'],
    });
  });

  test('schedules are read and changed as crontabs', async () => {
    await using api = await start();
    await api.now.providers.providersMicrosoftEntraCreate({ microsoftEntraProviderRequest: contoso });
    const [schedule] = (await api.now.tasks.tasksSchedulesList()).results;
    const id = schedule?.id ?? '';
    expect(schedule).toMatchObject({
      identifier: 'contoso-prod',
      actorName: 'authentik.enterprise.providers.microsoft_entra.tasks.microsoft_entra_sync',
      relObjModel: 'microsoftentraprovider',
      crontab: expect.stringMatching(/^\d+ 0,4,8,12,16,20 \* \* \*$/) as string,
      paused: false,
      lastTaskStatus: null,
    });
    const changed = await api.now.tasks.tasksSchedulesPartialUpdate({
      id,
      patchedScheduleRequest: { crontab: '5 3 * * 1-5', paused: true },
    });
    expect(changed).toMatchObject({ crontab: '5 3 * * 1-5', paused: true });
    expect((await api.client.json<SyncView>('GET', '/syncs/contoso-prod')).configuration.schedule).toEqual({
      cron: '0 5 3 ? * 2-6',
      timeZone: 'UTC',
    });
    expect((await api.now.tasks.tasksSchedulesList({ paused: false })).results).toEqual([]);
    expect(
      await api.expectStatus(400, 'PATCH', `/tasks/schedules/${id}/`, { crontab: 'now' }),
    ).toHaveProperty('crontab');
    expect(await api.now.tasks.tasksWorkersList()).toMatchObject([{ versionMatching: true }]);
  });
});
