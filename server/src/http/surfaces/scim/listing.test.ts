import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../../test/servers/application.ts';
import {
  pushGroup,
  pushUser,
  serveScim,
  urn,
  type ScimAnswer,
  type ScimClient,
} from '../../../../../test/servers/scim-client.ts';
import { describeOnServerStore } from '../../../../../test/servers/shared-store.ts';

const people = [
  ['ada', { title: 'engineer', emails: [{ value: 'ada@a.example', type: 'work' }] }],
  [
    'Bob',
    {
      emails: [
        { value: 'bob@home.example', type: 'home' },
        { value: 'bob@a.example', type: 'work', primary: true },
      ],
    },
  ],
  ['carol', { title: 'Clerk', [urn.enterprise]: { department: 'Sales' } }],
  ['dave', { title: 'engineer', active: false, externalId: 'D-1' }],
  ['Eve', {}],
] as const;

async function names(client: ScimClient, query: Record<string, string>): Promise<string[]> {
  const { body } = await client.expect(200, 'GET', `/Users?${new URLSearchParams(query).toString()}`);
  expect(body.schemas).toEqual([urn.list]);
  expect(body.itemsPerPage).toBe(body.Resources.length);
  return (body.Resources as { userName: string }[]).map(({ userName }) => userName);
}

