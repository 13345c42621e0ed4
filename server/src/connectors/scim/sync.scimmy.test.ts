/* oxlint-disable unicorn/consistent-function-scoping -- a script is read beside its test */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCompany, openCompanyStore, person } from '../../../../test/interop/scim/company.ts';
import { startScimmy, type ScimmyServer } from '../../../../test/servers/scimmy.ts';
import { brief } from '../../../../test/workbench.ts';

const opened = new AsyncDisposableStack();
let open: Awaited<ReturnType<typeof openCompanyStore>>;
let server: ScimmyServer;
beforeAll(async () => {
  open = opened.use(await openCompanyStore());
  server = opened.use(await startScimmy());
});
beforeEach(() => server.clear());
afterAll(() => opened.disposeAsync());

function writes(): string[] {
  return server.requests.filter((request) => !request.startsWith('GET') && !request.endsWith('/.search'));
}

function byName(name: string): Record<string, unknown> {
  const all = [...server.users.values(), ...server.groups.values()];
  const found = all.find((each) => (each['userName'] ?? each['displayName']) === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

function idsOf(...names: string[]): string[] {
  return names.map((name) => String(byName(name)['id'])).toSorted();
}

function members(group: string): unknown[] {
  const list = (byName(group)['members'] ?? []) as { value: string }[];
  return list.map(({ value }) => value).toSorted();
}

test('fills a service by its schemas, page by page, with nested groups; then only what differs is written', async () => {
  const { url, token } = server;
  await using company = await makeCompany(open.store, { url, token });
  company.people = Array.from({ length: 45 }, (_, index) => person(`p${index}`));
  company.people[0] = person('p0', {
    mail: ['p0@example.com', 'zero@example.com'],
    phoneNumber: '+49 (30) 12-34',
    street: 'Main Street 1',
    locality: 'Berlin',
    departmentNumber: '4711',
    preferredLanguage: 'de',
  });
  company.groups = { inner: ['p1', 'p2'], outer: ['group:inner', 'p0'], empty: [] };
  const first = await company.push();
  expect(await company.failures(first)).toEqual([]);
  expect(brief(first.statistics)).toMatchObject({ 'user created': '45/0/0', 'membership created': '4/0/0' });
  expect(byName('p0')).toMatchObject({
    userName: 'p0',
    active: true,
    emails: [
      { type: 'work', value: 'p0@example.com', primary: true },
      { type: 'work', value: 'zero@example.com' },
    ],
    addresses: [{ type: 'work', streetAddress: 'Main Street 1', locality: 'Berlin' }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: '4711' },
  });
  expect(members('outer')).toEqual(idsOf('inner', 'p0'));

  server.requests.length = 0;
  const second = await company.push();
  expect(brief(second.statistics)).toEqual({
    'user same': '45/0/0',
    'group same': '3/0/0',
    'membership same': '4/0/0',
  });
  expect(writes()).toEqual([]);

  company.people[0] = person('p0', { mail: ['zero@example.com'], preferredLanguage: 'de', title: 'Boss' });
  company.people[44] = { ...person('p44'), enabled: false };
  company.groups = { inner: ['p2', 'p3'], outer: ['group:inner'], empty: ['p0'] };
  server.requests.length = 0;
  const third = await company.push();
  expect(await company.failures(third)).toEqual([]);
  expect(byName('p0')).toMatchObject({ title: 'Boss', emails: [{ value: 'zero@example.com' }] });
  expect(byName('p0')).not.toHaveProperty('addresses');
  expect(byName('p44')).toMatchObject({ active: false });
  expect([members('inner'), members('outer'), members('empty')]).toEqual([
    idsOf('p2', 'p3'),
    idsOf('inner'),
    idsOf('p0'),
  ]);
  expect(writes().every((request) => request.startsWith('PATCH'))).toBe(true);
});

test('takes over accounts that are there, and keeps what it does not manage', async () => {
  const { url, token } = server;
  server.users.set('1', {
    id: '1',
    userName: 'ANN',
    nickName: 'Annie',
    emails: [{ type: 'home', value: 'ann@home.example' }],
  });
  server.users.set('2', { id: '2', userName: 'stranger' });
  await using company = await makeCompany(open.store, { url, token });
  company.people = [person('ann')];
  const job = await company.push();
  expect(await company.failures(job)).toEqual([]);
  expect(brief(job.statistics)).toMatchObject({ 'user binded': '1/0/0', 'user updated': '1/0/0' });
  expect(server.users.get('1')).toMatchObject({
    userName: 'ANN',
    nickName: 'Annie',
    displayName: 'ann Doe',
    emails: [
      { type: 'home', value: 'ann@home.example' },
      { type: 'work', value: 'ann@example.com' },
    ],
  });
  expect(server.users.size).toBe(2);
  server.requests.length = 0;
  await company.push();
  expect(writes()).toEqual([]);
});

test('one account that the service refuses stops no other', async () => {
  const { url, token } = server;
  await using company = await makeCompany(open.store, { url, token }, { match: { user: ['mail'] } });
  server.users.set('1', { id: '1', userName: 'ann', emails: [] });
  company.people = [person('ann'), person('bob')];
  company.groups = { staff: ['ann', 'bob'] };
  const job = await company.push();
  expect(job.status).toBe('partial_success');
  expect(await company.failures(job)).toEqual([
    expect.stringMatching(/ann.*Conflict the SCIM service answered 409 \(uniqueness\): userName is taken/),
    expect.stringMatching(/DependencyFailed/),
  ]);
  expect(members('staff')).toEqual(idsOf('bob'));
});

test('names that are swapped, and passed on in a circle, arrive', async () => {
  const { url, token } = server;
  await using company = await makeCompany(
    open.store,
    { url, token },
    {
      map: { user: { userName: 'title' } },
      match: { user: ['mail'] },
    },
  );
  const named = (titles: readonly string[]) =>
    ['ann', 'bob', 'cid', 'dan'].map((id, index) => person(id, { title: titles[index] ?? '' }));
  company.people = named(['a', 'b', 'c', 'd']);
  await company.push();
  const ids = new Map([...server.users.values()].map((user) => [user['displayName'], user.id]));
  company.people = named(['b', 'c', 'a', 'e']);
  const job = await company.push();
  expect(await company.failures(job)).toEqual([]);
  const now = [...server.users.values()].map((user) => [user['displayName'], user['userName'], user.id]);
  expect(now.toSorted((left, right) => String(left[0]).localeCompare(String(right[0])))).toEqual([
    ['ann Doe', 'b', ids.get('ann Doe')],
    ['bob Doe', 'c', ids.get('bob Doe')],
    ['cid Doe', 'a', ids.get('cid Doe')],
    ['dan Doe', 'e', ids.get('dan Doe')],
  ]);
});

test('a value that the service changes or drops is not written again and again', async () => {
  const { url, token } = server;
  server.mangle = (user) => {
    user['title'] = String(user['title']).slice(0, 4);
    delete user['preferredLanguage'];
  };
  await using company = await makeCompany(open.store, { url, token });
  company.people = [person('ann', { title: 'Director', preferredLanguage: 'de' })];
  await company.push();
  server.requests.length = 0;
  await company.push();
  expect(writes()).toEqual([]);
  company.people = [person('ann', { title: 'President', preferredLanguage: 'de' })];
  await company.push();
  expect(byName('ann')).toMatchObject({ title: 'Pres' });
  server.requests.length = 0;
  await company.push();
  expect(writes()).toEqual([]);
  // What others do is mended all the same.
  byName('ann')['title'] = 'Thief';
  await company.push();
  expect(byName('ann')).toMatchObject({ title: 'Pres' });
});

test('managers are written by the ids that the service gave them', async () => {
  const { url, token } = server;
  await using company = await makeCompany(open.store, { url, token });
  company.people = [person('ann', { manager: 'bob' }), person('bob')];
  const job = await company.push();
  expect(await company.failures(job)).toEqual([]);
  const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
  expect(byName('ann')[enterprise]).toMatchObject({ manager: { value: byName('bob')['id'] } });
  server.requests.length = 0;
  await company.push();
  expect(writes()).toEqual([]);
});
