import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
let user: string;

beforeAll(async () => {
  graph = await startGraphSimulator({
    quota: { units: 100, unitSeconds: 1000, writes: 10, writeSeconds: 10_000 },
  });
  trust(graph);
  user = graph.directory.addUser({ userPrincipalName: 'u@contoso.example', displayName: 'U' }).id;
});
beforeEach(() => graph.advanceClock(10_000));
afterAll(() => graph.stop());

const write = (): ReturnType<typeof ask> => ask(graph, 'PATCH', `/users/${user}`, { jobTitle: 'X' });

describe('resource units', () => {
  it.each([
    ['/users', '2'],
    ['/users?$select=id', '1'],
    ['/users?$top=5', '1'],
    ['/users?$expand=manager', '3'],
    ['/groups', '1'],
    ['/subscribedSkus', '3'],
    ['/users/delta', '1'],
  ])('%s costs %s', async (path, units) => {
    expect((await ask(graph, 'GET', path)).headers.get('x-ms-resource-unit')).toBe(units);
  });

  it('of members depend on the kind of list', async () => {
    const { id } = graph.directory.addGroup({ displayName: 'G' });
    const cost = async (path: string): Promise<string | null> =>
      (await ask(graph, 'GET', `/groups/${id}/${path}`)).headers.get('x-ms-resource-unit');
    expect([
      await cost('members'),
      await cost('transitiveMembers'),
      await cost('members?$select=id'),
    ]).toEqual(['3', '5', '2']);
  });

  it('run out: 429 until they are back', async () => {
    const read = (): ReturnType<typeof ask> => ask(graph, 'GET', '/users?$expand=manager');
    let answer = await read();
    for (let reads = 0; answer.status === 200 && reads < 40; reads += 1) answer = await read();
    expect([answer.status, answer.code]).toEqual([429, 'TooManyRequests']);
    expect(answer.headers.get('x-ms-throttle-information')).toBe('ResourceUnitLimitExceeded');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    graph.advanceClock(Number(answer.headers.get('retry-after')) + 1);
    expect((await read()).status).toBe(200);
  });
});

describe('the write quota', () => {
  it('warns above four fifths, then refuses with the time to wait and the scope', async () => {
    const answers = [];
    for (let writes = 0; writes < 11; writes += 1) answers.push(await write());
    expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 204), 429]);
    expect(answers[6]!.headers.get('x-ms-throttle-limit-percentage')).toBeNull();
    expect(answers[9]!.headers.get('x-ms-throttle-limit-percentage')).toBe('1.00');
    const refused = answers[10]!.headers;
    expect(refused.get('x-ms-throttle-information')).toBe('WriteLimitExceeded');
    expect(refused.get('x-ms-throttle-scope')).toBe(
      `Tenant_Application/Write/${graph.clientId}/${graph.tenantId}`,
    );
    expect(Number(refused.get('retry-after'))).toBeGreaterThan(900);
    graph.advanceClock(1001);
    expect((await write()).status).toBe(204);
    expect((await write()).status).toBe(429);
  });

  it('tells what is left in RateLimit headers, by option', async () => {
    expect((await write()).headers.get('ratelimit-limit')).toBeNull();
    graph.behaviour.rateLimitHeaders = true;
    const { headers } = await write();
    graph.behaviour.rateLimitHeaders = false;
    expect(['limit', 'remaining', 'reset'].map((name) => headers.get(`ratelimit-${name}`))).toEqual([
      '10',
      '8',
      '2000',
    ]);
  });

  it('is charged for each request of a batch', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const requests = Array.from({ length: 12 }, (_, index) => {
      return { id: String(index), method: 'PATCH', url: `/users/${user}`, headers, body: { jobTitle: 'Y' } };
    });
    const { body } = await ask(graph, 'POST', '/$batch', { requests });
    const statuses = (body['responses'] as { status: number }[]).map(({ status }) => status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 204), 429, 429]);
  });

  it('is one for each application', async () => {
    for (let writes = 0; writes < 10; writes += 1) await write();
    expect((await write()).status).toBe(429);
    const token = graph.authority.issue({ clientId: 'another' });
    expect((await ask(graph, 'PATCH', `/users/${user}`, { jobTitle: 'Z' }, { token })).status).toBe(204);
  });
});
