/* oxlint-disable unicorn/consistent-function-scoping -- a script is read beside its test */
import { expect, test } from 'vitest';
import { scimConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { startScripted, type Script, type SeenRequest } from '../../../../test/servers/scripted-http.ts';
import type { Completeness, ExternalObject } from '../../sync/connector.ts';
import { scimConnector } from './connector.ts';

interface Outcome {
  readonly users: string[];
  readonly groups: ExternalObject[];
  readonly end: Completeness;
  readonly requests: SeenRequest[];
}

async function read(script: Script, settings: object = {}): Promise<Outcome> {
  await using server = await startScripted(script);
  const parsed = scimConnectionSchema.parse({
    type: 'scim',
    url: server.url,
    token: 'secret',
    pageSize: 10,
    ...settings,
  });
  await using endpoint = await scimConnector.open(parsed, {
    baseDirectory: '/',
    secret: () => undefined,
    replica: undefined,
  });
  const reading = endpoint.read({
    scopes: [{ node: '' }],
    attributes: { user: ['userName', 'title'], organizationalUnit: [], group: ['displayName'] },
    memberships: true,
    signal: new AbortController().signal,
  });
  const users: string[] = [];
  const groups: ExternalObject[] = [];
  for (;;) {
    const step = await reading.next();
    if (step.done === true) return { users, groups, end: step.value, requests: server.requests };
    for (const entry of step.value) {
      if (entry.kind === 'group') groups.push(entry.decode());
      else users.push(entry.decode().name);
    }
  }
}

const user = (index: number): object => ({ id: `id${index}`, userName: `user${index}` });
const range = (from: number, to: number): object[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => user(from + index));
const list = (resources: readonly unknown[], total = resources.length, more: object = {}) => ({
  json: { totalResults: total, Resources: resources, ...more },
});

/** Users as the function says, by the place of the page; no groups. */
function users(page: (start: number, count: number, request: SeenRequest) => ReturnType<Script>): Script {
  return (request) => {
    if (request.path === '/Groups') return list([]);
    if (request.path !== '/Users') return undefined;
    return page(Number(request.query.get('startIndex') ?? 1), Number(request.query.get('count')), request);
  };
}

test('reads pages to their end, also where each is shorter than asked for', async () => {
  const { users: names, end } = await read(
    users((start) => list(range(start - 1, Math.min(start + 6, 25)), 25)),
  );
  expect(names).toHaveLength(25);
  expect(end).toEqual({ complete: true, warnings: [] });
});

test('believes pages more than a total that is that of the page', async () => {
  const { users: names, end } = await read(users((start) => list(range(start - 1, Math.min(start + 9, 25)))));
  expect(names).toHaveLength(25);
  expect(end.complete).toBe(true);
});

test('is incomplete where fewer come than the service told of', async () => {
  const { users: names, end } = await read(users((start) => list(start === 1 ? range(0, 10) : [], 25)));
  expect(names).toHaveLength(10);
  expect(end).toMatchObject({ complete: false, reason: '/Users told of 25 resources and gave 10' });
});

test('is incomplete where the first page comes again and again', async () => {
  const { users: names, end, requests } = await read(users(() => list(range(0, 10), 25)));
  expect(names).toHaveLength(10);
  expect(end.reason).toMatch(/first 10 of 25 resources again and again/);
  expect(requests.length).toBeLessThan(10);
});

test('turns pages by a search where they do not turn by address', async () => {
  const { users: names, end } = await read((request) => {
    if (request.path !== '/Users/.search') return users(() => list(range(0, 10), 25))(request);
    const { startIndex, count } = request.body as { startIndex: number; count: number };
    return list(range(startIndex - 1, Math.min(startIndex - 1 + count, 25)), 25);
  });
  expect(names).toHaveLength(25);
  expect(end.complete).toBe(true);
});

test('doubts a list of a round length that has no second page', async () => {
  const round = await read(
    users(() => list(range(0, 50))),
    { pageSize: 100 },
  );
  expect(round.end.reason).toMatch(/gives the same 50 resources for every page/);
  const odd = await read(
    users(() => list(range(0, 37))),
    { pageSize: 100 },
  );
  expect(odd.end.complete).toBe(true);
});

test('is incomplete where resources were deleted while it was read', async () => {
  let total = 21;
  const { end } = await read(
    users((start) => {
      const page = list(range(start - 1, Math.min(start + 9, total)), total);
      total = 20;
      return page;
    }),
  );
  expect(end.reason).toMatch(/told of 21 resources and gave 20/);
});

test('follows cursors, and none in a circle', async () => {
  const cursors: Record<string, string> = { '': 'b', b: 'c', c: '' };
  const byCursor = users((_, __, { query }) => {
    const at = query.get('cursor') ?? '';
    const from = { '': 0, b: 10, c: 20 }[at] ?? 0;
    const next = cursors[at] ?? '';
    return list(range(from, Math.min(from + 10, 25)), 25, next === '' ? {} : { nextCursor: next });
  });
  const configured: Script = (request) =>
    request.path === '/ServiceProviderConfig'
      ? { json: { pagination: { cursor: true } } }
      : byCursor(request);
  const whole = await read(configured);
  expect([whole.users.length, whole.end.complete]).toEqual([25, true]);
  cursors['c'] = 'b';
  const circle = await read(configured);
  expect(circle.end.reason).toMatch(/repeats a cursor/);
});

test('aws: lists are read by cursor alone, and an answer without one is the last', async () => {
  const script = users((_, count, { query }) => {
    const cursor = query.get('cursor');
    // Without a cursor it gives the first page, whatever is asked for.
    const from = cursor === 'c' ? 100 : 0;
    const next = cursor === '' ? { nextCursor: 'c' } : {};
    return { json: { itemsPerPage: count, Resources: range(from, cursor === 'c' ? 140 : 100), ...next } };
  });
  const { users: names, end, requests } = await read(script, { profile: 'aws', pageSize: 500 });
  expect([names.length, end.complete]).toEqual([140, true]);
  const asked = requests
    .filter(({ path }) => path === '/Users')
    .map(({ query }) => Object.fromEntries(query));
  expect(asked).toEqual([
    { cursor: '', count: '100' },
    { cursor: 'c', count: '100' },
  ]);
});

test('does not follow cursors that bring nothing new for ever', async () => {
  let page = 0;
  const script = users((_, __, { query }) => {
    page += 1;
    const cursor = query.get('cursor') ?? '';
    return list(cursor === '' ? range(0, 5) : [], 5, { nextCursor: `c${page}` });
  });
  const { users: names, end } = await read(script);
  expect(names).toHaveLength(5);
  expect(end.reason).toMatch(/does not come to an end/);
});

test.each([
  ['is a page in HTML', { text: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } }],
  ['is no list', { json: { Resources: 'none' } }],
  ['is an error', { status: 500, json: { detail: 'broken' } }],
  ['says that the credentials ended', { status: 401 }],
  ['points to another host', { status: 302, headers: { location: 'https://evil.example/Users' } }],
])('keeps what it has and is incomplete when a later page %s', async (_, answer) => {
  const { users: names, end } = await read(users((start) => (start === 1 ? list(range(0, 10), 30) : answer)));
  expect(names).toHaveLength(10);
  expect(end.complete).toBe(false);
  expect(end.reason).toMatch(/^\/Users broke off after 10 resources: /);
});

