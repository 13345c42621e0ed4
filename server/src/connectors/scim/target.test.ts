/* oxlint-disable unicorn/consistent-function-scoping -- a script is read beside its test */
import { describe, expect, test } from 'vitest';
import type { Script, ScriptedAnswer, SeenRequest } from '../../../../test/servers/scripted-http.ts';
import { change, play, type Played } from '../../../../test/servers/scim-target.ts';
import type { TargetChange } from '../../sync/connector.ts';

const create = (userName: string, more: object = {}): TargetChange =>
  change({ verb: 'create', set: { userName: [userName], externalId: [`user_${userName}`], ...more } });

const conflict: ScriptedAnswer = { status: 409, json: { scimType: 'uniqueness', detail: 'taken' } };
const listing = (resources: readonly object[]): ScriptedAnswer => ({
  json: { totalResults: resources.length, Resources: resources },
});
const lines = ({ sent }: Played): string[] => sent.map(({ method, path }) => `${method} ${path}`);
const codes = ({ outcomes }: Played): unknown[] => outcomes.map((each) => (each.ok ? 'ok' : each.code));
const operations = ({ body }: SeenRequest): unknown => (body as { Operations: unknown }).Operations;

describe('creating', () => {
  test('tells the id; by the address where the answer has no resource', async () => {
    const script: Script = ({ body }) =>
      (body as { userName: string }).userName === 'a'
        ? { status: 201, json: { id: '7' } }
        : { status: 201, headers: { location: 'https://x.example/Users/8' } };
    const { outcomes } = await play([create('a'), create('b')], script);
    expect(outcomes).toMatchObject([
      { ok: true, externalId: '7', location: '7', reference: '7' },
      { ok: true, externalId: '8' },
    ]);
  });

  test('fails where the name is taken, without touching whoever has it', async () => {
    const someone = [{ id: '5', userName: 'a' }];
    const played = await play([create('a')], ({ method }) =>
      method === 'POST' ? conflict : { json: { totalResults: 1, Resources: someone } },
    );
    expect(played.outcomes).toMatchObject([
      { ok: false, code: 'Conflict', message: 'the SCIM service answered 409 (uniqueness): taken' },
    ]);
    expect(lines(played)).toEqual(['POST /Users', 'GET /Users']);
  });

  const there = { id: '9', userName: 'A', externalId: 'user_a' };

  test('finds the resource that was made for the same object, where its list does not show it', async () => {
    const played = await play([create('a')], ({ method, query }) => {
      if (method === 'POST') return conflict;
      return query.get('filter') === 'externalId eq "user_a"' ? listing([there]) : listing([]);
    });
    expect(played.outcomes).toMatchObject([{ ok: true, externalId: '9' }]);
    expect(lines(played)).toEqual(['POST /Users', 'GET /Users']);
  });

  test.each([
    ['is that of another', (name: string) => ({ json: { id: 'one', userName: name } }), 'one'],
    ['cannot be kept', (name: string) => ({ json: { id: `\u0000${name}`, userName: name } }), undefined],
    ['leads elsewhere', () => ({ headers: { location: 'https://x.example/Users/%2E%2E' } }), undefined],
    ['is none', () => ({ headers: { location: 'https://x.example/Users' } }), undefined],
    ['is encoded', () => ({ headers: { location: 'https://x.example/users/a%40b?x=1' } }), 'a@b'],
  ])('believes no id that %s', async (_, answer, id) => {
    const script: Script = ({ method, body }) =>
      method === 'POST'
        ? { status: 201, ...answer((body as { userName: string }).userName) }
        : { json: { totalResults: 0, Resources: [] } };
    const played = await play([create('a'), create('b')], script);
    expect(played.outcomes[0]).toMatchObject(
      id === undefined ? { ok: false, code: 'ProtocolError' } : { ok: true, externalId: id },
    );
    expect(played.outcomes[1]).toMatchObject({ ok: false, code: 'ProtocolError' });
  });

  test('after a break the resource that is there already is the one that was meant', async () => {
    const script: Script = ({ method, query }) => {
      if (method === 'POST') return conflict;
      return query.get('filter') === 'userName eq "a"' ? listing([there]) : listing([]);
    };
    const { outcomes } = await play([create('a')], script, { recovering: true });
    expect(outcomes).toMatchObject([{ ok: true, externalId: '9' }]);
  });

  test('also where filters are not heeded, and only by the own external id', async () => {
    const other = { id: '5', userName: 'a', externalId: 'user_other' };
    const pages =
      (resources: readonly object[]): Script =>
      ({ method, query }) => {
        if (method === 'POST') return conflict;
        return Number(query.get('startIndex') ?? 1) > 1 ? listing([]) : listing(resources);
      };
    const found = await play([create('a')], pages([other, there]), { recovering: true });
    expect(found.outcomes).toMatchObject([{ ok: true, externalId: '9' }]);
    const none = await play([create('a')], pages([other]), { recovering: true });
    expect(codes(none)).toEqual(['Conflict']);
  });

  test('an account that shall be disabled is disabled where the service made it active', async () => {
    const script: Script = ({ method }) =>
      method === 'POST' ? { status: 201, json: { id: '7', active: true } } : { status: 204 };
    const played = await play([{ ...create('a'), enabled: false }], script);
    expect(lines(played)).toEqual(['POST /Users', 'PATCH /Users/7']);
    expect(played.sent[0]?.body).toMatchObject({ active: false });
    expect(operations(played.sent[1] as SeenRequest)).toEqual([
      { op: 'replace', path: 'active', value: false },
    ]);
  });
});

