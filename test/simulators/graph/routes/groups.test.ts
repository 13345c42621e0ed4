import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askAll } from '../ask.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
let people: string[];

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  people = Array.from({ length: 30 }, (_, index) => {
    return graph.directory.addUser({
      userPrincipalName: `p${index}@contoso.example`,
      displayName: `P${index}`,
    }).id;
  });
});
afterAll(() => graph.stop());

const newGroup = (more: object = {}): object => ({
  displayName: 'New',
  mailEnabled: false,
  mailNickname: 'new',
  securityEnabled: true,
  ...more,
});
const create = (more: object = {}): ReturnType<typeof ask> => ask(graph, 'POST', '/groups', newGroup(more));
const link = (id: string): string => `${graph.graphUrl}/v1.0/directoryObjects/${id}`;
const bind = (ids: readonly string[]): object => ({ 'members@odata.bind': ids.map(link) });
const exists =
  "One or more added object references already exist for the following modified properties: 'members'.";

describe('groups', () => {
  it('are made with all default properties, and with members at once', async () => {
    const { status, body } = await create({ description: 'D', ...bind(people.slice(0, 3)) });
    expect(status).toBe(201);
    expect(body).toMatchObject({ description: 'D', groupTypes: [], mail: null, securityEnabled: true });
    expect(graph.directory.get(String(body['id'])).members).toEqual(people.slice(0, 3));
  });

  it.each(['displayName', 'mailEnabled', 'mailNickname', 'securityEnabled'])('demand %s', async (name) => {
    expect((await create({ [name]: undefined })).message).toBe(
      `A value is required for property '${name}' of resource 'Group'.`,
    );
  });

  it('are not made as distribution lists', async () => {
    expect((await create({ mailEnabled: true })).message).toMatch(/writes of mail-enabled groups/);
  });

  it('of Microsoft 365 get an address, and their alias is unique', async () => {
    const unified = { groupTypes: ['Unified'], mailEnabled: true, mailNickname: 'team' };
    expect((await create(unified)).body).toMatchObject({ mail: 'team@contoso.onmicrosoft.com' });
    expect((await create(unified)).message).toBe(
      'Another object with the same value for property mailNickname already exists.',
    );
  });

  it('of security may share alias and name', async () => {
    expect((await create()).status).toBe(201);
    expect((await create()).status).toBe(201);
  });

  it('are changed by PATCH and deleted for ever', async () => {
    const id = String((await create()).body['id']);
    expect((await ask(graph, 'PATCH', `/groups/${id}`, { displayName: 'Other' })).status).toBe(204);
    expect((await ask(graph, 'GET', `/groups/${id}?$select=displayName`)).body).toMatchObject({
      displayName: 'Other',
    });
    expect((await ask(graph, 'PATCH', `/groups/${id}`, { mailNickname: 'no good' })).status).toBe(400);
    expect((await ask(graph, 'DELETE', `/groups/${id}`)).status).toBe(204);
    expect(graph.directory.find(id)).toBeUndefined();
  });
});

