import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCompany, openCompanyStore, person } from '../../../../test/interop/scim/company.ts';
import { startJackson, type JacksonServer } from '../../../../test/interop/scim/jackson/server.ts';
import { brief } from '../../../../test/workbench.ts';

const opened = new AsyncDisposableStack();
let open: Awaited<ReturnType<typeof openCompanyStore>>;
beforeAll(async () => {
  open = opened.use(await openCompanyStore());
});
afterAll(() => opened.disposeAsync());

interface Listed {
  readonly Resources: readonly Record<string, unknown>[];
}

async function ask({ url, token }: JacksonServer, path: string, init: RequestInit = {}): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, { ...init, headers });
  return response.json();
}

async function users(server: JacksonServer): Promise<Map<string, Record<string, unknown>>> {
  const list = (await ask(server, '/Users?startIndex=1&count=50')) as Listed;
  return new Map(list.Resources.map((user) => [String(user['userName']), user]));
}

function writes({ requests }: JacksonServer): string[] {
  return requests.filter((request) => !request.startsWith('GET'));
}

test('writes a company to Jackson, nothing in the next run, and mends what drifted', async () => {
  await using server = await startJackson();
  const { url, token } = server;
  await using company = await makeCompany(open.store, { url, token, profile: 'jackson' });
  company.people = [
    person('ann', {
      title: 'Boss',
      phoneNumber: ['+49 30 1', '+49 30 2'],
      employeeNumber: '7',
      organizationName: 'Example',
    }),
    person('bob'),
    { ...person('cid'), enabled: false },
  ];
  company.groups = { staff: ['ann', 'bob'] };
  const first = await company.push();
  expect(await company.failures(first)).toEqual([]);
  expect(brief(first.statistics)).toEqual({
    'user created': '3/0/0',
    'user pushed': '3/0/0',
    'group created': '1/0/0',
    'group pushed': '1/0/0',
    'membership created': '2/0/0',
    'membership pushed': '2/0/0',
  });
  const there = await users(server);
  expect([...there.keys()].toSorted()).toEqual(['ann', 'bob', 'cid']);
  expect(there.get('ann')).toMatchObject({
    active: true,
    name: { givenName: 'ann', familyName: 'Doe', formatted: 'ann Doe' },
    title: 'Boss',
    emails: [{ type: 'work', value: 'ann@example.com', primary: true }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
      employeeNumber: '7',
      organization: 'Example',
    },
  });
  expect(there.get('ann')?.['externalId']).toMatch(/^user_/);
  expect(there.get('cid')).toMatchObject({ active: false });

  server.requests.length = 0;
  const second = await company.push();
  expect(second.status).toBe('success');
  expect(writes(server)).toEqual([]);

  // Somebody changes an account by hand, and deletes another.
  const ann = there.get('ann');
  const bob = there.get('bob');
  await ask(server, `/Users/${String(ann?.['id'])}`, {
    method: 'PUT',
    body: JSON.stringify({ ...ann, title: 'Thief', active: false }),
  });
  await ask(server, `/Users/${String(bob?.['id'])}`, { method: 'DELETE' });
  server.requests.length = 0;
  const third = await company.push();
  expect(await company.failures(third)).toEqual([]);
  const mended = await users(server);
  expect(mended.get('ann')).toMatchObject({ title: 'Boss', active: true });
  expect(mended.get('bob')).toMatchObject({ name: { givenName: 'bob' } });

  // The company changes: a title, a state, somebody leaves, a group gets another name.
  company.people = [person('ann', { title: 'Chief' }), { ...person('bob'), enabled: false }];
  company.groups = { everybody: ['ann'] };
  const fourth = await company.push();
  expect(await company.failures(fourth)).toEqual([]);
  const last = await users(server);
  expect([...last.keys()].toSorted()).toEqual(['ann', 'bob']);
  expect(last.get('ann')).toMatchObject({ title: 'Chief' });
  expect(last.get('ann')).not.toHaveProperty('phoneNumbers');
  expect(last.get('bob')).toMatchObject({ active: false });

  server.requests.length = 0;
  await company.push();
  expect(writes(server)).toEqual([]);
});
