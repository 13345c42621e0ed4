import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCompany, openCompanyStore, person } from '../../../../test/interop/scim/company.ts';
import { openIdleApplication } from '../../../../test/servers/application.ts';
import { serveScim, type ScimClient } from '../../../../test/servers/scim-client.ts';
import { brief } from '../../../../test/workbench.ts';

const opened = new AsyncDisposableStack();
let open: Awaited<ReturnType<typeof openCompanyStore>>;
let server: ScimClient;
/** Requests to the SCIM server, as `METHOD path`. */
const requests: string[] = [];
beforeAll(async () => {
  open = opened.use(await openCompanyStore());
  server = opened.use(await serveScim(await openIdleApplication(open.store)));
  server.api.server.server.prependListener('request', ({ method, url }: { method: string; url: string }) =>
    requests.push(`${method} ${url.replace(/^\/scim\/v2\/hr/, '').replace(/rec_\w+/, 'ID')}`),
  );
});
afterAll(() => opened.disposeAsync());

const writes = (): string[] => requests.splice(0).filter((request) => !request.startsWith('GET'));

async function list(endpoint: string, name: string): Promise<Map<string, Record<string, unknown>>> {
  const { body } = await server.expect(200, 'GET', `${endpoint}?count=1000`);
  const resources = body.Resources as Record<string, unknown>[];
  return new Map(resources.map((each) => [String(each[name]), each]));
}

test("Lockstep's client and Lockstep's server understand each other", async () => {
  const { baseUrl: url, token } = server;
  await using company = await makeCompany(open.store, { url, token });
  const names = Array.from({ length: 20 }, (_, at) => `p${at}`);
  company.people = [
    person('ann', { title: 'Boss', phoneNumber: ['+49 30 1', '+49 30 2'], employeeNumber: '7' }),
    ...names.map((name) => person(name)),
    { ...person('cid'), enabled: false },
  ];
  company.groups = { staff: ['ann', ...names], inner: ['cid', 'group:staff'] };
  const first = await company.push();
  expect(await company.failures(first)).toEqual([]);
  expect(brief(first.statistics)).toMatchObject({
    'user created': '22/0/0',
    'group created': '2/0/0',
    'membership created': '23/0/0',
  });
  // Found out by the service provider's configuration.
  expect(writes().filter((request) => request === 'POST /Bulk')).not.toEqual([]);
  const [users, groups] = [await list('/Users', 'userName'), await list('/Groups', 'displayName')];
  expect(users.get('ann')).toMatchObject({
    active: true,
    title: 'Boss',
    emails: [{ type: 'work', value: 'ann@example.com', primary: true }],
    groups: [{ display: 'staff' }],
  });
  expect(users.get('cid')).toMatchObject({ active: false });
  expect(groups.get('staff')?.['members']).toHaveLength(21);
  expect(groups.get('inner')?.['members']).toHaveLength(2);

  requests.length = 0;
  expect((await company.push()).status).toBe('success');
  expect(writes()).toEqual([]);

  // Another hand changes one account and removes another; the company changes many, and some leave.
  const idOf = (name: string) => String(users.get(name)?.['id']);
  const replace = { op: 'replace', path: 'title', value: 'Thief' };
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
  await server.expect(200, 'PATCH', `/Users/${idOf('ann')}`, { schemas, Operations: [replace] });
  await server.expect(204, 'DELETE', `/Users/${idOf('p0')}`);
  company.people = [
    person('ann', { title: 'Boss', employeeNumber: '7' }),
    ...names.slice(0, 10).map((name) => person(name, { title: 'Clerk' })),
  ];
  company.groups = { staff: ['ann', ...names.slice(0, 10)] };
  requests.length = 0;
  const third = await company.push();
  expect(await company.failures(third)).toEqual([]);
  expect(writes().filter((request) => request === 'PATCH /Users/ID')).toHaveLength(1);
  const last = await list('/Users', 'userName');
  expect([...last.keys()].toSorted()).toEqual(['ann', ...names.slice(0, 10)].toSorted());
  expect(last.get('ann')).toMatchObject({ title: 'Boss' });
  expect(last.get('ann')).not.toHaveProperty('phoneNumbers');
  expect(last.get('p0')).toMatchObject({ title: 'Clerk', groups: [{ display: 'staff' }] });
  expect([...(await list('/Groups', 'displayName')).keys()]).toEqual(['staff']);

  requests.length = 0;
  expect((await company.push()).status).toBe('success');
  expect(writes()).toEqual([]);
});
