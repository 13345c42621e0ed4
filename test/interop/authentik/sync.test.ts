import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSlapd, type Slapd } from '../../servers/slapd.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { refusal, serveAuthentik, type AuthentikApi } from './authentik-api.ts';
import { connectorsWithStandIn, targetNode } from './stand-in.ts';

interface Made {
  readonly id: string;
  readonly serial: number;
}
const user = 'authentik.core.models.User' as const;
const group = 'authentik.core.models.Group' as const;

async function addUser(api: AuthentikApi, name: string, attributes: object = {}): Promise<Made> {
  return api.client.json<Made>('POST', '/directory/users', {
    name,
    attributes: { commonName: [name], familyName: [name], ...attributes },
  });
}

async function addGroup(api: AuthentikApi, name: string, members: readonly Made[] = []): Promise<Made> {
  const made = await api.client.json<Made>('POST', '/directory/groups', { name });
  for (const { id } of members)
    await api.client.json('PUT', `/directory/groups/${made.id}/members/${id}?memberKind=user`);
  return made;
}

async function addProvider(api: AuthentikApi, more: object = {}): Promise<number> {
  const { pk } = await api.now.providers.providersMicrosoftEntraCreate({
    microsoftEntraProviderRequest: {
      name: 'Contoso',
      clientId: 'c',
      clientSecret: 's',
      tenantId: 't',
      ...more,
    },
  });
  return pk;
}

