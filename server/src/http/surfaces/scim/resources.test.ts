import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../../test/servers/application.ts';
import {
  patchOf,
  pushGroup,
  pushUser,
  serveScim,
  urn,
  type ScimClient,
} from '../../../../../test/servers/scim-client.ts';
import { describeOnSharedStores } from '../../../../../test/servers/shared-store.ts';

/** The user of RFC 7644 section 3.3. */
const bjensen = {
  schemas: [urn.user],
  userName: 'bjensen',
  externalId: 'bjensen',
  name: { formatted: 'Ms. Barbara J Jensen III', familyName: 'Jensen', givenName: 'Barbara' },
};

const rename = (nickName: string) => patchOf({ op: 'replace', path: 'nickName', value: nickName });
/** For statuses and paths. */
const inOrder = (values: readonly (string | number)[]) =>
  [...values].sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));

const named = (userName: string) => ({ schemas: [urn.user], userName });

describeOnSharedStores('SCIM resources', (makeStore) => {
  async function start(settings = {}): Promise<ScimClient> {
    return serveScim(await openIdleApplication(await makeStore()), settings);
  }

  test('a user is made, found, replaced, patched and deleted (RFC 7644 section 3)', async () => {
    await using client = await start({ profile: 'strict' });
    const made = await client.expect(201, 'POST', '/Users', bjensen);
    const { id, meta } = made.body;
    expect(made.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
    expect(made.headers.get('location')).toBe(`${client.baseUrl}/Users/${id}`);
    expect(made.headers.get('etag')).toBe('W/"1"');
    expect(made.body).toEqual({ ...bjensen, id, meta });
    expect(meta).toEqual({
      resourceType: 'User',
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      lastModified: meta.created,
      version: 'W/"1"',
      location: `${client.baseUrl}/Users/${id}`,
    });
    expect((await client.expect(200, 'GET', `/Users/${id}`)).body).toEqual(made.body);

    const replaced = await client.expect(200, 'PUT', `/Users/${id}`, {
      ...bjensen,
      id,
      externalId: undefined,
      roles: [],
      emails: [{ value: 'bjensen@example.com' }, { value: 'babs@jensen.org' }],
    });
    expect(replaced.body).toMatchObject({
      emails: [{ value: 'bjensen@example.com' }, { value: 'babs@jensen.org' }],
    });
    expect(replaced.body).not.toHaveProperty('externalId');
    expect(replaced.headers.get('etag')).toBe('W/"2"');
    expect(replaced.body.meta.created).toBe(meta.created);

    const patched = await client.expect(
      200,
      'PATCH',
      `/Users/${id}`,
      patchOf(
        { op: 'add', value: { nickName: 'Babs' } },
        { op: 'remove', path: 'emails[value eq "babs@jensen.org"]' },
      ),
    );
    expect(patched.body).toMatchObject({ nickName: 'Babs', emails: [{ value: 'bjensen@example.com' }] });

    await client.expect(204, 'DELETE', `/Users/${id}`);
    const gone = await client.expect(404, 'GET', `/Users/${id}`);
    expect(gone.body).toEqual({ schemas: [urn.error], status: '404', detail: expect.stringContaining(id) });
    await client.expect(404, 'DELETE', `/Users/${id}`);
    await client.expect(404, 'PATCH', `/Users/${id}`, patchOf({ op: 'add', value: { nickName: 'x' } }));
    // The name is free again, for somebody else.
    const again = await client.expect(201, 'POST', '/Users', bjensen);
    expect(again.body.id).not.toBe(id);
  });

  test('what changes nothing leaves the version alone', async () => {
    await using client = await start();
    const id = await pushUser(client, 'ada', { active: true });
    const same = await client.expect(
      200,
      'PATCH',
      `/Users/${id}`,
      patchOf({ op: 'replace', path: 'active', value: true }),
    );
    expect(same.headers.get('etag')).toBe('W/"1"');
    const group = await pushGroup(client, 'all', [id]);
    const again = await client.expect(
      204,
      'PATCH',
      `/Groups/${group}`,
      patchOf({ op: 'add', path: 'members', value: [{ value: id }] }),
    );
    expect(again.headers.get('etag')).toBe('W/"1"');
  });

  test('a user name is taken once, whatever its letter case', async () => {
    await using client = await start();
    await pushUser(client, 'Äda@example.com');
    const other = await pushUser(client, 'bob');
    const refused = await client.expect(409, 'POST', '/Users', {
      schemas: [urn.user],
      userName: 'äDA@EXAMPLE.com',
    });
    expect(refused.body).toMatchObject({ scimType: 'uniqueness', status: '409' });
    await client.expect(
      409,
      'PATCH',
      `/Users/${other}`,
      patchOf({ op: 'replace', path: 'userName', value: 'ÄDA@example.com' }),
    );
    await client.expect(409, 'PUT', `/Users/${other}`, { schemas: [urn.user], userName: 'ÄDA@example.com' });
    // Names of groups may be the same.
    await pushGroup(client, 'team');
    await pushGroup(client, 'team');
    const races = await Promise.all(
      Array.from({ length: 8 }, () =>
        client.send('POST', '/Users', { schemas: [urn.user], userName: 'racer' }),
      ),
    );
    expect(inOrder(races.map(({ status }) => status))).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  test('entity tags guard what others have changed (RFC 7644 section 3.14)', async () => {
    await using client = await start();
    const id = await pushUser(client, 'ada');
    const path = `/Users/${id}`;
    await client.expect(304, 'GET', path, undefined, { 'if-none-match': 'W/"1"' });
    await client.expect(200, 'GET', path, undefined, { 'if-none-match': 'W/"7"' });
    await client.expect(412, 'PATCH', path, rename('a'), { 'if-match': 'W/"7"' });
    await client.expect(200, 'PATCH', path, rename('a'), { 'if-match': 'W/"1"' });
    await client.expect(412, 'PUT', path, { schemas: [urn.user], userName: 'ada' }, { 'if-match': 'W/"1"' });
    await client.expect(412, 'DELETE', path, undefined, { 'if-match': 'W/"1"' });
    await client.expect(412, 'GET', path, undefined, { 'if-match': 'W/"1"' });
    await client.expect(200, 'PATCH', path, rename('b'), { 'if-match': '*' });
    const rivals = await Promise.all(
      ['c', 'd', 'e'].map((name) => client.send('PATCH', path, rename(name), { 'if-match': 'W/"3"' })),
    );
    expect(inOrder(rivals.map(({ status }) => status))).toEqual([200, 412, 412]);
    await client.expect(204, 'DELETE', path, undefined, { 'if-match': 'W/"4"' });
  });

  test('what is pushed together with a name that is taken is carried out', async () => {
    await using client = await start();
    const [ada, bob, eve] = await Promise.all(
      ['ada', 'bob', 'eve'].map(async (name) => pushUser(client, name)),
    );
    const group = await pushGroup(client, 'team', [ada ?? '', bob ?? '']);
    const member = (op: string, value = [{ value: eve }]) => patchOf({ op, path: 'members', value });
    const answers = await Promise.all([
      client.send('POST', '/Users', named('new')),
      client.send('POST', '/Users', named('ADA')),
      client.send('PATCH', `/Users/${bob}`, patchOf({ op: 'replace', path: 'userName', value: 'eve' })),
      client.send('PATCH', `/Users/${ada}`, patchOf({ op: 'replace', path: 'title', value: 'Countess' })),
      client.send('PATCH', `/Groups/${group}`, member('add')),
      client.send('DELETE', `/Users/${bob}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([201, 409, expect.any(Number), 200, 204, 204]);
    const { body } = await client.expect(200, 'GET', '/Users?attributes=userName,title&sortBy=userName');
    expect(body.Resources).toEqual([
      expect.objectContaining({ userName: 'ada', title: 'Countess' }),
      expect.objectContaining({ userName: 'eve' }),
      expect.objectContaining({ userName: 'new' }),
    ]);
    const team = await client.expect(200, 'GET', `/Groups/${group}`);
    // By id, and who of the two was made first cannot be told.
    const members = (team.body.members as { value: string }[]).map(({ value }) => value);
    expect(inOrder(members)).toEqual(inOrder([ada ?? '', eve ?? '']));
  });

  test('pushes to one resource at once are all carried out', async () => {
    await using client = await start();
    const id = await pushUser(client, 'ada');
    const values = Array.from({ length: 12 }, (_, at) => ({ value: `a${at}@example.com`, type: `t${at}` }));
    const answers = await Promise.all(
      values.map((value) =>
        client.send('PATCH', `/Users/${id}`, patchOf({ op: 'add', path: 'emails', value: [value] })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(values.map(() => 200));
    const { body, headers } = await client.expect(200, 'GET', `/Users/${id}`);
    expect(body.emails).toHaveLength(values.length);
    expect(headers.get('etag')).toBe('W/"13"');
  });

  test('members come and go one by one, and users know their groups', async () => {
    await using client = await start();
    const [ada, bob] = [await pushUser(client, 'ada', { displayName: 'Ada' }), await pushUser(client, 'bob')];
    const inner = await pushGroup(client, 'inner', [bob]);
    const group = await pushGroup(client, 'outer', [ada, inner]);
    const path = `/Groups/${group}`;
    const { body } = await client.expect(200, 'GET', path);
    expect(body.members).toEqual(
      [
        { value: ada, $ref: `${client.baseUrl}/Users/${ada}`, type: 'User', display: 'Ada' },
        { value: inner, $ref: `${client.baseUrl}/Groups/${inner}`, type: 'Group', display: 'inner' },
      ].toSorted((left, right) => (left.value < right.value ? -1 : 1)),
    );
    expect((await client.expect(200, 'GET', `/Users/${bob}`)).body.groups).toEqual([
      { value: inner, $ref: `${client.baseUrl}/Groups/${inner}`, type: 'direct', display: 'inner' },
    ]);
    const change = patchOf(
      { op: 'add', path: 'members', value: [{ value: bob }] },
      { op: 'remove', path: `members[value eq "${ada}"]` },
    );
    const patched = await client.expect(204, 'PATCH', path, change);
    expect(patched.headers.get('etag')).toBe('W/"2"');
    const shown = await client.expect(
      200,
      'PATCH',
      `${path}?attributes=members.value`,
      patchOf({ op: 'remove', path: 'members[type eq "Group"]' }),
    );
    expect(shown.body).toEqual({ schemas: [urn.group], id: group, members: [{ value: bob }] });
    expect((await client.expect(200, 'GET', `${path}?excludedAttributes=members`)).body).not.toHaveProperty(
      'members',
    );

    const unknown = await client.expect(
      400,
      'PATCH',
      path,
      patchOf({ op: 'add', path: 'members', value: [{ value: 'rec_nobody' }] }),
    );
    expect(unknown.body).toMatchObject({
      scimType: 'invalidValue',
      detail: expect.stringContaining('rec_nobody'),
    });
    await client.expect(
      400,
      'PATCH',
      path,
      patchOf({ op: 'add', path: 'members', value: [{ value: group }] }),
    );
    await client.expect(400, 'POST', '/Groups', {
      schemas: [urn.group],
      displayName: 'x',
      members: [{ value: 'rec_nobody' }],
    });

    const put = await client.expect(200, 'PUT', path, {
      schemas: [urn.group],
      displayName: 'renamed',
      members: [{ value: ada }],
    });
    expect(put.body.members).toMatchObject([{ value: ada }]);
    // A user who is deleted leaves the groups, which have changed by that.
    const before = (await client.expect(200, 'GET', path)).headers.get('etag');
    await client.expect(204, 'DELETE', `/Users/${ada}`);
    const after = await client.expect(200, 'GET', path);
    expect(after.body).not.toHaveProperty('members');
    expect(after.headers.get('etag')).not.toBe(before);
    await client.expect(204, 'DELETE', `/Groups/${inner}`);
    expect((await client.expect(200, 'GET', `/Users/${bob}`)).body).not.toHaveProperty('groups');
  });

  test('of a group of thousands one member changes by itself', async () => {
    await using client = await start({ requestsPerSecond: 100_000 });
    const operations = Array.from({ length: 500 }, (_, at) => ({
      method: 'POST',
      path: '/Users',
      bulkId: `u${at}`,
      data: { schemas: [urn.user], userName: `user${at}` },
    }));
    const { body } = await client.expect(200, 'POST', '/Bulk', {
      schemas: [urn.bulk],
      Operations: operations,
    });
    const ids = (body.Operations as { location: string }[]).map(
      ({ location }) => location.split('/').at(-1) ?? '',
    );
    const group = await pushGroup(client, 'everybody', ids);
    await client.expect(
      204,
      'PATCH',
      `/Groups/${group}`,
      patchOf({ op: 'remove', path: `members[value eq "${ids[7]}"]` }),
    );
    const { members } = (await client.expect(200, 'GET', `/Groups/${group}`)).body;
    expect((members as { value: string }[]).map(({ value }) => value)).toEqual(
      inOrder(ids.filter((_, at) => at !== 7)),
    );
    await client.expect(
      204,
      'PATCH',
      `/Groups/${group}`,
      patchOf({ op: 'replace', path: 'members', value: [{ value: ids[3] }] }),
    );
    expect((await client.expect(200, 'GET', `/Groups/${group}`)).body.members).toMatchObject([
      { value: ids[3] },
    ]);
    await client.expect(204, 'PATCH', `/Groups/${group}`, patchOf({ op: 'remove', path: 'members' }));
    expect((await client.expect(200, 'GET', `/Groups/${group}`)).body).not.toHaveProperty('members');
  });

  test('a password is taken and kept nowhere', async () => {
    await using client = await start();
    const id = await pushUser(client, 'ada', { password: 't1meMa$heen' });
    await client.expect(
      200,
      'PATCH',
      `/Users/${id}`,
      patchOf({ op: 'replace', path: 'password', value: 't1meMa$heen' }),
    );
    expect((await client.expect(200, 'GET', `/Users/${id}`)).text).not.toContain('t1meMa');
    const stored = await client.api.app.store.db.selectFrom('replica_record').selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain('t1meMa');
  });
});
