import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../servers/shared-store.ts';
import { serveAuthentik, type AuthentikApi } from './authentik-api.ts';

interface Made {
  readonly id: string;
  readonly serial: number;
}

async function addUser(api: AuthentikApi, name: string, attributes: object): Promise<Made> {
  return api.client.json<Made>('POST', '/directory/users', { name, attributes });
}

async function addGroup(
  api: AuthentikApi,
  name: string,
  members: readonly (readonly ['user' | 'group', Made])[],
): Promise<Made> {
  const made = await api.client.json<Made>('POST', '/directory/groups', {
    name,
    attributes: { description: [`The ${name}.`] },
  });
  for (const [kind, { id }] of members)
    await api.client.json('PUT', `/directory/groups/${made.id}/members/${id}?memberKind=${kind}`);
  return made;
}

async function names(api: AuthentikApi, path: string): Promise<string> {
  const { results } = (await api.expectStatus(200, 'GET', path)) as {
    results: { username?: string; name: string }[];
  };
  return results.map(({ username, name }) => username ?? name).join(' ');
}

describeOnSharedStores('users and groups in the authentik API', (makeStore) => {
  /** Ada and Bob in the staff, which is all there is in the company; Cid is a machine in nothing. */
  async function start(): Promise<{ api: AuthentikApi; ids: Record<string, Made> }> {
    const api = await serveAuthentik(await makeStore());
    const bob = await addUser(api, 'bob', { displayName: ['Arthur'], mail: ['z@example.com'] });
    const ada = await addUser(api, 'Ada', {
      displayName: ['Zora'],
      mail: ['a@example.com', 'b@example.com'],
    });
    const cid = await addUser(api, 'cid', { employeeType: ['x', 'service_account'], title: ['Robot'] });
    const staff = await addGroup(api, 'staff', [
      ['user', ada],
      ['user', bob],
    ]);
    const company = await addGroup(api, 'Company', [['group', staff]]);
    return { api, ids: { ada, bob, cid, staff, company } };
  }

  test('users are found by every filter and sorted by what is asked for', async () => {
    const { api, ids } = await start();
    await using _ = api;
    const users = async (query: string): Promise<string> => names(api, `/core/users/?${query}`);
    const all = (await api.now.core.coreUsersList({})).results;
    expect(all.map(({ username }) => username)).toEqual(['Ada', 'bob', 'cid']);
    const byUuid = all.toSorted((left, right) => (left.uuid < right.uuid ? -1 : 1));
    expect(await users('ordering=uuid')).toBe(byUuid.map(({ username }) => username).join(' '));
    expect(await users('ordering=-username')).toBe('cid bob Ada');
    expect(await users('ordering=pk')).toBe('bob Ada cid');
    expect(await users('ordering=-date_joined')).toBe('cid Ada bob');
    expect(await users('ordering=name&is_active=true')).toBe('cid bob Ada');
    expect(await users('ordering=-email')).toBe('bob Ada cid');
    expect(await users('ordering=nonsense,is_active,-pk&page_size=2')).toBe('cid Ada');
    expect(await users('ordering=nonsense,is_active,-pk&page_size=2&page=2')).toBe('bob');
    const { results } = await api.now.core.coreGroupsList({ name: 'staff' });
    const staff = results[0]?.pk ?? '';
    const joined = all[0]?.dateJoined.toISOString() ?? '';
    for (const [query, found] of [
      ['username=ADA', 'Ada'],
      ['name=Zora', 'Ada'],
      ['email=a@example.com', 'Ada'],
      ['email=b@example.com', ''],
      [`uuid=${byUuid[0]?.uuid}`, byUuid[0]?.username],
      ['search=example%20art', 'bob'],
      ['attributes={"title":"Robot"}', 'cid'],
      ['attributes={"employeeType":["service_account","x"]}', 'cid'],
      ['attributes={"title":"Clerk"}', ''],
      ['type=service_account', 'cid'],
      ['type=internal', 'Ada bob'],
      ['type=internal&type=service_account', 'Ada bob cid'],
      ['type=external', ''],
      ['groups_by_name=STAFF&groups_by_name=none', 'Ada bob'],
      [`groups_by_pk=${staff}`, 'Ada bob'],
      ['groups_by_name=company', ''],
      ['is_superuser=true', ''],
      ['is_superuser=false&last_login__isnull=true', 'Ada bob cid'],
      ['last_login__isnull=false', ''],
      ['roles_by_name=any', ''],
      ['path=users', 'Ada bob cid'],
      ['path=elsewhere', ''],
      ['path_startswith=use', 'Ada bob cid'],
      [`date_joined=${joined}`, 'Ada'],
      ['date_joined__gt=2020-01-01&last_updated__gt=2020-01-01T00:00:00Z', 'Ada bob cid'],
      ['date_joined__lt=2020-01-01', ''],
      [`last_updated__lt=2020-01-01T00:00:00%2B01:00`, ''],
    ] as const) {
      expect([query, await users(query)]).toEqual([query, found]);
    }
    for (const [query, message] of [
      ['uuid=x', 'Enter a valid UUID.'],
      ['groups_by_pk=x', '“x” is not a valid UUID.'],
      ['type=robot', 'Select a valid choice. robot is not one of the available choices.'],
      ['attributes={', 'Value must be valid JSON'],
      ['attributes={"a":"\\u0000"}', 'Value must be valid JSON'],
      ['attributes=[]', 'Value must be a JSON object'],
      ['date_joined=tomorrow', 'Enter a valid date/time.'],
      ['last_login__gt=2020-13-01', 'Enter a valid date/time.'],
    ] as const) {
      const name = query.slice(0, query.indexOf('='));
      expect(await api.expectStatus(400, 'GET', `/core/users/?${query}`)).toEqual({ [name]: [message] });
    }
    expect(ids['ada']?.serial).toBe(all[0]?.pk);
  });

  test('users show their groups and groups their members, unless that is not wanted', async () => {
    const { api, ids } = await start();
    await using _ = api;
    const [company, staff] = (await api.old.core.coreGroupsList({})).results;
    expect([company?.name, staff?.name]).toEqual(['Company', 'staff']);
    expect(staff).toMatchObject({
      users: [ids['bob']?.serial, ids['ada']?.serial],
      usersObj: [{ username: 'bob' }, { username: 'Ada' }],
    });
    const related = (
      await api.now.core.coreGroupsList({ includeChildren: true, includeParents: true, ordering: '-name' })
    ).results;
    expect(related).toMatchObject([
      {
        name: 'staff',
        parents: [company?.pk],
        parentsObj: [{ name: 'Company' }],
        children: [],
        childrenObj: [],
      },
      { name: 'Company', children: [staff?.pk], childrenObj: [{ name: 'staff' }], usersObj: [] },
    ]);
    const plain = await api.now.core.coreGroupsList({ includeUsers: false, name: 'staff' });
    expect(plain.results).toMatchObject([{ usersObj: null, childrenObj: null, parents: [company?.pk] }]);
    const [ada] = (await api.old.core.coreUsersList({ username: 'ada' })).results;
    expect(ada).toMatchObject({ groups: [staff?.pk], groupsObj: [{ name: 'staff', numPk: staff?.numPk }] });
    const [cid] = (await api.now.core.coreUsersList({ username: 'cid', includeGroups: false })).results;
    expect(cid).toMatchObject({ groups: [], groupsObj: null, type: 'service_account' });
    const groups = async (query: string): Promise<string> => names(api, `/core/groups/?${query}`);
    for (const [query, found] of [
      ['ordering=-num_pk', 'Company staff'],
      ['ordering=num_pk', 'staff Company'],
      [
        'ordering=-pk',
        [company, staff]
          .toSorted((a, b) => ((a?.pk ?? '') < (b?.pk ?? '') ? 1 : -1))
          .map((g) => g?.name)
          .join(' '),
      ],
      [`members_by_pk=${ids['ada']?.serial}`, 'staff'],
      ['members_by_username=BOB&members_by_username=nobody', 'staff'],
      ['members_by_username=cid', ''],
      ['attributes={"description":"The staff."}', 'staff'],
      ['is_superuser=true', ''],
      ['search=om', 'Company'],
    ] as const) {
      expect([query, await groups(query)]).toEqual([query, found]);
    }
    expect(await api.expectStatus(400, 'GET', '/core/groups/?members_by_pk=x')).toEqual({
      members_by_pk: ['“x” is not a valid value.'],
    });
  });
});