describeOnServerStore('a sync through the authentik API', (makeStore) => {
  let slapd: Slapd;
  let rounds = 0;
  beforeAll(async () => {
    slapd = await startSlapd({ dbnosync: true });
  });
  afterAll(async () => slapd.stop());

  /** A server whose providers write below an empty node. */
  async function start(): Promise<AuthentikApi> {
    const api = await serveAuthentik(await makeStore(), connectorsWithStandIn(slapd));
    if (rounds > 0) await slapd.tool('ldapdelete', ['-r', `${targetNode},${slapd.suffix}`]);
    rounds += 1;
    await slapd.addLdif(
      `dn: ${targetNode},${slapd.suffix}\nchangetype: add\nobjectClass: organizationalUnit\nou: target\n`,
    );
    return api;
  }

  async function namesThere(): Promise<string[]> {
    const entries = await slapd.tool('ldapsearch', [
      '-LLL',
      '-b',
      `${targetNode},${slapd.suffix}`,
      '(|(objectClass=person)(objectClass=groupOfNames))',
      '1.1',
    ]);
    return [...entries.matchAll(/^dn: \w+=([^,]+)/gm)].map(([, name]) => name ?? '').toSorted();
  }

  test('a whole run: status, tasks, links, and everything again from the newest client', async () => {
    await using api = await start();
    const ada = await addUser(api, 'ada');
    await addUser(api, 'bob');
    const staff = await addGroup(api, 'staff', [ada]);
    const id = await addProvider(api);
    await api.runJobs();
    expect(await namesThere()).toEqual(['ada', 'bob', 'staff']);

    const status = await api.old.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
    expect(status).toMatchObject({
      isRunning: false,
      tasks: [{ name: 'microsoft_entra_sync', uid: 'contoso', status: 'successful' }],
    });
    const [task] = status.tasks;
    expect(task?.messages[0]).toMatchObject({
      logLevel: 'info',
      event: expect.stringContaining('user created: 2') as string,
    });
    expect(await api.now.providers.providersMicrosoftEntraSyncStatusRetrieve({ id })).toEqual({
      isRunning: false,
      lastSyncStatus: 'done',
      lastSuccessfulSync: task?.finishTimestamp,
    });
    expect(await api.old.events.eventsSystemTasksRetrieve({ uuid: task?.uuid ?? '' })).toEqual(task);
    const newestTask = await api.now.tasks.tasksTasksRetrieve({ messageId: task?.uuid ?? '' });
    expect(newestTask).toMatchObject({
      state: 'done',
      aggregatedStatus: 'done',
      relObjId: String(id),
      uid: 'contoso',
    });
    const list = async (query: object) =>
      (await api.old.events.eventsSystemTasksList(query)).results.map(({ uuid }) => uuid);
    expect(await list({ status: 'successful', name: 'microsoft_entra_sync', uid: 'contoso' })).toEqual([
      task?.uuid,
    ]);
    for (const query of [{ status: 'error' }, { name: 'scim_sync' }, { uid: 'x' }, { search: 'nothing' }]) {
      expect(await list(query)).toEqual([]);
    }

    const users = await api.now.providers.providersMicrosoftEntraUsersList({ providerId: id });
    expect(users.results.map(({ userObj }) => userObj.username)).toEqual(['ada', 'bob']);
    const [link] = users.results;
    expect(link).toMatchObject({
      user: ada.serial,
      provider: id,
      userObj: { pk: ada.serial, isActive: true },
    });
    expect(link?.microsoftId).toMatch(/^[0-9a-f-]{36}$/);
    expect(
      await api.old.providers.providersMicrosoftEntraUsersRetrieve({ id: link?.id ?? '' }),
    ).toMatchObject({
      microsoftId: link?.microsoftId,
    });
    const groups = await api.old.providers.providersMicrosoftEntraGroupsList({ groupName: 'staff' });
    expect(groups.results).toMatchObject([{ groupObj: { numPk: staff.serial, name: 'staff' } }]);
    const byUuid = { groupGroupUuid: groups.results[0]?.group ?? '' };
    expect((await api.now.providers.providersMicrosoftEntraGroupsList(byUuid)).results).toHaveLength(1);
    expect(
      (await api.now.providers.providersMicrosoftEntraUsersList({ userUsername: 'nobody' })).results,
    ).toEqual([]);
    expect(
      (await api.now.providers.providersMicrosoftEntraUsersList({ userId: ada.serial })).results,
    ).toHaveLength(1);
    expect(
      (await api.now.providers.providersMicrosoftEntraUsersList({ search: 'conto bo' })).results,
    ).toHaveLength(1);
    const sorted = async (ordering: string): Promise<string[]> =>
      (await api.now.providers.providersMicrosoftEntraUsersList({ ordering })).results.map(
        ({ userObj }) => userObj.username,
      );
    expect([await sorted(''), await sorted('-user'), await sorted('-user__username')]).toEqual([
      ['ada', 'bob'],
      ['bob', 'ada'],
      ['bob', 'ada'],
    ]);
    const byId = (await api.now.providers.providersMicrosoftEntraUsersList({ ordering: 'microsoft_id' }))
      .results;
    expect(byId.map(({ microsoftId }) => microsoftId)).toEqual(
      byId.map(({ microsoftId }) => microsoftId).toSorted(),
    );
    const written = async (): Promise<unknown> =>
      (await api.now.providers.providersMicrosoftEntraUsersRetrieve({ id: link?.id ?? '' })).attributes;
    expect(await written()).toMatchObject({
      cn: 'ada',
      sn: 'ada',
      objectClass: expect.any(Array) as unknown[],
    });
    expect(groups.results[0]?.attributes).toMatchObject({ cn: 'staff' });
    await api.client.json('PATCH', `/directory/users/${ada.id}`, {
      attributes: { familyName: ['Lovelace'] },
    });
    expect(await written()).toMatchObject({ sn: 'ada' });
    await api.client.json('POST', '/syncs/contoso/jobs', {});
    await api.runJobs();
    expect(await written()).toMatchObject({ cn: 'ada', sn: 'Lovelace' });
    expect(await api.now.providers.providersMicrosoftEntraUsedByList({ id })).toHaveLength(3);

    for (const { core } of [api.old, api.now]) {
      expect((await core.coreUsersList({ username: 'ADA' })).results).toMatchObject([
        { pk: ada.serial, username: 'ada', isActive: true },
      ]);
      expect((await core.coreUsersList({ isActive: false })).results).toEqual([]);
      expect((await core.coreGroupsList({ search: 'taf' })).results).toMatchObject([
        { pk: groups.results[0]?.group, numPk: staff.serial },
      ]);
    }
  });

  test('one object alone, whatever else has changed', async () => {
    await using api = await start();
    const ada = await addUser(api, 'ada');
    await addUser(api, 'bob');
    const staff = await addGroup(api, 'staff');
    const id = await addProvider(api, { dryRun: true });
    await api.runJobs();
    expect(await namesThere()).toEqual([]);
    const sync = async (
      syncObjectModel: typeof user | typeof group,
      syncObjectId: string,
      overrideDryRun = true,
    ) =>
      api.whileWorking(
        api.now.providers.providersMicrosoftEntraSyncObjectCreate({
          id,
          syncObjectRequest: { syncObjectModel, syncObjectId, overrideDryRun },
        }),
      );
    // The provider only previews unless it is told otherwise.
    await sync(user, String(ada.serial), false);
    expect(await namesThere()).toEqual([]);
    const { messages } = await sync(user, String(ada.serial));
    expect(messages.map(({ event }) => event).join('\n')).toMatch(/user created: 1[^]*ada/);
    expect(await namesThere()).toEqual(['ada']);
    const [task] = (await api.now.tasks.tasksTasksList()).results;
    expect(task).toMatchObject({ aggregatedStatus: 'done' });
    const { results } = await api.now.core.coreGroupsList({ name: 'staff' });
    expect(results.map(({ numPk }) => numPk)).toEqual([staff.serial]);
    await sync(group, results[0]?.pk ?? '');
    expect(await namesThere()).toEqual(['ada', 'staff']);
    expect(await sync(user, '4711')).toMatchObject({ messages: [{ logLevel: 'warning' }] });
    expect((await refusal(sync(user, 'x'))).body).toEqual({
      sync_object_id: ['A valid integer is required.'],
    });
    expect((await refusal(sync(group, '7'))).status).toBe(400);
    expect((await refusal(sync('x' as never, '7'))).body).toEqual({
      sync_object_model: ['"x" is not a valid choice.'],
    });
  });

  test('an object is linked by hand, and unlinked', async () => {
    await using api = await start();
    const ada = await addUser(api, 'ada', { title: ['Countess'] });
    await slapd.addLdif(
      `dn: cn=somebody,${targetNode},${slapd.suffix}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: somebody\nsn: x\n`,
    );
    const dump = await slapd.entries();
    const there = dump.find(({ dn }) => dn.startsWith('cn=somebody'));
    const microsoftId = String(there?.attributes['entryUUID']?.[0]);
    const provider = await addProvider(api);
    const request = { microsoftEntraProviderUserRequest: { microsoftId, user: ada.serial, provider } };
    const made = await api.old.providers.providersMicrosoftEntraUsersCreate(request);
    expect(made).toMatchObject({ microsoftId, user: ada.serial, provider, userObj: { username: 'ada' } });
    expect((await refusal(api.now.providers.providersMicrosoftEntraUsersCreate(request))).status).toBe(400);
    await api.runJobs();
    // The entry that was there has become the user's; nothing was made beside it.
    expect(await namesThere()).toHaveLength(1);
    await api.now.providers.providersMicrosoftEntraUsersDestroy({ id: made.id });
    expect(
      (await refusal(api.now.providers.providersMicrosoftEntraUsersRetrieve({ id: made.id }))).body,
    ).toEqual({
      detail: 'No MicrosoftEntraProviderUser matches the given query.',
    });
    const wrong = { user: 4711, provider: 4712 };
    for (const [member, value] of Object.entries(wrong)) {
      const body = { microsoft_id: 'x', user: ada.serial, provider, [member]: value };
      expect(await api.expectStatus(400, 'POST', '/providers/microsoft_entra_users/', body)).toEqual({
        [member]: [`Invalid pk "${value}" - object does not exist.`],
      });
    }
  });

  test('without discovery what is there is not taken for anybody, with it it is', async () => {
    await using api = await start();
    await addUser(api, 'ada', { mail: ['ada@example.com'] });
    await slapd.addLdif(
      `dn: cn=there,${targetNode},${slapd.suffix}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: there\nsn: x\nuid: ada\nmail: ada@example.com\n`,
    );
    const id = await addProvider(api, { discoveryEnabled: false });
    const one = async (): Promise<boolean | undefined> =>
      (await api.now.providers.providersMicrosoftEntraRetrieve({ id })).discoveryEnabled;
    expect(await one()).toBe(false);
    await api.runJobs();
    expect(await namesThere()).toEqual(['ada', 'there']);
    const { results } = await api.now.providers.providersMicrosoftEntraUsersList({});
    await api.now.providers.providersMicrosoftEntraUsersDestroy({ id: results[0]?.id ?? '' });
    const made = (await slapd.entries()).find(({ dn }) => dn.includes('ada,'));
    await slapd.tool('ldapdelete', [made?.dn ?? '']);
    const change = async (patchedMicrosoftEntraProviderRequest: object): Promise<void> => {
      await api.now.providers.providersMicrosoftEntraPartialUpdate({
        id,
        patchedMicrosoftEntraProviderRequest,
      });
      await api.runJobs();
    };
    await change({ discoveryEnabled: true });
    expect(await one()).toBe(true);
    expect(await namesThere()).toHaveLength(1);
    await change({ name: 'Other' });
    expect(await one()).toBe(true);
  });

  test('only members of the filter group are written, and every group', async () => {
    await using api = await start();
    const ada = await addUser(api, 'ada');
    const bob = await addUser(api, 'bob');
    await addGroup(api, 'staff', [ada]);
    await addGroup(api, 'guests', [bob]);
    const id = await addProvider(api);
    await api.runJobs();
    const { results } = await api.now.providers.providersMicrosoftEntraGroupsList({ groupName: 'staff' });
    const changed = await api.old.providers.providersMicrosoftEntraPartialUpdate({
      id,
      patchedMicrosoftEntraProviderRequest: { filterGroup: results[0]?.group ?? '' },
    });
    expect(changed.filterGroup).toBe(results[0]?.group);
    await api.runJobs();
    expect(await namesThere()).toEqual(['ada', 'guests', 'staff']);
    await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id,
      patchedMicrosoftEntraProviderRequest: { filterGroup: null, userDeleteAction: 'do_nothing' },
    });
    await api.runJobs();
    expect(await namesThere()).toEqual(['ada', 'bob', 'guests', 'staff']);
  });

  test('a task in which an object failed is a warning that names it', async () => {
    await using api = await start();
    await addUser(api, 'ada');
    // An address outside ASCII is no value of the server's attribute.
    await addUser(api, 'zoë', { mail: ['zoë@example.com'] });
    const id = await addProvider(api);
    await api.runJobs();
    const { tasks } = await api.old.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
    expect(tasks).toMatchObject([{ status: 'warning' }]);
    expect(tasks[0]?.messages).toContainEqual(
      expect.objectContaining({ logLevel: 'warning', event: expect.stringContaining('zoë') as string }),
    );
    const status = await api.now.providers.providersMicrosoftEntraSyncStatusRetrieve({ id });
    expect(status).toEqual({ isRunning: false, lastSyncStatus: 'warning' });
  });

  test('an LDAP source shows its status by the slug of its name', async () => {
    await using api = await start();
    await slapd.addLdif(
      `dn: cn=Eve,${targetNode},${slapd.suffix}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Eve\nsn: E\nuid: eve\n`,
    );
    await api.client.json('PUT', '/connections/Corp LDAP', {
      type: 'ldap',
      url: slapd.url,
      bindDn: slapd.adminDn,
      password: slapd.password,
      baseDn: `${targetNode},${slapd.suffix}`,
    });
    await api.client.json('PUT', '/syncs/in', { connection: 'Corp LDAP', direction: 'ingress' });
    const slug = 'corp-ldap';
    expect(await api.now.sources.sourcesLdapSyncStatusRetrieve({ slug })).toEqual({ isRunning: false });
    await api.client.json('POST', '/syncs/in/jobs', {});
    await api.runJobs();
    expect(await api.now.sources.sourcesLdapSyncStatusRetrieve({ slug })).toMatchObject({
      lastSyncStatus: 'done',
    });
    expect(await api.old.sources.sourcesLdapSyncStatusRetrieve({ slug })).toMatchObject({
      isRunning: false,
      tasks: [{ name: 'ldap_sync', uid: slug, status: 'successful' }],
    });
    expect(
      (await api.now.tasks.tasksTasksList({ actorName: 'authentik.sources.ldap.tasks.ldap_sync' })).results,
    ).toHaveLength(1);
  });
});