test.each([
  ['HTML', { text: '<html>Sign in</html>' }, 'ProtocolError'],
  ['no list', { json: [1, 2] }, 'ProtocolError'],
  ['401', { status: 401, json: { detail: 'token expired' } }, 'AuthenticationRejected'],
  ['403', { status: 403 }, 'Forbidden'],
  ['404', { status: 404 }, 'NotFound'],
  ['a redirect', { status: 307, headers: { location: 'https://evil.example/Users' } }, 'ProtocolError'],
])('fails when the first page is %s', async (_, answer, code) => {
  await expect(read(users(() => answer))).rejects.toMatchObject({ code });
});

test('does not send the token where a redirect points', async () => {
  await using other = await startScripted(() => list(range(0, 1)));
  const script = users(() => ({ status: 302, headers: { location: `${other.url}/Users` } }));
  await expect(read(script)).rejects.toThrow(/redirects are not followed/);
  expect(other.requests).toEqual([]);
});

test('an answer without an end is given up', async () => {
  const filler = 'x'.repeat(1024 * 1024);
  const script = users(() => ({
    text: `{"Resources":[${Array.from({ length: 70 }, () => `"${filler}"`).join(',')}]}`,
  }));
  await expect(read(script)).rejects.toMatchObject({ code: 'LimitExceeded' });
});

