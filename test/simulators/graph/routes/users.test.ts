import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
let number = 0;
let boss: string;

beforeAll(async () => {
  graph = await startGraphSimulator({
    domains: [
      { name: 'contoso.onmicrosoft.com', isInitial: true, isDefault: true },
      { name: 'contoso.example' },
      { name: 'pending.example', isVerified: false },
    ],
  });
  trust(graph);
  boss = graph.directory.addUser({ userPrincipalName: 'boss@contoso.example', displayName: 'Boss' }).id;
});
beforeEach(() => void (number += 1));
afterAll(() => graph.stop());

const newUser = (more: object = {}): object => ({
  accountEnabled: true,
  displayName: 'New',
  mailNickname: `new${number}`,
  userPrincipalName: `new${number}@contoso.example`,
  passwordProfile: { password: 'Not-a-Secret-1' },
  ...more,
});
const create = (more: object = {}): ReturnType<typeof ask> => ask(graph, 'POST', '/users', newUser(more));
const ref = (id: string): object => ({ '@odata.id': `${graph.graphUrl}/v1.0/directoryObjects/${id}` });

describe('creating a user', () => {
  it('answers 201 with the default properties and never the password', async () => {
    const { status, body, headers } = await create({ department: 'Sales' });
    expect(status).toBe(201);
    expect(body['@odata.context']).toBe(`${graph.graphUrl}/v1.0/$metadata#users/$entity`);
    expect(headers.get('location')).toContain(String(body['id']));
    expect(body).not.toHaveProperty('department');
    const selected = await ask(
      graph,
      'GET',
      `/users/${String(body['id'])}?$select=department,passwordProfile,userType`,
    );
    expect(selected.body).toMatchObject({ department: 'Sales', userType: 'Member' });
    expect(selected.body).not.toHaveProperty('passwordProfile');
  });

  it.each(['accountEnabled', 'displayName', 'mailNickname', 'userPrincipalName'])(
    'demands %s',
    async (name) => {
      const { status, code, message } = await create({ [name]: undefined });
      expect([status, code]).toEqual([400, 'Request_BadRequest']);
      expect(message).toBe(`A value is required for property '${name}' of resource 'User'.`);
    },
  );

  it('demands a password, and a good one', async () => {
    expect((await create({ passwordProfile: undefined })).message).toMatch(/password must be specified/);
    expect((await create({ passwordProfile: { password: 'weak' } })).message).toMatch(/complexity/);
  });

  it('demands a user name that is free, in any case of letters', async () => {
    expect((await create()).status).toBe(201);
    const again = await create({ userPrincipalName: `NEW${number}@contoso.example` });
    expect([again.status, again.code]).toEqual([400, 'Request_BadRequest']);
    expect(again.message).toBe(
      'Another object with the same value for property userPrincipalName already exists.',
    );
    expect(again.body['error']).toMatchObject({
      details: [{ code: 'ObjectConflict', target: 'userPrincipalName' }],
    });
  });

  it('demands a mail address that no other user has', async () => {
    expect((await create({ mail: 'shared@contoso.example' })).status).toBe(201);
    const again = await create({
      mail: 'Shared@contoso.example',
      userPrincipalName: `other${number}@contoso.example`,
    });
    expect(again.message).toBe(
      'Another object with the same value for property proxyAddresses already exists.',
    );
  });

  it.each(['elsewhere.example', 'pending.example'])(
    'demands a user name of a verified domain, not %s',
    async (domain) => {
      const { message } = await create({ userPrincipalName: `new${number}@${domain}` });
      expect(message).toMatch(/^The domain portion of the userPrincipalName property is invalid/);
    },
  );

  it.each([
    ['userPrincipalName', 'with space@contoso.example'],
    ['userPrincipalName', 'no-domain'],
    ['mailNickname', 'with space'],
    ['mailNickname', 'at@sign'],
    ['mailNickname', 'x'.repeat(65)],
    ['displayName', 'x'.repeat(257)],
    ['givenName', 'x'.repeat(65)],
    ['jobTitle', 'x'.repeat(129)],
    ['department', 'x'.repeat(65)],
    ['employeeId', 'x'.repeat(17)],
    ['postalCode', 'x'.repeat(41)],
    ['usageLocation', 'Germany'],
    ['jobTitle', ''],
    ['jobTitle', 5],
    ['businessPhones', ['1', '2']],
    ['businessPhones', '1'],
    ['accountEnabled', 'yes'],
  ])('refuses %s %j', async (name, value) => {
    const { status, code, message } = await create({ [name]: value });
    expect([status, code]).toEqual([400, 'Request_BadRequest']);
    expect(message).toContain(name);
  });

  it('refuses properties that are not defined or that only the service writes', async () => {
    expect((await create({ shoeSize: 44 })).message).toMatch(/'shoeSize' does not exist on type/);
    expect((await create({ createdDateTime: '2020-01-01T00:00:00Z' })).message).toMatch(/read-only/);
  });

  it('makes guests too', async () => {
    const { body } = await create({ userType: 'Guest' });
    const { value } = await ask(graph, 'GET', "/users?$filter=userType eq 'Guest'&$select=id");
    expect(value.map(({ id }) => id)).toContain(body['id']);
  });
});