describe('updating', () => {
  test('PATCHes single values without asking first', async () => {
    const played = await play([change({ set: { title: ['Boss'], nickName: [] } })], () => ({ status: 204 }));
    expect(lines(played)).toEqual(['PATCH /Users/1']);
    expect(codes(played)).toEqual(['ok']);
  });

  test('turns to PUT where PATCH is refused, and stays with it', async () => {
    const current = {
      id: '1',
      userName: 'a',
      meta: { version: 'W/"3"' },
      groups: [{ value: 'g' }],
      nickName: 'kept',
    };
    const script: Script = ({ method }) =>
      method === 'PATCH' ? { status: 501 } : method === 'GET' ? { json: current } : { json: current };
    const first = change({ set: { title: ['Boss'] } });
    const played = await play([first, change({ set: { title: ['Chief'] } })], script);
    expect(lines(played)).toEqual([
      'PATCH /Users/1',
      'GET /Users/1',
      'PUT /Users/1',
      'GET /Users/1',
      'PUT /Users/1',
    ]);
    expect(played.sent[2]?.body).toEqual({ id: '1', userName: 'a', nickName: 'kept', title: 'Boss' });
  });

  test('heeds entity tags, and begins anew when the resource changed meanwhile', async () => {
    let version = 1;
    const script: Script = ({ method, headers }) => {
      if (method === 'GET') return { json: { id: '1', userName: 'a', meta: { version: `W/"${version}"` } } };
      if (method !== 'PUT') return undefined;
      const isCurrent = headers['if-match'] === 'W/"2"';
      version = 2;
      return isCurrent ? { status: 200, json: {} } : { status: 412 };
    };
    const configuration = { etag: { supported: true }, patch: { supported: false } };
    const played = await play([change({ set: { title: ['Boss'] } })], script, { configuration });
    expect(lines(played)).toEqual(['GET /Users/1', 'PUT /Users/1', 'GET /Users/1', 'PUT /Users/1']);
    expect(codes(played)).toEqual(['ok']);
  });

  test('the failure of one does not stop the others; that of the service does', async () => {
    const three = [1, 2, 3].map((id) => change({ externalId: String(id), set: { title: ['x'] } }));
    const bad: Script = ({ path }) =>
      path === '/Users/2'
        ? { status: 400, json: { scimType: 'invalidValue', detail: 'no' } }
        : { status: 204 };
    expect(codes(await play(three, bad))).toEqual(['ok', 'TargetRejected', 'ok']);
    await expect(play(three, () => ({ status: 401 }))).rejects.toMatchObject({
      code: 'AuthenticationRejected',
    });
  });
});

describe('deleting', () => {
  const gone = change({ verb: 'delete' });
  test('what is gone already is done after a break only', async () => {
    expect(codes(await play([gone], () => ({ status: 404 })))).toEqual(['NotFound']);
    expect(codes(await play([gone], () => ({ status: 404 }), { recovering: true }))).toEqual(['ok']);
  });

  test('a service that deletes nothing is told of', async () => {
    const { outcomes } = await play([gone], () => ({ status: 405 }));
    expect(outcomes).toMatchObject([
      { ok: false, message: expect.stringMatching(/deletes nothing/) as string },
    ]);
  });
});