test('resources of the wrong shape make the read incomplete, or their own row fail', async () => {
  const strangers = await read(
    users((start) =>
      list(start === 1 ? [user(0), 5, null, { userName: 'x' }, { ...user(1), id: '..' }] : []),
    ),
  );
  expect(strangers.users).toEqual(['user0']);
  expect(strangers.end.reason).toMatch(/4 resources without an id/);
  await expect(read(users((start) => list(start === 1 ? [{ id: '1' }] : [])))).rejects.toMatchObject({
    code: 'InvalidRecord',
  });
});

test('asks for the members of groups where lists leave them out', async () => {
  const script: Script = ({ path, query }) => {
    if (path === '/Users') return list([]);
    if (path === '/Groups')
      return list((query.get('startIndex') ?? '1') === '1' ? [{ id: 'g', displayName: 'G' }] : []);
    if (path === '/Groups/g')
      return {
        json: { id: 'g', displayName: 'G', members: [{ value: 'a' }, { $ref: 'https://x/Users/b' }] },
      };
    return undefined;
  };
  const { groups, end } = await read(script);
  expect(groups.map(({ members }) => members)).toEqual([['a', 'b']]);
  expect(end.complete).toBe(true);
  const never = await read(script, { profile: 'aws' });
  expect(never.groups.map(({ members }) => members)).toEqual([undefined]);
  expect(never.end.warnings).toEqual([expect.stringMatching(/members of groups cannot be read/)]);
});

test('a service without groups is not taken for one whose groups are gone', async () => {
  const script: Script = ({ path, query }) =>
    path === '/Users' ? list(query.get('startIndex') === '1' ? [user(1)] : []) : undefined;
  await expect(read(script)).rejects.toMatchObject({
    code: 'NotFound',
    remedy: expect.stringMatching(/groups: false/) as string,
  });
  for (const settings of [{ groups: false }, { profile: 'gitlab' }]) {
    // oxlint-disable-next-line no-await-in-loop -- one server after the other
    expect((await read(script, settings)).end.complete).toBe(true);
  }
});

test('discovery that is wrong in every way is passed over', async () => {
  const odd: Record<string, ReturnType<Script>> = {
    '/ServiceProviderConfig': {
      json: { patch: 'yes', bulk: { supported: true, maxOperations: -1 }, filter: 7, pagination: [] },
    },
    '/ResourceTypes': {
      json: {
        Resources: [
          5,
          { schema: 'urn:ietf:params:scim:schemas:core:2.0:User', endpoint: 'https://evil.example/../' },
        ],
      },
    },
    '/Schemas': { text: '<html></html>' },
  };
  const { users: names, end } = await read(
    (request) => odd[request.path] ?? users((start) => list(start === 1 ? range(0, 3) : []))(request),
  );
  expect(names).toHaveLength(3);
  expect(end.complete).toBe(true);
});

test('groups of a service that never shows members are not taken for empty', async () => {
  const groups =
    (first: object): Script =>
    (request) => {
      if (request.path === '/Users') return list([]);
      if (request.path === '/Groups')
        return list([
          { id: 'a', displayName: 'a', ...first },
          { id: 'b', displayName: 'b' },
        ]);
      return request.path.startsWith('/Groups/')
        ? { json: { id: request.path.slice(8), displayName: request.path.slice(8) } }
        : undefined;
    };
  const silent = await read(groups({}));
  expect(silent.groups.map(({ members }) => members)).toEqual([undefined, undefined]);
  const telling = await read(groups({ members: [{ value: 'id1' }] }));
  expect(telling.groups.map(({ members }) => members)).toEqual([['id1'], []]);
});