describe('members', () => {
  it('are added one by one; once more is an error', async () => {
    const id = String((await create()).body['id']);
    const add = (member: string): ReturnType<typeof ask> =>
      ask(graph, 'POST', `/groups/${id}/members/$ref`, { '@odata.id': link(member) });
    expect((await add(people[0]!)).status).toBe(204);
    const again = await add(people[0]!);
    expect([again.status, again.code, again.message]).toEqual([400, 'Request_BadRequest', exists]);
    expect((await add('nobody')).status).toBe(404);
    expect((await add(id)).status).toBe(400);
  });

  it('are added up to twenty at once, all or none', async () => {
    const id = String((await create()).body['id']);
    const patch = (ids: readonly string[]): ReturnType<typeof ask> =>
      ask(graph, 'PATCH', `/groups/${id}`, bind(ids));
    expect((await patch(people.slice(0, 20))).status).toBe(204);
    expect((await patch(people.slice(0, 21))).message).toMatch(/at most 20/);
    const overlapping = await patch(people.slice(19, 25));
    expect([overlapping.status, overlapping.message]).toEqual([400, exists]);
    expect((await patch([...people.slice(20, 22), 'nobody'])).status).toBe(404);
    expect(graph.directory.get(id).members).toHaveLength(20);
  });

  it('are removed; who is no member is not found', async () => {
    const id = String((await create(bind(people.slice(0, 2)))).body['id']);
    const remove = (): ReturnType<typeof ask> =>
      ask(graph, 'DELETE', `/groups/${id}/members/${people[0]}/$ref`);
    expect((await remove()).status).toBe(204);
    expect((await remove()).code).toBe('Request_ResourceNotFound');
    expect(graph.directory.get(id).members).toEqual([people[1]]);
  });

  it('are paged, typed, cast and counted', async () => {
    const { id: inner } = graph.directory.addGroup({ displayName: 'Inner', members: people.slice(20, 25) });
    const { id } = graph.directory.addGroup({
      displayName: 'Outer',
      members: [...people.slice(0, 20), inner],
    });
    const { pages, objects } = await askAll(graph, `/groups/${id}/members?$top=8&$select=id`);
    expect(pages.map((page) => page.length)).toEqual([8, 8, 5]);
    expect(objects.filter((object) => object['@odata.type'] === '#microsoft.graph.group')).toEqual([
      { '@odata.type': '#microsoft.graph.group', id: inner },
    ]);
    const users = await ask(graph, 'GET', `/groups/${id}/members/microsoft.graph.user`);
    expect(users.value).toHaveLength(20);
    expect(users.value[0]).not.toHaveProperty('@odata.type');
    expect((await ask(graph, 'GET', `/groups/${id}/transitiveMembers`)).value).toHaveLength(26);
    const count = await fetch(`${graph.graphUrl}/v1.0/groups/${id}/members/$count`, {
      headers: {
        authorization: `Bearer ${graph.authority.issue({ clientId: graph.clientId })}`,
        consistencylevel: 'eventual',
      },
    });
    expect([count.headers.get('content-type'), await count.text()]).toEqual(['text/plain', '21']);
  });

  it('are expanded up to twenty', async () => {
    const { id } = graph.directory.addGroup({ displayName: 'Big', members: people });
    const { body } = await ask(graph, 'GET', `/groups/${id}?$expand=members($select=id)`);
    expect(body['members']).toHaveLength(20);
  });

  it('of a group are groups too, but not of a Microsoft 365 group', async () => {
    const { id: inner } = graph.directory.addGroup({ displayName: 'Inner' });
    const unified = { groupTypes: ['Unified'], mailEnabled: true, mailNickname: 'unified' };
    const id = String((await create(unified)).body['id']);
    expect((await ask(graph, 'PATCH', `/groups/${id}`, bind([inner]))).status).toBe(400);
    expect((await create(bind([inner]))).status).toBe(201);
    expect((await ask(graph, 'GET', `/users/${people[29]}/memberOf`)).value.length).toBeGreaterThan(0);
  });
});

describe('administrative units', () => {
  it.each(['/directory/administrativeUnits', '/administrativeUnits'])(
    'are kept at %s with members',
    async (base) => {
      const unit = await ask(graph, 'POST', base, { displayName: 'Unit' });
      expect(unit.status).toBe(201);
      const path = `${base}/${String(unit.body['id'])}`;
      expect(
        (await ask(graph, 'POST', `${path}/members/$ref`, { '@odata.id': link(people[0]!) })).status,
      ).toBe(204);
      expect((await ask(graph, 'GET', `${path}/members`)).value).toHaveLength(1);
      expect((await ask(graph, 'PATCH', path, { description: 'D' })).status).toBe(204);
      expect((await ask(graph, 'GET', path)).body).toMatchObject({ displayName: 'Unit', description: 'D' });
      expect((await ask(graph, 'DELETE', path)).status).toBe(204);
      expect((await ask(graph, 'GET', path)).status).toBe(404);
    },
  );
});

describe('the organization', () => {
  it('tells its verified domains', async () => {
    const { value } = await ask(graph, 'GET', '/organization');
    expect(value[0]).toMatchObject({
      id: graph.tenantId,
      verifiedDomains: [
        { name: 'contoso.onmicrosoft.com', isDefault: true, isInitial: true },
        { name: 'contoso.example', isDefault: false },
      ],
    });
    const domains = await ask(graph, 'GET', '/domains');
    expect(domains.value.map(({ id, isVerified }) => [id, isVerified])).toEqual([
      ['contoso.onmicrosoft.com', true],
      ['contoso.example', true],
    ]);
    expect((await ask(graph, 'GET', '/domains/contoso.example')).body).toMatchObject({
      id: 'contoso.example',
    });
  });

  it('finds any object by id', async () => {
    expect((await ask(graph, 'GET', `/directoryObjects/${people[0]}`)).body).toMatchObject({
      '@odata.type': '#microsoft.graph.user',
    });
    const { value } = await ask(graph, 'POST', '/directoryObjects/getByIds', {
      ids: [people[1], 'none'],
      types: ['user'],
    });
    expect(value.map(({ id }) => id)).toEqual([people[1]]);
  });
});