describe('memberships', () => {
  const membership = (verb: 'addMember' | 'removeMember', id: string, kind: 'user' | 'group' = 'user') =>
    change({
      kind: 'membership',
      verb,
      externalId: 'g',
      member: { kind, externalId: id, location: id, alias: null, reference: id },
    });
  const added = Array.from({ length: 250 }, (_, index) => membership('addMember', `u${index}`));

  test('go by the hundred', async () => {
    const played = await play(added, () => ({ status: 204 }));
    const sizes = played.sent.map(
      (request) => (operations(request) as { value: unknown[] }[])[0]?.value.length,
    );
    expect(sizes).toEqual([100, 100, 50]);
    expect(played.outcomes).toHaveLength(250);
  });

  test('removals name each member by a filter', async () => {
    const both = [membership('addMember', 'a', 'group'), membership('removeMember', 'b"')];
    const standard = await play(both, () => ({ status: 204 }));
    expect(operations(standard.sent[0] as SeenRequest)).toEqual([
      { op: 'remove', path: 'members[value eq "b\\""]' },
      { op: 'add', path: 'members', value: [{ value: 'a', type: 'Group' }] },
    ]);
  });

  test('one member at fault is found and stands alone', async () => {
    const script: Script = ({ body }) =>
      JSON.stringify(body).includes('"u17"') ? { status: 400, json: { detail: 'unknown' } } : { status: 204 };
    const { outcomes, sent } = await play(added.slice(0, 100), script);
    expect(outcomes.filter((outcome) => !outcome.ok)).toMatchObject([{ ordinal: added[17]?.ordinal }]);
    expect(sent.length).toBeLessThan(20);
  });

  test('are put with the whole group where there is no PATCH', async () => {
    const group = { id: 'g', displayName: 'G', members: [{ value: 'a', display: 'A' }, { value: 'b' }] };
    const script: Script = ({ method }) => (method === 'PATCH' ? { status: 501 } : { json: group });
    const changes = [membership('removeMember', 'b'), membership('addMember', 'c')];
    const played = await play(changes, script);
    expect(lines(played)).toEqual(['PATCH /Groups/g', 'GET /Groups/g', 'PUT /Groups/g']);
    expect(played.sent[2]?.body).toEqual({
      ...group,
      members: [{ value: 'a', display: 'A' }, { value: 'c' }],
    });
  });

  test('what the group shows is done after a break', async () => {
    const script: Script = ({ method }) =>
      method === 'GET'
        ? { json: { id: 'g', members: [{ value: 'a' }] } }
        : { status: 400, json: { detail: 'is one' } };
    const again = [membership('addMember', 'a'), membership('addMember', 'b')];
    expect(codes(await play(again, script, { recovering: true }))).toEqual(['ok', 'TargetRejected']);
  });
});