describe('changing a user', () => {
  it('answers 204, sets and clears', async () => {
    const id = String((await create({ jobTitle: 'A', city: 'B' })).body['id']);
    expect((await ask(graph, 'PATCH', `/users/${id}`, { jobTitle: null, city: 'C' })).status).toBe(204);
    expect(graph.directory.get(id).properties).toMatchObject({ jobTitle: null, city: 'C' });
  });

  it('finds it by a new user name at once, and no longer by the old one', async () => {
    await create();
    const path = (name: string): string => `/users/${name}${number}@contoso.example`;
    await ask(graph, 'PATCH', path('new'), { userPrincipalName: `renamed${number}@contoso.example` });
    expect((await ask(graph, 'GET', path('renamed'))).status).toBe(200);
    expect((await ask(graph, 'GET', path('new'))).status).toBe(404);
    expect((await create()).status).toBe(201);
  });

  it('refuses a taken user name and leaves all as it was', async () => {
    const id = String((await create()).body['id']);
    const answer = await ask(graph, 'PATCH', `/users/${id}`, { userPrincipalName: 'boss@contoso.example' });
    expect(answer.status).toBe(400);
    expect((await ask(graph, 'GET', `/users/new${number}@contoso.example`)).body['id']).toBe(id);
    expect((await ask(graph, 'GET', '/users/boss@contoso.example')).body['id']).toBe(boss);
  });

  it('refuses users that a local directory masters', async () => {
    const user = {
      userPrincipalName: `synced${number}@contoso.example`,
      displayName: 'S',
      onPremisesSyncEnabled: true,
    };
    const { id } = graph.directory.addUser(user);
    const answer = await ask(graph, 'PATCH', `/users/${id}`, { jobTitle: 'X' });
    expect(answer.message).toMatch(/^Unable to update the specified properties for on-premises mastered/);
    expect((await ask(graph, 'PATCH', `/users/${id}`, { usageLocation: 'DE' })).status).toBe(204);
  });

  it('assigns licences to users with a usage location', async () => {
    const id = String((await create()).body['id']);
    const licence = { addLicenses: [{ skuId: '6fd2c87f-b296-42f0-b197-1e91e994b900' }], removeLicenses: [] };
    expect((await ask(graph, 'POST', `/users/${id}/assignLicense`, licence)).message).toMatch(
      /usage location/,
    );
    await ask(graph, 'PATCH', `/users/${id}`, { usageLocation: 'DE' });
    expect((await ask(graph, 'POST', `/users/${id}/assignLicense`, licence)).status).toBe(200);
    const { body } = await ask(graph, 'GET', `/users/${id}?$select=assignedLicenses,accountEnabled`);
    expect(body).toMatchObject({
      accountEnabled: true,
      assignedLicenses: [{ disabledPlans: [], ...licence.addLicenses[0] }],
    });
    const { value } = await ask(graph, 'GET', '/subscribedSkus');
    expect(value).toEqual([expect.objectContaining({ skuPartNumber: 'ENTERPRISEPACK', consumedUnits: 1 })]);
  });
});

describe('the manager of a user', () => {
  it('is put, read, expanded and taken away', async () => {
    const id = String((await create()).body['id']);
    expect((await ask(graph, 'GET', `/users/${id}/manager`)).status).toBe(404);
    expect((await ask(graph, 'PUT', `/users/${id}/manager/$ref`, ref(boss))).status).toBe(204);
    expect((await ask(graph, 'GET', `/users/${id}/manager?$select=displayName`)).body).toMatchObject({
      '@odata.type': '#microsoft.graph.user',
      displayName: 'Boss',
    });
    const list = await ask(graph, 'GET', '/users?$expand=manager($select=id)&$top=999');
    expect(list.value.find((user) => user['id'] === id)).toMatchObject({ manager: { id: boss } });
    expect(
      (await ask(graph, 'GET', `/users/${boss}/directReports`)).value.map((user) => user['id']),
    ).toContain(id);
    expect((await ask(graph, 'DELETE', `/users/${id}/manager/$ref`)).status).toBe(204);
    expect((await ask(graph, 'GET', `/users/${id}/manager`)).code).toBe('Request_ResourceNotFound');
  });

  it('must exist and be a user', async () => {
    const id = String((await create()).body['id']);
    const { id: group } = graph.directory.addGroup({ displayName: 'G' });
    expect((await ask(graph, 'PUT', `/users/${id}/manager/$ref`, ref('nobody'))).status).toBe(404);
    expect((await ask(graph, 'PUT', `/users/${id}/manager/$ref`, ref(group))).status).toBe(400);
    expect((await ask(graph, 'PUT', `/users/${id}/manager/$ref`, {})).status).toBe(400);
  });
});

describe('errors', () => {
  it('have the envelope with both request ids', async () => {
    const headers = { 'client-request-id': 'c0ffee00-0000-4000-8000-000000000001' };
    const answer = await ask(graph, 'GET', '/users/none', undefined, { headers });
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({
      error: {
        code: 'Request_ResourceNotFound',
        message:
          "Resource 'none' does not exist or one of its queried reference-property objects are not present.",
        innerError: {
          date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/) as unknown,
          'request-id': answer.headers.get('request-id'),
          'client-request-id': 'c0ffee00-0000-4000-8000-000000000001',
        },
      },
    });
  });

  it('tell paths and methods that are not there', async () => {
    expect((await ask(graph, 'GET', '/nothing')).message).toBe(
      "Resource not found for the segment 'nothing'.",
    );
    expect((await ask(graph, 'PUT', '/users', {})).status).toBe(405);
    expect((await ask(graph, 'GET', `${graph.graphUrl}/v3.0/users`)).message).toBe('Invalid version: v3.0.');
    const response = await fetch(`${graph.graphUrl}/v1.0/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${graph.authority.issue({ clientId: graph.clientId })}` },
      body: '{"cut',
    });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('"BadRequest"')]);
  });
});