describeOnServerStore('SCIM lists', (makeStore) => {
  async function start(): Promise<{ client: ScimClient; ids: string[] } & AsyncDisposable> {
    const client = await serveScim(await openIdleApplication(await makeStore()), { profile: 'strict' });
    const ids: string[] = [];
    for (const [userName, more] of people) ids.push(await pushUser(client, userName, more));
    return { client, ids, [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose]() };
  }

  test('filters of the standard find what they say', async () => {
    await using started = await start();
    const { client, ids } = started;
    const expected: Readonly<Record<string, readonly string[]>> = {
      'userName eq "BOB"': ['Bob'],
      [`${urn.user}:userName sw "C"`]: ['carol'],
      'title pr': ['ada', 'carol', 'dave'],
      'title pr and not (active eq false)': ['ada', 'carol'],
      'emails[type eq "work" and value ew "@a.example"]': ['ada', 'Bob'],
      'emails co "home"': ['Bob'],
      'emails.type eq "home" or externalId eq "D-1"': ['Bob', 'dave'],
      'externalId eq "d-1"': [],
      [`${urn.enterprise}:department eq "sales"`]: ['carol'],
      'meta.lastModified gt "2011-05-13T04:42:34Z"': ['ada', 'Bob', 'carol', 'dave', 'Eve'],
      'meta.created lt "2011-05-13T04:42:34Z"': [],
      [`id eq "${ids[4]}"`]: ['Eve'],
      'active ne false': ['ada', 'Bob', 'carol', 'Eve'],
    };
    for (const [filter, found] of Object.entries(expected)) {
      expect(await names(client, { filter }), filter).toEqual(found);
    }
    const none = await client.expect(200, 'GET', '/Users?filter=userName%20eq%20%22nobody%22');
    expect(none.body).toMatchObject({ totalResults: 0, itemsPerPage: 0, startIndex: 1, Resources: [] });
    for (const filter of [
      'userName',
      'userName eq',
      'nowhere eq "x"',
      'active gt true',
      'userName eq "a" and',
      '(',
      '"',
    ]) {
      const refused = await client.expect(400, 'GET', `/Users?filter=${encodeURIComponent(filter)}`);
      expect(refused.body, filter).toMatchObject({ schemas: [urn.error], scimType: 'invalidFilter' });
    }
  });

  test('groups are found by their members', async () => {
    await using started = await start();
    const { client, ids } = started;
    const group = await pushGroup(client, 'Engineers', [ids[0] ?? '', ids[3] ?? '']);
    await pushGroup(client, 'Nobody');
    const found = async (filter: string) =>
      (await client.expect(200, 'GET', `/Groups?attributes=id&filter=${encodeURIComponent(filter)}`)).body
        .Resources;
    const hit = [{ schemas: [urn.group], id: group }];
    expect(await found(`members.value eq "${ids[3]}"`)).toEqual(hit);
    expect(await found(`id eq "${group}" and members eq "${ids[0]}"`)).toEqual(hit);
    expect(await found(`id eq "${group}" and members eq "${ids[1]}"`)).toEqual([]);
    expect(await found('displayName eq "engineers"')).toEqual(hit);
    expect(await names(client, { filter: 'groups.display eq "engineers"' })).toEqual(['ada', 'dave']);
  });

  test('sorts by any attribute, without regard to case, what has no value last', async () => {
    await using started = await start();
    const { client } = started;
    expect(await names(client, { sortBy: 'userName' })).toEqual(['ada', 'Bob', 'carol', 'dave', 'Eve']);
    expect(await names(client, { sortBy: 'userName', sortOrder: 'descending' })).toEqual([
      'Eve',
      'dave',
      'carol',
      'Bob',
      'ada',
    ]);
    expect(await names(client, { sortBy: 'title' })).toEqual(['carol', 'ada', 'dave', 'Bob', 'Eve']);
    expect((await names(client, { sortBy: 'title', sortOrder: 'descending' })).slice(2)).toEqual([
      'ada',
      'dave',
      'carol',
    ]);
    // Of several values the primary one counts.
    expect((await names(client, { sortBy: 'emails.value' })).slice(0, 2)).toEqual(['ada', 'Bob']);
    const refused = await client.expect(400, 'GET', '/Users?sortBy=name');
    expect(refused.body.scimType).toBe('invalidPath');
  });

  test('pages by index', async () => {
    await using started = await start();
    const { client } = started;
    const page = await client.expect(200, 'GET', '/Users?startIndex=2&count=2');
    expect(page.body).toMatchObject({ totalResults: 5, startIndex: 2, itemsPerPage: 2 });
    expect(await names(client, { startIndex: '2', count: '2' })).toEqual(['Bob', 'carol']);
    expect(await names(client, { startIndex: '5', count: '10' })).toEqual(['Eve']);
    const none = await client.expect(200, 'GET', '/Users?count=0');
    expect(none.body).toMatchObject({ totalResults: 5, itemsPerPage: 0 });
    const beyond = await client.expect(200, 'GET', '/Users?startIndex=99');
    expect(beyond.body).toMatchObject({ totalResults: 5, itemsPerPage: 0 });
    expect(await names(client, { startIndex: '-3', count: '1' })).toEqual(['ada']);
    await client.expect(400, 'GET', '/Users?count=many');
  });

  test.each([
    {},
    { sortBy: 'title' },
    { sortBy: 'title', sortOrder: 'descending' },
    { sortBy: 'active' },
    { sortBy: 'emails.primary', sortOrder: 'descending' },
    { filter: 'title pr or userName pr' },
  ])('pages by cursor (RFC 9865): %j', async (query) => {
    await using started = await start();
    const { client } = started;
    const seen: string[] = [];
    let cursor: string | undefined = '';
    for (let pages = 0; cursor !== undefined && pages < 5; pages += 1) {
      const asked: URLSearchParams = new URLSearchParams({ ...query, cursor, count: '2' });
      const { body }: ScimAnswer = await client.expect(200, 'GET', `/Users?${asked.toString()}`);
      expect(body).toMatchObject({ totalResults: 5 });
      expect(body).not.toHaveProperty('startIndex');
      seen.push(...(body.Resources as { userName: string }[]).map(({ userName }) => userName));
      cursor = body.nextCursor;
    }
    expect(cursor).toBeUndefined();
    expect(seen).toEqual(await names(client, query));
    const first = await client.expect(200, 'GET', '/Users?cursor=&count=2');
    const other = await client.expect(400, 'GET', `/Groups?cursor=${first.body.nextCursor}`);
    expect(other.body.scimType).toBe('invalidCursor');
    expect((await client.expect(400, 'GET', '/Users?cursor=bogus')).body.scimType).toBe('invalidCursor');
    expect((await client.expect(400, 'GET', '/Users?cursor=&count=0')).body.scimType).toBe('invalidCount');
  });

  test.each(['userName', 'title', 'active', 'meta.created'])(
    'what stays is on one page each, whoever comes and goes between the pages: by %s',
    async (sortBy) => {
      await using started = await start();
      const { client } = started;
      for (const sortOrder of ['ascending', 'descending']) {
        const gone = await pushUser(client, '0', {
          title: sortOrder === 'ascending' ? '0' : 'z',
          active: true,
        });
        const page = async (cursor: string): Promise<ScimAnswer['body']> => {
          const asked = new URLSearchParams({ sortBy, sortOrder, count: '2', cursor });
          return (await client.expect(200, 'GET', `/Users?${asked.toString()}`)).body;
        };
        let { Resources: shown, nextCursor } = await page('');
        await client.expect(204, 'DELETE', `/Users/${gone}`);
        for (const name of ['00', 'zz']) await pushUser(client, `${name}${sortOrder}`, { title: name });
        const seen = (shown as { userName: string }[]).map(({ userName }) => userName);
        while (nextCursor !== undefined) {
          ({ Resources: shown, nextCursor } = await page(nextCursor));
          seen.push(...(shown as { userName: string }[]).map(({ userName }) => userName));
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toEqual(expect.arrayContaining(people.map(([userName]) => userName)));
      }
    },
  );

  test('a cursor that somebody changed is refused', async () => {
    await using started = await start();
    const { client } = started;
    const { body } = await client.expect(200, 'GET', '/Users?sortBy=active&cursor=&count=1');
    const parts = JSON.parse(Buffer.from(body.nextCursor, 'base64url').toString()) as unknown[];
    const changed = Buffer.from(JSON.stringify([...parts.slice(0, 2), 'yes'])).toString('base64url');
    const refused = await client.expect(400, 'GET', `/Users?sortBy=active&cursor=${changed}`);
    expect(refused.body.scimType).toBe('invalidCursor');
  });

  test('shows the attributes that are asked for', async () => {
    await using started = await start();
    const { client, ids } = started;
    const { body } = await client.expect(200, 'GET', `/Users/${ids[1]}?attributes=userName,emails.value`);
    expect(body).toEqual({
      schemas: [urn.user],
      id: ids[1],
      userName: 'Bob',
      emails: [{ value: 'bob@home.example' }, { value: 'bob@a.example' }],
    });
    const without = await client.expect(200, 'GET', `/Users/${ids[1]}?excludedAttributes=emails,meta,id`);
    expect(without.body).toEqual({ schemas: [urn.user], id: ids[1], userName: 'Bob' });
    await client.expect(400, 'GET', '/Users?attributes=userName&excludedAttributes=emails');
  });

  test('searches by POST, and over all types at once', async () => {
    await using started = await start();
    const { client } = started;
    await pushGroup(client, 'ada');
    const search = {
      schemas: [urn.search],
      filter: 'title eq "ENGINEER"',
      attributes: ['userName'],
      count: 1,
      startIndex: 2,
    };
    const found = await client.expect(200, 'POST', '/Users/.search', search);
    expect(found.body).toMatchObject({ totalResults: 2, itemsPerPage: 1, Resources: [{ userName: 'dave' }] });
    const all = await client.expect(200, 'POST', '/.search', {
      schemas: [urn.search],
      filter: 'displayName eq "ada" or userName eq "ada"',
    });
    expect(all.body.totalResults).toBe(2);
    expect(
      all.body.Resources.map(({ meta }: { meta: { resourceType: string } }) => meta.resourceType),
    ).toEqual(['User', 'Group']);
    const last = await client.expect(200, 'GET', '/?startIndex=5&count=5');
    expect(last.body).toMatchObject({ totalResults: 6, itemsPerPage: 2 });
  });
});