describe('Bulk', () => {
  const configuration = { bulk: { supported: true, maxOperations: 10, maxPayloadSize: 100_000 } };
  const people = Array.from({ length: 25 }, (_, index) => create(`p${index}`));
  interface BulkOperation {
    readonly bulkId: string;
    readonly data: { readonly userName: string };
  }
  const asked = ({ body }: SeenRequest): readonly BulkOperation[] =>
    (body as { Operations: BulkOperation[] }).Operations;
  const made = ({ bulkId, data }: BulkOperation) => ({
    method: 'POST',
    bulkId,
    location: `https://x.example/Users/${data.userName}`,
    status: '201',
  });

  test('creates together, in any order of the answers, and tells what failed', async () => {
    const played = await play(
      people,
      (request) => ({
        json: {
          Operations: asked(request)
            .map((operation) =>
              operation.data.userName === 'p7'
                ? { bulkId: operation.bulkId, status: { code: 409 }, response: { detail: 'taken' } }
                : made(operation),
            )
            .toReversed(),
        },
      }),
      { configuration },
    );
    expect(lines(played)).toEqual(['POST /Bulk', 'POST /Bulk', 'POST /Bulk']);
    expect(
      codes(played)
        .map((code, index) => [index, code])
        .filter(([, code]) => code !== 'ok'),
    ).toEqual([[7, 'Conflict']]);
    expect(played.outcomes[3]).toMatchObject({ ordinal: people[3]?.ordinal, externalId: 'p3' });
  });

  test('sends by itself what the answer does not mention, and finds it where it was made', async () => {
    const script: Script = (request) => {
      if (request.path === '/Bulk')
        return {
          json: {
            Operations: asked(request)
              .filter(({ data }) => data.userName !== 'p3')
              .map(made),
          },
        };
      return request.method === 'POST'
        ? conflict
        : { json: { totalResults: 1, Resources: [{ id: 'late', userName: 'p3', externalId: 'user_p3' }] } };
    };
    const { outcomes } = await play(people.slice(0, 8), script, { configuration });
    expect(outcomes[3]).toMatchObject({ ok: true, externalId: 'late' });
  });

  test('updates and removes together; what needs a look before or another form goes by itself', async () => {
    const of = (externalId: string, part: Partial<TargetChange>) => change({ externalId, ...part });
    const changes = [
      of('1', { set: { title: ['Countess'] } }),
      of('2', { verb: 'disable', enabled: false }),
      of('3', { verb: 'delete' }),
      of('5', { verb: 'delete' }),
      of('6', { set: { title: ['Baron'] } }),
      of('7', { set: { 'emails[type eq "work"].value': ['g@example.com'] } }),
    ];
    const statuses: Record<string, number> = { '/Users/5': 404, '/Users/6': 405 };
    const script: Script = (request) =>
      request.path === '/Bulk'
        ? {
            json: {
              Operations: (
                request.body as { Operations: { method: string; path: string; bulkId: string }[] }
              ).Operations.map(({ method, path, bulkId }) => ({
                method,
                bulkId,
                location: path,
                status: String(statuses[path] ?? 204),
              })),
            },
          }
        : { json: { id: '7', userName: 'g', emails: [] } };
    const played = await play(changes, script, { configuration });
    const replacing = (path: string, value: string | boolean) =>
      expect.objectContaining({ Operations: [{ op: 'replace', path, value }] });
    expect(operations(played.sent.find(({ path }) => path === '/Bulk')!)).toEqual([
      expect.objectContaining({ method: 'PATCH', path: '/Users/1', data: replacing('title', 'Countess') }),
      expect.objectContaining({ method: 'PATCH', path: '/Users/2', data: replacing('active', false) }),
      { method: 'DELETE', path: '/Users/3', bulkId: String(changes[2]?.ordinal) },
      expect.objectContaining({ method: 'DELETE', path: '/Users/5' }),
      expect.objectContaining({ method: 'PATCH', path: '/Users/6' }),
    ]);
    expect(lines(played)).toEqual(expect.arrayContaining(['PATCH /Users/6', 'PATCH /Users/7']));
    expect(codes(played)).toEqual(['ok', 'ok', 'ok', 'NotFound', 'ok', 'ok']);
  });

  test.each([
    ['fails on the way', { status: 500, json: { detail: 'broken' } }],
    ['has a page instead of an answer', { text: '<html>Sorry</html>' }],
    ['says nothing of the operations', { json: { Operations: [] } }],
  ])('finds what was made by a request that %s', async (_, answer) => {
    const names = new Set<string>();
    const script: Script = (request) => {
      if (request.path === '/Bulk') {
        for (const { data } of asked(request)) names.add(data.userName);
        return answer;
      }
      const name = /"(.*)"/.exec(request.query.get('filter') ?? '')?.[1] ?? '';
      if (request.method === 'POST') return conflict;
      return listing(names.has(name) ? [{ id: `id of ${name}`, userName: name }] : []);
    };
    const { outcomes } = await play(people.slice(0, 5), script, { configuration });
    expect(outcomes).toMatchObject(
      people.slice(0, 5).map((_person, index) => ({ ok: true, externalId: `id of p${index}` })),
    );
  });

  test('takes no result for success that says none, and waits where one operation is put off', async () => {
    const told: Record<string, string | number> = { 1: '', 2: 0, 3: '429', 4: 503 };
    const changes = [0, 1, 2, 3, 4].map((id) => change({ externalId: String(id), set: { title: ['x'] } }));
    const script: Script = (request) =>
      request.path === '/Bulk'
        ? {
            json: {
              Operations: changes.map(({ ordinal: bulkId, externalId }) => ({
                bulkId: String(bulkId),
                status: told[externalId ?? ''] ?? '200',
              })),
            },
          }
        : { status: 204 };
    const played = await play(changes, script, { configuration });
    expect(codes(played)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(lines(played).toSorted()).toEqual([
      ...[1, 2, 3, 4].map((id) => `PATCH /Users/${id}`),
      'POST /Bulk',
    ]);
  });

  test('is given up where the service does not take it', async () => {
    const script: Script = ({ path, body }) =>
      path === '/Users'
        ? { status: 201, json: { id: (body as { userName: string }).userName } }
        : { status: 501 };
    const played = await play(people.slice(0, 8), script, { configuration });
    expect(new Set(codes(played))).toEqual(new Set(['ok']));
    expect(lines(played).filter((line) => line === 'POST /Bulk')).toHaveLength(1);
  });
});

test('slows down when it is asked for rest, and loses nothing', async () => {
  const refused = new Set<string>();
  const script: Script = ({ path, body }) => {
    const name = (body as { userName: string }).userName;
    if (refused.size >= 3 || refused.has(name)) return { status: 201, json: { id: name, path } };
    refused.add(name);
    return { status: 429, headers: { 'retry-after': '0.01' } };
  };
  const people = Array.from({ length: 30 }, (_, index) => create(`p${index}`));
  const played = await play(people, script);
  expect(new Set(codes(played))).toEqual(new Set(['ok']));
  expect(played.sent).toHaveLength(33);
});
