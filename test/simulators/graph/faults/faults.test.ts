import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { defaultBehaviour } from '../control.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
let user: string;

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  user = graph.directory.addUser({ userPrincipalName: 'u@contoso.example', displayName: 'U' }).id;
  return () => graph.stop();
});
afterEach(() => {
  graph.faults.clear();
  graph.requests.reset();
  Object.assign(graph.behaviour, defaultBehaviour);
});

const get = (path = `/users/${user}`): ReturnType<typeof ask> => ask(graph, 'GET', path);
const link = (id: string): object => ({ '@odata.id': `${graph.graphUrl}/v1.0/directoryObjects/${id}` });

/** Creates a user by the API. */
const create = async (alias: string): Promise<string> => {
  const { body } = await ask(graph, 'POST', '/users', {
    accountEnabled: true,
    displayName: alias,
    mailNickname: alias,
    userPrincipalName: `${alias}@contoso.example`,
    passwordProfile: { password: 'Not-a-Secret-1' },
  });
  return String(body['id']);
};

describe('planned faults', () => {
  it.each([
    [429, '2.128', 'TooManyRequests'],
    [429, undefined, 'TooManyRequests'],
    [503, 1, 'ServiceUnavailable'],
    [504, undefined, 'GatewayTimeout'],
  ])('answer %s with Retry-After %s', async (status, retryAfter, code) => {
    graph.faults.plan({
      fault: { kind: 'status', status, ...(retryAfter === undefined ? {} : { retryAfter }) },
    });
    const answer = await get();
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect(answer.headers.get('retry-after')).toBe(retryAfter === undefined ? null : String(retryAfter));
    expect((await get()).status).toBe(200);
  });

  it('meet the requests they are for, as often as they say, after those that may pass', async () => {
    const fault = { kind: 'status', status: 503 } as const;
    graph.faults.plan({ fault, method: 'GET', path: /^\/users\//, times: 2, after: 1 });
    const statuses: number[] = [];
    for (const path of ['/organization', '', '', '', ''])
      statuses.push((await get(path || undefined)).status);
    expect(statuses).toEqual([200, 200, 503, 503, 200]);
    expect(graph.faults.waiting).toBe(0);
  });

  it('may come although the request was carried out', async () => {
    graph.faults.plan({ fault: { kind: 'status', status: 504, applied: true } });
    expect((await ask(graph, 'PATCH', `/users/${user}`, { jobTitle: 'Applied' })).status).toBe(504);
    expect(graph.directory.get(user).properties['jobTitle']).toBe('Applied');
    graph.faults.plan({ fault: { kind: 'status', status: 504 } });
    await ask(graph, 'PATCH', `/users/${user}`, { jobTitle: 'Not applied' });
    expect(graph.directory.get(user).properties['jobTitle']).toBe('Applied');
  });

  it('break the connection before or after the work', async () => {
    graph.faults.plan({ fault: { kind: 'disconnect' } });
    await expect(ask(graph, 'PATCH', `/users/${user}`, { jobTitle: 'Lost' })).rejects.toThrow('fetch failed');
    expect(graph.directory.get(user).properties['jobTitle']).not.toBe('Lost');
    graph.faults.plan({ fault: { kind: 'disconnect', applied: true } });
    await expect(ask(graph, 'PATCH', `/users/${user}`, { jobTitle: 'Done' })).rejects.toThrow('fetch failed');
    expect(graph.directory.get(user).properties['jobTitle']).toBe('Done');
  });

  it('cut an answer in the middle of its JSON', async () => {
    graph.faults.plan({ fault: { kind: 'truncated', cut: 'json' } });
    await expect(get()).rejects.toThrow(SyntaxError);
    graph.faults.plan({ fault: { kind: 'truncated', cut: 'length' } });
    await expect(get()).rejects.toThrow('terminated');
  });

  it('make an answer huge', async () => {
    graph.faults.plan({ fault: { kind: 'huge', bytes: 1_000_000 } });
    const { body } = await get();
    expect(body['id']).toBe(user);
    expect(String(body['padding'])).toHaveLength(1_000_000);
  });

  it('answer a page of a gateway instead of JSON', async () => {
    graph.faults.plan({ fault: { kind: 'html', status: 502 } });
    const answer = await get();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, 'text/html']);
  });

  it('expire a token in the middle of things', async () => {
    graph.faults.plan({ fault: { kind: 'expiredToken' } });
    const answer = await get();
    expect([answer.status, answer.code]).toEqual([401, 'InvalidAuthenticationToken']);
    expect(answer.headers.get('www-authenticate')).toContain('claims="');
  });

  it('delay an answer', async () => {
    graph.faults.plan({ fault: { kind: 'slow', milliseconds: 5 } });
    expect((await get()).status).toBe(200);
  });
});

describe('replication', () => {
  it('hides a new object from some reads', async () => {
    graph.behaviour.hideNewObjectsFor = 2;
    const id = await create('slow1');
    expect((await get('/users')).value.map((other) => other['id'])).not.toContain(id);
    expect([(await get(`/users/${id}`)).status, (await get(`/users/${id}`)).status]).toEqual([404, 404]);
    expect((await get(`/users/${id}`)).status).toBe(200);
    expect((await get('/users')).value.map((other) => other['id'])).toContain(id);
  });

  it('hides a new object from groups until it is told otherwise', async () => {
    graph.behaviour.hideNewObjectsFor = Infinity;
    const id = await create('slow2');
    const { id: group } = graph.directory.addGroup({ displayName: 'G' });
    const add = (): ReturnType<typeof ask> => ask(graph, 'POST', `/groups/${group}/members/$ref`, link(id));
    expect((await add()).status).toBe(404);
    expect((await ask(graph, 'PUT', `/users/${user}/manager/$ref`, link(id))).status).toBe(404);
    graph.replicate();
    expect((await add()).status).toBe(204);
  });
});
