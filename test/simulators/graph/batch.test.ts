import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { trust } from './official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from './simulator.ts';

interface Answer {
  readonly id: string;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: Record<string, unknown>;
}

let graph: GraphSimulator;
let user: string;

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  user = graph.directory.addUser({ userPrincipalName: 'u@contoso.example', displayName: 'U' }).id;
});
beforeEach(() => {
  graph.faults.clear();
  graph.requests.reset();
});
afterAll(() => graph.stop());

const get = (id: string, more: object = {}): object => ({
  id,
  method: 'GET',
  url: `/users/${user}?$select=id`,
  ...more,
});
async function batch(...requests: object[]): Promise<Answer[]> {
  const { status, body } = await ask(graph, 'POST', '/$batch', { requests });
  expect(status).toBe(200);
  return body['responses'] as Answer[];
}

describe('a batch', () => {
  it('answers each request with its own status, headers and body', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const answers = await batch(
      get('a'),
      { id: 'b', method: 'PATCH', url: `users/${user}`, headers, body: { jobTitle: 'X' } },
      { id: 'c', method: 'GET', url: '/users/none' },
      {
        id: 'd',
        method: 'GET',
        url: '/users?$filter=city eq null&$count=true',
        headers: { ConsistencyLevel: 'eventual' },
      },
    );
    expect(answers.map(({ id, status }) => [id, status])).toEqual([
      ['a', 200],
      ['b', 204],
      ['c', 404],
      ['d', 200],
    ]);
    expect(answers[0]).toMatchObject({
      headers: { 'Content-Type': 'application/json', 'x-ms-resource-unit': '1' },
      body: { id: user },
    });
    expect(answers[1]).not.toHaveProperty('body');
    expect(answers[2]!.body).toMatchObject({ error: { code: 'Request_ResourceNotFound' } });
    expect(graph.directory.get(user).properties['jobTitle']).toBe('X');
  });

  it('logs its requests by themselves', async () => {
    await batch(get('1'), { id: '2', method: 'DELETE', url: '/groups/none' });
    expect(graph.requests.summary()).toEqual({
      'GET /users/{id}': 1,
      'DELETE /groups/{id}': 1,
      'POST /$batch': 1,
    });
    expect(graph.requests.writes().map(({ method, inBatch, status }) => [method, inBatch, status])).toEqual([
      ['DELETE', true, 404],
    ]);
    expect(graph.requests.count({ method: 'GET', path: /^\/users\// })).toBe(1);
  });

  it('may answer in another order', async () => {
    graph.behaviour.batchReversesAnswers = true;
    const answers = await batch(get('1'), get('2'), get('3'));
    graph.behaviour.batchReversesAnswers = false;
    expect(answers.map(({ id }) => id)).toEqual(['3', '2', '1']);
  });

  it('throttles some of its requests, each with its Retry-After', async () => {
    graph.faults.plan({
      fault: { kind: 'status', status: 429, retryAfter: '2.128' },
      inBatch: true,
      after: 1,
    });
    const answers = await batch(get('1'), get('2'), get('3'));
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 200]);
    expect(answers[1]).toMatchObject({
      headers: { 'Retry-After': '2.128' },
      body: { error: { code: 'TooManyRequests' } },
    });
    expect(graph.requests.count({ status: 429 })).toBe(1);
  });

  it('carries out what others depend on first, and fails what depends on a failure', async () => {
    const answers = await batch(
      get('after', { dependsOn: ['before'] }),
      get('before'),
      { id: 'fails', method: 'GET', url: '/users/none' },
      get('skipped', { dependsOn: ['fails'] }),
      get('skipped too', { dependsOn: ['skipped'] }),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 424, 424]);
    expect(graph.requests.count({ path: '/users/{id}' })).toBe(3);
  });

  it.each<[string, unknown]>([
    [
      'more than twenty requests',
      {
        requests: Array.from({ length: 21 }, (_, index) => ({
          id: `${index}`,
          method: 'GET',
          url: '/users',
        })),
      },
    ],
    ['no requests', {}],
    [
      'an id twice',
      {
        requests: [
          { id: 'a', method: 'GET', url: '/users' },
          { id: 'A', method: 'GET', url: '/users' },
        ],
      },
    ],
    ['no id', { requests: [{ method: 'GET', url: '/users' }] }],
    [
      'an absolute url',
      { requests: [{ id: '1', method: 'GET', url: 'https://graph.microsoft.com/v1.0/users' }] },
    ],
    ['a body without Content-Type', { requests: [{ id: '1', method: 'POST', url: '/users', body: {} }] }],
    ['a circle', { requests: [{ id: '1', method: 'GET', url: '/users', dependsOn: ['1'] }] }],
  ])('is refused with %s', async (_, body) => {
    expect((await ask(graph, 'POST', '/$batch', body)).status).toBe(400);
  });

  it('takes twenty', async () => {
    expect(await batch(...Array.from({ length: 20 }, (_, index) => get(String(index))))).toHaveLength(20);
  });

  it('needs a token itself', async () => {
    expect((await ask(graph, 'POST', '/$batch', { requests: [] }, { token: 'x' })).status).toBe(401);
  });
});
