import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../../test/servers/application.ts';
import {
  patchOf,
  pushUser,
  serveScim,
  urn,
  type ScimClient,
} from '../../../../../test/servers/scim-client.ts';
import { describeOnServerStore } from '../../../../../test/servers/shared-store.ts';

const filterOf = (text: string) => `filter=${encodeURIComponent(text)}`;

describeOnServerStore('systems that push', (makeStore) => {
  async function start(settings = {}): Promise<ScimClient> {
    return serveScim(await openIdleApplication(await makeStore()), settings);
  }

  test.each(['auto', 'entra'])('Microsoft Entra ID: users (profile %s)', async (profile) => {
    await using client = await start({ profile });
    // The test of the connection asks for somebody who is not there.
    const nobody = await client.expect(200, 'GET', `/Users?${filterOf('userName eq "5e3c0e34-not-there"')}`);
    expect(nobody.body).toMatchObject({ schemas: [urn.list], totalResults: 0, Resources: [] });
    const ada = {
      schemas: [urn.user, urn.enterprise],
      externalId: 'adal',
      userName: 'Ada.Lovelace@example.com',
      active: true,
      displayName: 'Ada Lovelace',
      emails: [{ primary: true, type: 'work', value: 'ada@example.com' }],
      meta: { resourceType: 'User' },
      name: { formatted: 'Ada Lovelace', familyName: 'Lovelace', givenName: 'Ada' },
      [urn.enterprise]: { employeeNumber: '1843', department: 'Engines' },
    };
    const { body: made } = await client.expect(201, 'POST', '/Users', ada);
    const path = `/Users/${made.id}`;
    expect((await client.expect(409, 'POST', '/Users', ada)).body.scimType).toBe('uniqueness');
    for (const filter of [
      'userName eq "ada.lovelace@EXAMPLE.com"',
      'externalId eq "adal"',
      'emails[type eq "work"].value eq "ada@example.com"',
      'id eq "' + made.id + '"',
    ]) {
      const found = await client.expect(200, 'GET', `/Users?${filterOf(filter)}`);
      expect(found.body.Resources, filter).toMatchObject([{ id: made.id, active: true }]);
    }
    await client.expect(404, 'GET', '/Users/5171a35d82074e068ce2');

    // Verbs in capitals, paths with value filters that nothing matches yet, a flag as text.
    const { body: changed } = await client.expect(
      200,
      'PATCH',
      path,
      patchOf(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'countess@example.com' },
        { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+44 1' },
        { op: 'Replace', path: 'name.familyName', value: 'King' },
        { op: 'Add', path: `${urn.enterprise}:manager`, value: made.id },
      ),
    );
    expect(changed).toMatchObject({
      emails: [{ type: 'work', value: 'countess@example.com', primary: true }],
      phoneNumbers: [{ type: 'mobile', value: '+44 1' }],
      name: { familyName: 'King', givenName: 'Ada' },
      [urn.enterprise]: { employeeNumber: '1843', manager: { value: made.id } },
    });
    const { body: noPath } = await client.expect(
      200,
      'PATCH',
      path,
      patchOf({
        op: 'Replace',
        value: {
          displayName: 'Ada King',
          'name.givenName': 'Augusta',
          [`${urn.enterprise}:department`]: 'Numbers',
          'addresses[type eq "work"].locality': 'London',
        },
      }),
    );
    expect(noPath).toMatchObject({
      displayName: 'Ada King',
      name: { givenName: 'Augusta' },
      addresses: [{ type: 'work', locality: 'London' }],
      [urn.enterprise]: { department: 'Numbers' },
    });
    const off = await client.expect(
      200,
      'PATCH',
      path,
      patchOf({ op: 'Replace', path: 'active', value: 'False' }),
    );
    expect(off.body.active).toBe(false);
    const disabled = await client.expect(
      200,
      'GET',
      `/Users?${filterOf('userName eq "ada.lovelace@example.com"')}`,
    );
    expect(disabled.body.Resources).toMatchObject([{ active: false }]);
    const { body: bare } = await client.expect(
      200,
      'PATCH',
      path,
      patchOf({ op: 'Remove', path: `${urn.enterprise}:manager` }),
    );
    expect(bare[urn.enterprise]).not.toHaveProperty('manager');
    await client.expect(204, 'DELETE', path);
    await client.expect(404, 'DELETE', path);
  });

  test('Microsoft Entra ID: groups', async () => {
    await using client = await start({ profile: 'entra' });
    const [ada, bob] = [await pushUser(client, 'ada'), await pushUser(client, 'bob')];
    const { body: group } = await client.expect(201, 'POST', '/Groups', {
      schemas: [urn.group, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
      displayName: 'displayName',
      members: [],
      meta: { resourceType: 'Group' },
    });
    const path = `/Groups/${group.id}`;
    const alike = await client.expect(
      200,
      'GET',
      `/Groups?excludedAttributes=members&${filterOf('displayName eq "displayname"')}`,
    );
    expect(alike.body.Resources).toMatchObject([{ id: group.id, externalId: group.externalId }]);
    const renamed = await client.expect(
      204,
      'PATCH',
      path,
      patchOf({ op: 'Replace', path: 'displayName', value: '1879db59' }),
    );
    expect(renamed.text).toBe('');
    const add = patchOf({
      op: 'Add',
      path: 'members',
      value: [
        { $ref: null, value: ada },
        { $ref: null, value: bob },
      ],
    });
    await client.expect(204, 'PATCH', path, add);
    const isMember = async (id: string) =>
      (
        await client.expect(
          200,
          'GET',
          `/Groups?${filterOf(`id eq "${group.id}" and members eq "${id}"`)}&attributes=id`,
        )
      ).body.totalResults;
    expect([await isMember(ada), await isMember(bob)]).toEqual([1, 1]);
    // Members to remove come in the value, and all others stay.
    await client.expect(
      204,
      'PATCH',
      path,
      patchOf({ op: 'Remove', path: 'members', value: [{ $ref: null, value: ada }] }),
    );
    expect([await isMember(ada), await isMember(bob)]).toEqual([0, 1]);
    await client.expect(204, 'PATCH', path, patchOf({ op: 'Remove', path: `members[value eq "${bob}"]` }));
    expect((await client.expect(200, 'GET', `${path}?excludedAttributes=members`)).body.displayName).toBe(
      '1879db59',
    );
    await client.expect(204, 'DELETE', path);
  });

  test('Okta: users by PUT, deactivation without a path, group push', async () => {
    await using client = await start({ profile: 'okta' });
    const tried = await client.expect(200, 'GET', '/Users?startIndex=1&count=2');
    expect(tried.body).toMatchObject({ totalResults: 0, startIndex: 1, Resources: [] });
    await client.expect(
      200,
      'GET',
      `/Users?${filterOf('userName eq "test.user@okta.local"')}&startIndex=1&count=100`,
    );
    const user = {
      schemas: [urn.user],
      userName: 'test.user@okta.local',
      name: { givenName: 'Test', familyName: 'User' },
      emails: [{ primary: true, value: 'test.user@okta.local', type: 'work' }],
      displayName: 'Test User',
      locale: 'en-US',
      externalId: '00ujl29u0le5T6Aj10h7',
      groups: [],
      password: '1mz050nq',
      active: true,
    };
    const headers = {
      'content-type': 'application/scim+json; charset=utf-8',
      'user-agent': 'Okta SCIM Client 1.0.0',
    };
    const { body: made } = await client.expect(201, 'POST', '/Users', user, headers);
    const path = `/Users/${made.id}`;
    const { body: put } = await client.expect(
      200,
      'PUT',
      path,
      { ...user, ...made, name: { givenName: 'Another', familyName: 'User' } },
      headers,
    );
    expect(put).toMatchObject({ id: made.id, name: { givenName: 'Another' }, active: true });
    const off = await client.expect(
      200,
      'PATCH',
      path,
      patchOf({ op: 'replace', value: { active: false } }),
      headers,
    );
    expect(off.body.active).toBe(false);
    await client.expect(200, 'PATCH', path, patchOf({ op: 'replace', value: { active: true } }), headers);

    const { body: group } = await client.expect(
      201,
      'POST',
      '/Groups',
      { schemas: [urn.group], displayName: 'Pushed', members: [] },
      headers,
    );
    const groupPath = `/Groups/${group.id}`;
    // Renames by PATCH with the id in the value.
    await client.expect(
      204,
      'PATCH',
      groupPath,
      patchOf({ op: 'replace', value: { id: group.id, displayName: 'Renamed' } }),
      headers,
    );
    const joined = { value: made.id, display: 'test.user@okta.local' };
    await client.expect(
      204,
      'PATCH',
      groupPath,
      patchOf({ op: 'add', path: 'members', value: [joined] }),
      headers,
    );
    expect((await client.expect(200, 'GET', groupPath)).body).toMatchObject({
      displayName: 'Renamed',
      members: [{ value: made.id }],
    });
    await client.expect(
      204,
      'PATCH',
      groupPath,
      patchOf({ op: 'remove', path: `members[value eq "${made.id}"]` }),
      headers,
    );
    await client.expect(
      204,
      'PATCH',
      groupPath,
      patchOf({ op: 'replace', path: 'members', value: [joined] }),
      headers,
    );
    expect((await client.expect(200, 'GET', path)).body.groups).toMatchObject([
      { value: group.id, display: 'Renamed' },
    ]);
    await client.expect(204, 'DELETE', groupPath);
  });

  test('JumpCloud and OneLogin: without schemas, a manager as text, members by value', async () => {
    for (const profile of ['jumpcloud', 'onelogin']) {
      await using client = await start({ profile });
      const { body: made } = await client.expect(201, 'POST', '/Users', {
        userName: 'jo',
        active: 'true',
        [urn.enterprise]: { manager: '26118915' },
      });
      expect(made).toMatchObject({ active: true, [urn.enterprise]: { manager: { value: '26118915' } } });
      const { body: group } = await client.expect(201, 'POST', '/Groups', {
        displayName: 'g',
        members: [{ value: made.id }],
      });
      const remove = { Operations: [{ op: 'remove', path: 'members', value: [{ value: made.id }] }] };
      await client.expect(204, 'PATCH', `/Groups/${group.id}`, remove);
      expect((await client.expect(200, 'GET', `/Groups/${group.id}`)).body).not.toHaveProperty('members');
    }
  });

  test('the strict profile refuses what the standard does not allow', async () => {
    await using client = await start({ profile: 'strict' });
    await client.expect(400, 'POST', '/Users', { userName: 'no-schemas' });
    await client.expect(400, 'POST', '/Users', { schemas: [urn.user], userName: 'a', active: 'True' });
    const id = await pushUser(client, 'ada');
    const refused: readonly [Record<string, unknown>, string][] = [
      [{ op: 'Replace', path: 'active', value: true }, 'invalidSyntax'],
      [{ op: 'replace', path: 'active', value: 'False' }, 'invalidValue'],
      [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'a@b.example' }, 'noTarget'],
      [{ op: 'replace', path: 'id', value: 'x' }, 'mutability'],
      [{ op: 'replace', path: 'nowhere', value: 'x' }, 'invalidPath'],
      [{ op: 'remove' }, 'noTarget'],
      [{ op: 'remove', path: 'userName' }, 'mutability'],
    ];
    for (const [operation, scimType] of refused) {
      const { body } = await client.expect(400, 'PATCH', `/Users/${id}`, patchOf(operation));
      expect(body, JSON.stringify(operation)).toMatchObject({ scimType });
    }
    expect((await client.expect(200, 'GET', `/Users/${id}`)).headers.get('etag')).toBe('W/"1"');
  });
});
