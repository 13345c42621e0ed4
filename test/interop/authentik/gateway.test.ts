import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { refusal, serveAuthentik, type AuthentikApi } from './authentik-api.ts';

const entra = { name: 'Contoso', client_id: 'c', client_secret: 'hush-hush', tenant_id: 't' };
const at = '/providers/microsoft_entra/';

describeOnServerStore('authentik gateway', (makeStore) => {
  async function start(): Promise<AuthentikApi> {
    return serveAuthentik(await makeStore());
  }

  test('there is no 401: who brings no token, or a wrong one, gets 403 with the reason', async () => {
    await using api = await start();
    const reasons = [
      [undefined, 'Authentication credentials were not provided.'],
      ['', 'Authentication credentials were not provided.'],
      ['Bearer', 'Authentication credentials were not provided.'],
      ['Basic eDp5', 'Unsupported authentication type'],
      ['Bearer wrong', 'Token invalid/expired'],
    ] as const;
    for (const [authorization, detail] of reasons) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const response = await api.send('GET', at, undefined, headers);
      expect([response.status, await response.json()]).toEqual([403, { detail }]);
    }
    const token = api.client.app.credentials.apiToken;
    expect((await api.send('GET', at, undefined, { authorization: `bEARER ${token}` })).status).toBe(200);
    await sql`update account set role = 'reader'`.execute(api.client.app.store.db);
    expect((await api.send('GET', at)).status).toBe(200);
    expect(await api.expectStatus(403, 'POST', at, entra)).toEqual({
      detail: 'You do not have permission to perform this action.',
    });
  });

  test('what is not there is 404, with the name of the model where there is one', async () => {
    await using api = await start();
    expect(await api.expectStatus(404, 'GET', '/nowhere/')).toEqual({ detail: 'Not found.' });
    expect(await api.expectStatus(404, 'GET', `${at}%zz/`)).toEqual({ detail: 'Not found.' });
    expect(await api.expectStatus(404, 'GET', '/core/applications/')).toEqual({ detail: 'Not found.' });
    const missing = { detail: 'No MicrosoftEntraProvider matches the given query.' };
    for (const id of ['1', 'x', '-1', '..%2f1', '99999999999999999999', '1%00']) {
      expect(await api.expectStatus(404, 'GET', `${at}${id}/`)).toEqual(missing);
      expect(await api.expectStatus(404, 'GET', `${at}${id}/sync/status/`)).toEqual(missing);
    }
    const uuid = '6b1b7b3e-0000-4000-8000-000000000000';
    for (const [path, model] of [
      [`/providers/microsoft_entra_users/${uuid}/`, 'MicrosoftEntraProviderUser'],
      [`/events/system_tasks/${uuid}/`, 'SystemTask'],
      [`/tasks/tasks/${uuid}/`, 'Task'],
      [`/tasks/schedules/${uuid}/`, 'Schedule'],
      [`/propertymappings/all/x/`, 'PropertyMapping'],
      ['/sources/ldap/none/sync/status/', 'LDAPSource'],
    ]) {
      expect(await api.expectStatus(404, 'GET', path ?? '')).toEqual({
        detail: `No ${model} matches the given query.`,
      });
    }
    const wrongMethod = await api.send('PATCH', at);
    expect([wrongMethod.status, await wrongMethod.json()]).toEqual([
      405,
      { detail: 'Method "PATCH" not allowed.' },
    ]);
    const slashless = await api.send('GET', '/providers/microsoft_entra?page=1');
    expect([slashless.status, slashless.headers.get('location')]).toEqual([301, `/api/v3${at}?page=1`]);
    await api.expectStatus(404, 'POST', '/providers/microsoft_entra', entra);
  });

  test('every kind of bad body is refused, member by member', async () => {
    await using api = await start();
    const required = ['This field is required.'];
    const post = async (body: unknown, status = 400) => api.expectStatus(status, 'POST', at, body);
    expect(await post({})).toEqual({
      name: required,
      client_id: required,
      client_secret: required,
      tenant_id: required,
    });
    expect(await api.expectStatus(400, 'POST', at)).toHaveProperty('name', required);
    expect(
      await post({
        ...entra,
        name: ' ',
        client_id: null,
        tenant_id: ['x'],
        exclude_users_service_account: 'perhaps',
        filter_group: 'no-uuid',
        user_delete_action: 'explode',
        sync_page_size: 0,
        property_mappings: 'x',
        property_mappings_group: [7],
      }),
    ).toEqual({
      name: ['This field may not be blank.'],
      client_id: ['This field may not be null.'],
      tenant_id: ['Not a valid string.'],
      exclude_users_service_account: ['Must be a valid boolean.'],
      filter_group: ['“no-uuid” is not a valid UUID.'],
      user_delete_action: ['"explode" is not a valid choice.'],
      sync_page_size: ['Ensure this value is greater than or equal to 1.'],
      property_mappings: ['Expected a list of items but got type "str".'],
      property_mappings_group: ['“7” is not a valid UUID.'],
    });
    const nowhere = '6b1b7b3e-0000-4000-8000-000000000000';
    const invalidPk = [`Invalid pk "${nowhere}" - object does not exist.`];
    expect(await post({ ...entra, filter_group: nowhere })).toEqual({ filter_group: invalidPk });
    expect(await post({ ...entra, property_mappings: [nowhere] })).toEqual({ property_mappings: invalidPk });
    expect(await post([])).toEqual({
      non_field_errors: ['Invalid data. Expected a dictionary, but got list.'],
    });
    for (const body of [
      '{',
      '',
      '\u0000',
      '{"name": "\\u0000"}',
      Buffer.from([0x7b, 0xff]),
      '['.repeat(1000),
    ]) {
      expect(JSON.stringify(await post(body))).toMatch(/JSON parse error|required/);
    }
    await post({ ...entra, name: 'x'.repeat(20_000) }, 413);
    const form = await fetch(`${api.url}/api/v3${at}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${api.client.app.credentials.apiToken}`,
        'content-type': 'text/plain',
      },
      body: 'x',
    });
    expect([form.status, await form.json()]).toEqual([
      415,
      { detail: 'Unsupported media type "text/plain" in request.' },
    ]);
    expect(await api.expectStatus(200, 'GET', at)).toHaveProperty('results', []);
  });

  test('lists have numbered pages, filters, search and ordering', async () => {
    await using api = await start();
    for (const name of ['beta', 'Alpha', 'gamma']) {
      await api.now.providers.providersMicrosoftEntraCreate({
        microsoftEntraProviderRequest: { name, clientId: 'c', clientSecret: 's', tenantId: 't' },
      });
    }
    const list = async (query: string) => {
      const { pagination, results } = (await api.expectStatus(200, 'GET', `${at}${query}`)) as {
        pagination: Record<string, number>;
        results: { name: string }[];
      };
      return [results.map(({ name }) => name).join(' '), ...Object.values(pagination)];
    };
    // next, previous, count, current, total_pages, start_index, end_index
    expect(await list('')).toEqual(['Alpha beta gamma', 0, 0, 3, 1, 1, 1, 3]);
    expect(await list('?page_size=2')).toEqual(['Alpha beta', 2, 0, 3, 1, 2, 1, 2]);
    expect(await list('?page_size=2&page=2')).toEqual(['gamma', 0, 1, 3, 2, 2, 3, 3]);
    expect(await list('?page_size=2&page=last')).toEqual(['gamma', 0, 1, 3, 2, 2, 3, 3]);
    expect(await list('?ordering=-name&page_size=x')).toEqual(['gamma beta Alpha', 0, 0, 3, 1, 1, 1, 3]);
    expect(await list('?ordering=nonsense,-pk')).toEqual(['gamma Alpha beta', 0, 0, 3, 1, 1, 1, 3]);
    expect(await list('?search=A%20m')).toEqual(['gamma', 0, 0, 1, 1, 1, 1, 1]);
    expect(await list('?name=beta')).toEqual(['beta', 0, 0, 1, 1, 1, 1, 1]);
    expect(await list('?name=bet')).toEqual(['', 0, 0, 0, 1, 1, 0, 0]);
    expect(await list('?exclude_users_service_account=true')).toEqual(['', 0, 0, 0, 1, 1, 0, 0]);
    for (const page of ['0', '2', 'x', '-1', '1.5']) {
      expect(await api.expectStatus(404, 'GET', `${at}?page=${page}`)).toEqual({ detail: 'Invalid page.' });
    }
    expect(await api.expectStatus(400, 'GET', `${at}?filter_group=x`)).toEqual({
      filter_group: ['Enter a valid UUID.'],
    });
    const users = '/providers/microsoft_entra_users/';
    expect(await api.expectStatus(400, 'GET', `${users}?provider__id=x`)).toEqual({
      provider__id: ['Enter a number.'],
    });
  });

  test('another tenant is not there', async () => {
    await using api = await start();
    const made = await api.now.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: { name: 'x', clientId: 'c', clientSecret: 's', tenantId: 't' },
    });
    const { db } = api.client.app.store;
    await sql`insert into tenant (id, name) values ('idaas_aaaaaaaaaaaaaaaaaaaaaaaaaa', 'other')`.execute(db);
    await sql`update account set tenant_id = 'idaas_aaaaaaaaaaaaaaaaaaaaaaaaaa'`.execute(db);
    expect(await refusal(api.now.providers.providersMicrosoftEntraRetrieve({ id: made.pk }))).toEqual({
      status: 404,
      body: { detail: 'No MicrosoftEntraProvider matches the given query.' },
    });
    expect((await api.now.tasks.tasksTasksList()).results).toEqual([]);
    expect((await api.now.tasks.tasksSchedulesList()).results).toEqual([]);
  });
});
