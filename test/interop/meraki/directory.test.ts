import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { linksOf, serveMeraki, type MerakiApi } from './meraki-api.ts';

interface List<Item> {
  items: Item[];
  meta: { counts: { items: { total: number; remaining: number } } };
}
interface User {
  userId: string;
  upn: string;
  idpUsers: { id: string; idp: { id: string; name: string; type: string }; accessTypes: string[] }[];
}
interface IdpUser {
  idpUserId: string;
  displayName: string;
  upn: string;
}
interface Idp {
  idpId: string;
  name: string;
  syncType: string | null;
  idpConfig: Record<string, string>;
}

const idpConfig = { tenantId: 'contoso', clientId: 'app', clientSecret: 'hunter2-secret' };
const entra = { name: 'My Entra ID', type: 'Azure AD', idpConfig };

async function makeUser(api: MerakiApi, name: string): Promise<string> {
  const body = { displayName: `${name} Example`, email: `${name.toLowerCase()}@corp.example` };
  const made = await api.call<IdpUser>('createOrganizationIamUsersIdpsUser', { body });
  return made.body.idpUserId;
}

async function search(api: MerakiApi, body: unknown): Promise<List<User>> {
  return (await api.call<List<User>>('searchOrganizationUsers', { body })).body;
}

describeOnServerStore('people and identity providers in the Meraki API', (makeStore) => {
  test('an identity provider is a connection with an ingress sync, whose secret nobody sees', async () => {
    await using api = await serveMeraki(await makeStore());
    const made = await api.call<Idp>('createOrganizationIamUsersIdp', {
      body: { ...entra, description: 'All of us', syncType: 'proactive' },
    });
    expect(made.body).toMatchObject({
      name: 'My Entra ID',
      type: 'Azure AD',
      description: 'All of us',
      syncable: true,
      syncType: 'proactive',
      idpConfig: { tenantId: 'contoso', clientId: 'app' },
    });
    expect(JSON.stringify(made.body)).not.toContain('hunter2');
    const connection = (await api.native('GET', '/connections/my-entra-id')) as { secrets: string[] };
    expect(connection).toMatchObject({ type: 'entra_id', secrets: ['clientSecret'] });
    const sync = (await api.native('GET', '/syncs/my-entra-id')) as { nextRunAt: string | null };
    expect(sync).toMatchObject({ direction: 'ingress', nextRunAt: expect.any(String) });
    const params = { id: made.body.idpId };
    const changed = await api.call<Idp>('updateOrganizationIamUsersIdp', {
      params,
      body: { name: 'Renamed', syncType: null, idpConfig: { clientId: 'other' } },
    });
    expect(changed.body).toMatchObject({
      name: 'Renamed',
      description: 'All of us',
      syncType: null,
      idpConfig: { tenantId: 'contoso', clientId: 'other' },
    });
    expect(await api.native('GET', '/connections/my-entra-id')).toMatchObject({ secrets: ['clientSecret'] });
    expect(await api.native('GET', '/syncs/my-entra-id')).toMatchObject({ nextRunAt: null });
    const second = await api.call<Idp>('createOrganizationIamUsersIdp', { body: entra });
    const list = async (body: unknown) =>
      (await api.call<List<Idp>>('createOrganizationIamUsersIdpsSearch', { body })).body.items.map(
        (one) => one.idpId,
      );
    expect(await list({})).toEqual([made.body.idpId, second.body.idpId]);
    expect(await list({ type: 'Azure AD', idpIds: `${second.body.idpId},77` })).toEqual([second.body.idpId]);
    expect(await list({ type: 'LDAP' })).toEqual([]);
    await api.call('deleteOrganizationIamUsersIdp', { params });
    expect(await list({})).toEqual([second.body.idpId]);
    expect(await api.native('GET', '/syncs')).toMatchObject({ items: [{ name: 'my-entra-id-2' }] });
  });

  test('what an identity provider must have is asked for by name', async () => {
    await using api = await serveMeraki(await makeStore());
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps`;
    const bodies: [unknown, string][] = [
      [{}, "'name'"],
      [{ ...entra, type: 'Okta' }, "'type'"],
      [{ ...entra, idpConfig: undefined }, "'idpConfig'"],
      [{ ...entra, idpConfig: { ...idpConfig, clientSecret: 5 } }, "'idpConfig.clientSecret'"],
      [{ ...entra, syncType: 'hourly' }, "'syncType'"],
    ];
    for (const [body, field] of bodies) {
      const refused = await api.send('POST', path, body);
      expect(refused, field).toMatchObject({
        status: 400,
        body: { errors: [expect.stringContaining(field)] },
      });
    }
    const { rows } = await sql`select id from connection`.execute(api.app.store.db);
    expect(rows).toEqual([]);
  });

  test('connectivity is tested for real, and failure is an answer', async () => {
    await using api = await serveMeraki(await makeStore());
    await api.native('PUT', '/connections/file', { type: 'file', path: '/nowhere/in.ldif', baseDn: 'dc=x' });
    await api.native('PUT', '/syncs/file', {
      connection: 'file',
      direction: 'ingress',
      scopes: [{ source: 'dc=x', target: '/' }],
    });
    const { serial } = (await api.native('GET', '/connections/file')) as { serial: number };
    const test = async (body: unknown) =>
      (
        await api.call<{ result: string; errors: unknown[] }>(
          'createOrganizationIamUsersIdpsTestConnectivity',
          { body },
        )
      ).body;
    expect(await test({ idpId: String(serial) })).toMatchObject({ result: 'failure', errors: [{}] });
    expect(
      await test({ idpConfig: { tenant: { id: 't' }, client: { id: 'c', secret: 's' } } }),
    ).toMatchObject({ result: 'failure' });
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/testConnectivity`;
    expect((await api.send('POST', path, {})).status).toBe(400);
    expect((await api.send('POST', path, { idpId: '77' })).status).toBe(404);
  });

  test('users are made, changed, found and deleted', async () => {
    await using api = await serveMeraki(await makeStore());
    const ids: string[] = [];
    for (const name of ['Carol', 'Alice', 'Bob', 'Dave']) ids.push(await makeUser(api, name));
    expect((await search(api, {})).items.map((user) => user.upn)).toEqual(
      ['alice', 'bob', 'carol', 'dave'].map((name) => `${name}@corp.example`),
    );
    const byAge = await search(api, { sortKey: 'created_at', sortOrder: 'desc' });
    expect(byAge.items.map((user) => user.userId)).toEqual(ids.toReversed());
    expect((await search(api, { searchQuery: 'BOB exam' })).items).toMatchObject([
      { upn: 'bob@corp.example', idpUsers: [{ idp: { id: '0', name: 'Meraki' } }] },
    ]);
    expect((await search(api, { searchQuery: '%' })).items).toEqual([]);
    expect((await search(api, { userIds: [ids[0], 'x'] })).items).toHaveLength(1);
    expect((await search(api, { idpIds: ['77'] })).items).toEqual([]);
    expect((await search(api, { statuses: ['disabled'] })).items).toEqual([]);
    const first = await api.call<List<User>>('searchOrganizationUsers', { body: { perPage: 3 } });
    expect(first.body.meta.counts.items).toEqual({ total: 4, remaining: 1 });
    const next = new URL(linksOf(first)['next'] ?? '');
    const second = await api.send('POST', `${next.pathname}${next.search}`, {});
    expect((second.body as List<User>).items).toMatchObject([{ upn: 'dave@corp.example' }]);
    const otherOrder = { sortKey: 'created_at', startingAfter: next.searchParams.get('startingAfter') };
    const searching = `/api/v1/organizations/${api.organizationId}/iam/users/search`;
    expect(await api.send('POST', searching, otherOrder)).toMatchObject({
      status: 400,
      body: { errors: ["'startingAfter' is not a token of this list"] },
    });
    const last = new URL(linksOf(first)['last'] ?? '');
    const back = (await api.send('POST', `${last.pathname}${last.search}`, {})).body as List<User>;
    expect(back.items.map((user) => user.upn[0])).toEqual(['b', 'c', 'd']);
    expect(back.meta.counts.items).toEqual({ total: 4, remaining: 1 });
    const params = { id: ids[2] ?? '' };
    const changed = await api.call<IdpUser>('updateOrganizationIamUsersIdpsUser', {
      params,
      body: { displayName: 'Robert', email: 'robert@corp.example' },
    });
    expect(changed.body).toMatchObject({ displayName: 'Robert', upn: 'robert@corp.example' });
    await api.call('deleteOrganizationIamUsersIdpsUser', { params });
    const users = `/api/v1/organizations/${api.organizationId}/iam/users/idps/users`;
    expect((await api.send('DELETE', `${users}/${params.id}`)).status).toBe(404);
    const taken = await api.send('POST', users, { email: 'ALICE@corp.example' });
    expect(taken).toMatchObject({ status: 400, body: { errors: [expect.any(String)] } });
    for (const body of [{}, { email: 'nobody' }, { email: 'x@y', sendPassword: true }])
      expect((await api.send('POST', users, body)).status).toBe(400);
    expect((await api.call('getOrganizationIamUsersSummaryPanel')).body).toEqual({
      userCount: 3,
      userGroupCount: 0,
    });
  });

  test('users and groups show the identity provider that brought them', async () => {
    await using api = await serveMeraki(await makeStore());
    const { body: idp } = await api.call<Idp>('createOrganizationIamUsersIdp', { body: entra });
    const userId = await makeUser(api, 'Alice');
    const { db } = api.app.store;
    await sql`
      insert into directory_group (id, tenant_id, name, name_key, attributes, revision)
      select 'group_a', id, 'Staff', 'staff', '{}', 1 from tenant`.execute(db);
    await sql`
      insert into membership (group_id, member_id, tenant_id, member_kind, revision)
      select 'group_a', id, tenant_id, 'user', 1 from directory_user`.execute(db);
    await sql`
      insert into link (sync_serial, kind, external_id, object_id)
      select sync.serial, 'user', 'ext-1', directory_user.id from sync, directory_user
      union all select sync.serial, 'group', 'ext-2', 'group_a' from sync`.execute(db);
    const [user] = (await search(api, { idpIds: [idp.idpId] })).items;
    expect(user).toMatchObject({
      userId,
      idpUsers: [
        { id: userId, idp: { id: idp.idpId, name: 'My Entra ID', type: 'Azure AD' }, externalId: 'ext-1' },
      ],
    });
    expect((await search(api, { idpIds: ['0'] })).items).toEqual([]);
    const groups = async (body: unknown) =>
      (await api.call<List<{ groupId: string; name: string }>>('searchOrganizationIdpGroups', { body })).body
        .items;
    const [group] = await groups({ searchQuery: 'taf' });
    expect(group).toMatchObject({
      idpId: idp.idpId,
      name: 'Staff',
      externalId: 'ext-2',
      idp: { type: 'Azure AD' },
    });
    expect(await groups({ idpIds: ['77'] })).toEqual([]);
    expect((await search(api, { groupIds: [group?.groupId] })).items).toHaveLength(1);
    const changed = await api.call('updateOrganizationIamUsersIdpsUser', {
      params: { id: userId },
      body: {},
    });
    expect(changed.body).toMatchObject({ idp: { type: 'azure_ad' }, groups: [{ name: 'Staff' }] });
  });

  test('people are let into zones, for a while or for good, until it is revoked', async () => {
    await using api = await serveMeraki(await makeStore());
    const { body: idp } = await api.call<Idp>('createOrganizationIamUsersIdp', { body: entra });
    const office = { type: 'ssid', connections: ['my-entra-id'], network: { id: 'N_1', name: 'SFO' } };
    await api.native('PUT', '/auth-zones/office', office);
    await api.native('PUT', '/auth-zones/vpn', { type: 'product' });
    const zones = await api.call<List<{ id: string; name: string }>>(
      'getOrganizationIamUsersAuthorizationsZones',
    );
    expect(zones.body.items).toMatchObject([
      { name: 'office', type: 'ssid', network: { id: 'N_1', name: 'SFO' } },
      { name: 'vpn', type: 'product' },
    ]);
    const [zone, vpn] = zones.body.items.map(({ id }) => ({ id }));
    const ofIdp = await api.call<{ items: unknown[] }>('getOrganizationIamUsersIdpAuthZones', {
      params: { id: idp.idpId },
    });
    expect(ofIdp.body.items).toMatchObject([{ name: 'office' }]);
    expect((await api.call<unknown[]>('getOrganizationIamUsersIdpsProductIntegrations')).body).toMatchObject([
      { productIntegrationId: 'vpn' },
    ]);
    const found = await api.call<List<Idp>>('createOrganizationIamUsersIdpsSearch', {
      body: { authZone: zone },
    });
    expect(found.body.items).toHaveLength(1);
    const none = await api.call<List<Idp>>('createOrganizationIamUsersIdpsSearch', {
      body: { authZone: { type: 'product' } },
    });
    expect(none.body.items).toEqual([]);
    const userId = await makeUser(api, 'Alice');
    const email = 'alice@corp.example';
    type Authorization = { authorizationId: string; status: string };
    const made = await api.call<Authorization>('createOrganizationIamUsersAuthorization', {
      body: { authZone: zone, email },
    });
    expect(made.body).toMatchObject({
      idpUserId: userId,
      status: 'authorized',
      authZone: { name: 'office' },
      authorizer: { name: 'administrator' },
    });
    expect(made.body).not.toHaveProperty('expiresAt');
    expect((await search(api, { accessTypes: ['ssid'] })).items[0]?.idpUsers[0]?.accessTypes).toEqual([
      'ssid',
    ]);
    const again = await api.call<Authorization>('createOrganizationIamUsersAuthorization', {
      body: { authZone: zone, idpUserId: userId, startsAt: '2001-01-01', expiresAt: '2002-01-01T00:00:00Z' },
    });
    expect(again.body).toMatchObject({ authorizationId: made.body.authorizationId, status: 'expired' });
    expect((await search(api, { accessTypes: ['ssid'] })).items).toEqual([]);
    const later = await api.call<Authorization>('updateOrganizationIamUsersAuthorizations', {
      body: { authorizationId: made.body.authorizationId, startsAt: '2998-01-01', expiresAt: '2999-01-01' },
    });
    expect(later.body.status).toBe('pending');
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/authorizations`;
    const backwards = { authorizationId: made.body.authorizationId, expiresAt: '1999-01-01' };
    expect((await api.send('PUT', path, backwards)).status).toBe(400);
    expect((await api.send('POST', path, { authZone: { id: '77' }, email })).status).toBe(404);
    expect((await api.send('POST', path, { authZone: zone })).status).toBe(400);
    expect((await api.send('POST', path, { authZone: zone, email: 'nobody@x' })).status).toBe(404);
    await api.call('revokeOrganizationIamUsersAuthorizationsAuthorization', {
      body: { authZone: zone, email },
    });
    const list = async () =>
      (
        await api.call<List<Authorization>>('getOrganizationIamUsersAuthorizations', {
          query: `?userIds%5B%5D=${userId}`,
        })
      ).body;
    expect((await list()).items).toMatchObject([{ status: 'revoked' }]);
    expect((await api.send('GET', path)).status).toBe(400);
    await api.call('createOrganizationIamUsersAuthorization', { body: { authZone: vpn, email } });
    expect((await list()).meta.counts.items).toEqual({ total: 2, remaining: 0 });
    await api.call('deleteOrganizationIamUsersAuthorization', {
      params: { authorizationId: made.body.authorizationId },
    });
    await api.native('DELETE', '/auth-zones/vpn');
    expect((await list()).items).toEqual([]);
  });

  test('an id of another organization is answered like one that never was', async () => {
    await using api = await serveMeraki(await makeStore());
    const { db } = api.app.store;
    await sql`insert into tenant (id, name) values ('idaas_other', 'other')`.execute(db);
    await sql`
      insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
      values ('user_other', 'idaas_other', 'eve', 'eve', '{}', 1)`.execute(db);
    await sql`insert into connection (id, tenant_id, name, type, settings)
      values ('idp_other', 'idaas_other', 'theirs', 'file', '{}')`.execute(db);
    await sql`insert into sync (id, tenant_id, connection_id, name, direction, position, settings)
      values ('syn_other', 'idaas_other', 'idp_other', 'theirs', 'ingress', 0, '{}')`.execute(db);
    const { rows } = await sql<{ user: number; idp: number }>`
      select (select serial from directory_user) as "user", (select serial from connection) as idp`.execute(
      db,
    );
    const iam = `/api/v1/organizations/${api.organizationId}/iam/users`;
    const [theirs] = rows;
    const compare = async (method: string, path: (id: number) => string, body?: unknown) => {
      const [one, unknown] = [theirs?.user === undefined ? 0 : (theirs.idp ?? 0), 777];
      const answers = [await api.send(method, path(one), body), await api.send(method, path(unknown), body)];
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
      const texts = answers.map(({ body: told }) => JSON.stringify(told).replace(/\d+/g, 'N'));
      expect(texts[0]).toBe(texts[1]);
    };
    await compare('PUT', (id) => `${iam}/idps/users/${id}`, { displayName: 'x' });
    await compare('DELETE', (id) => `${iam}/idps/users/${id}`);
    await compare('GET', (id) => `${iam}/idps/${id}/sync/latest`);
    await compare('POST', (id) => `${iam}/idps/${id}/sync`);
    await compare('DELETE', (id) => `${iam}/idps/${id}`);
    expect((await search(api, {})).items).toEqual([]);
    expect((await api.call('getOrganizationIamUsersSummaryPanel')).body).toEqual({
      userCount: 0,
      userGroupCount: 0,
    });
  });
});
