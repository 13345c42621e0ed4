import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openIdleApplication } from '../../servers/application.ts';
import { describeOnSharedStores } from '../../servers/shared-store.ts';
import { openEiamClient, type EiamClient } from './eiam-client.ts';

const nobody = 'user_aaaaaaaaaaaaaaaaaaaaaaaaaa';
const nowhere = 'ou_aaaaaaaaaaaaaaaaaaaaaaaaaa';

async function newUser(client: EiamClient & { root: string }, Username: string, more = {}): Promise<string> {
  const made = await client.call('CreateUser', {
    Username,
    PrimaryOrganizationalUnitId: client.root,
    ...more,
  });
  return made.UserId;
}

async function newUnit(
  client: EiamClient,
  ParentId: string,
  OrganizationalUnitName: string,
): Promise<string> {
  const made = await client.call('CreateOrganizationalUnit', { ParentId, OrganizationalUnitName });
  return made.OrganizationalUnitId;
}

describeOnSharedStores('EIAM directory', (makeStore) => {
  async function open(): Promise<EiamClient & { readonly root: string }> {
    const client = await openEiamClient(await openIdleApplication(await makeStore()));
    const { OrganizationalUnit } = await client.call('GetRootOrganizationalUnit');
    return { ...client, root: OrganizationalUnit.OrganizationalUnitId };
  }

  test('a user keeps what was given, and shows it in the words of this API', async () => {
    await using client = await open();
    const sales = await newUnit(client, client.root, 'Sales');
    const UserId = await newUser(client, 'ann.b@x', {
      DisplayName: 'Ann B.',
      Email: 'ann@example.com',
      EmailVerified: true,
      PhoneNumber: '12345678901',
      PhoneRegion: '86',
      PhoneNumberVerified: false,
      Description: 'who',
      UserExternalId: 'x1',
      OrganizationalUnitIds: [client.root, sales],
    });
    expect(UserId).toMatch(/^user_[a-z2-7]{26}$/);
    const { User } = await client.call('GetUser', { UserId });
    expect(User).toMatchObject({
      InstanceId: client.tenantId,
      Username: 'ann.b@x',
      DisplayName: 'Ann B.',
      Email: 'ann@example.com',
      EmailVerified: true,
      PhoneNumber: '12345678901',
      PhoneRegion: '86',
      PhoneNumberVerified: false,
      Description: 'who',
      Status: 'enabled',
      PasswordSet: false,
      UserSourceType: 'build_in',
      UserSourceId: client.tenantId,
      UserExternalId: 'x1',
      PrimaryOrganizationalUnitId: client.root,
      Groups: [],
      CustomFields: [],
    });
    expect(
      User.OrganizationalUnits.map((unit: { Primary: boolean; OrganizationalUnitId: string }) => [
        unit.OrganizationalUnitId,
        unit.Primary,
      ]),
    ).toEqual(
      expect.arrayContaining([
        [client.root, true],
        [sales, false],
      ]),
    );
    expect(await client.api.json('GET', '/directory/users/ann.b@x')).toMatchObject({
      path: '/ann.b@x',
      attributes: { mail: ['ann@example.com'], phoneNumber: ['12345678901'], displayName: ['Ann B.'] },
    });
  });

  test('a user is changed in parts; what is empty is left as it is', async () => {
    await using client = await open();
    const UserId = await newUser(client, 'ann', { DisplayName: 'Ann', Description: 'who' });
    await client.call('UpdateUser', {
      UserId,
      Username: 'anna',
      DisplayName: '',
      Email: 'a@x',
      EmailVerified: true,
    });
    await client.call('UpdateUserDescription', { UserId, Description: '' });
    await client.call('DisableUser', { UserId });
    const { User } = await client.call('GetUser', { UserId });
    expect(User).toMatchObject({ Username: 'anna', DisplayName: 'Ann', Email: 'a@x', Status: 'disabled' });
    expect(User.Description).toBeUndefined();
    await client.call('EnableUser', { UserId });
    await client.call('UnlockUser', { UserId });
    expect((await client.call('GetUser', { UserId })).User.Status).toBe('enabled');
    await client.call('DeleteUser', { UserId });
    for (const action of [
      'GetUser',
      'UpdateUser',
      'EnableUser',
      'UnlockUser',
      'DeleteUser',
      'ListGroupsForUser',
    ]) {
      expect(await client.refusal(action, { UserId }), action).toBe('404 ResourceNotFound.User');
    }
  });

  test('what a user cannot be is refused by name', async () => {
    await using client = await open();
    await newUser(client, 'ann');
    const at = { PrimaryOrganizationalUnitId: client.root };
    const cases: [object, string][] = [
      [{ Username: 'Ann', ...at }, '409 ResourceAlreadyExists.User'],
      [{ Username: 'a b', ...at }, '400 InvalidParameter.Username'],
      [{ Username: 'a'.repeat(257), ...at }, '400 InvalidParameter.Username'],
      [{ ...at }, '400 MissingParameter.Username'],
      [{ Username: 'bob' }, '400 MissingParameter.PrimaryOrganizationalUnitId'],
      [{ Username: 'bob', PrimaryOrganizationalUnitId: nowhere }, '404 ResourceNotFound.OrganizationalUnit'],
      [
        { Username: 'bob', ...at, OrganizationalUnitIds: [nowhere] },
        '404 ResourceNotFound.OrganizationalUnit',
      ],
      [{ Username: 'bob', ...at, PhoneNumber: '12345' }, '400 InvalidParameter.PhoneNumber'],
      [{ Username: 'bob', ...at, PhoneNumber: '123456' }, '400 MissingParameter.PhoneNumberVerified'],
      [{ Username: 'bob', ...at, PhoneRegion: '+86' }, '400 InvalidParameter.PhoneRegion'],
      [{ Username: 'bob', ...at, Email: 'no address' }, '400 InvalidParameter.Email'],
      [{ Username: 'bob', ...at, Email: 'b@x' }, '400 MissingParameter.EmailVerified'],
      [{ Username: 'bob', ...at, DisplayName: 'x'.repeat(129) }, '400 InvalidParameter.DisplayName'],
      [{ Username: 'bob', ...at, Description: 'x'.repeat(257) }, '400 InvalidParameter.Description'],
      [{ Username: 'bob', ...at, Password: 'x'.repeat(257) }, '400 InvalidParameter.Password'],
      [
        {
          Username: 'bob',
          ...at,
          PasswordInitializationConfig: { PasswordInitializationPolicyPriority: 'custom' },
        },
        '400 InvalidParameter.PasswordInitializationConfig',
      ],
      [
        { Username: 'bob', ...at, CustomFields: [{ FieldName: 'age', FieldValue: '1' }] },
        '400 InvalidParameter.CustomFields',
      ],
    ];
    for (const [parameters, expected] of cases) {
      expect(await client.refusal('CreateUser', parameters as never), JSON.stringify(parameters)).toBe(
        expected,
      );
    }
    const UserId = await newUser(client, 'bob');
    expect(await client.refusal('UpdateUserPassword', { UserId, Password: '' })).toBe(
      '400 MissingParameter.Password',
    );
    expect(await client.refusal('UpdateUserPassword', { UserId: nobody, Password: 'x' })).toBe(
      '404 ResourceNotFound.User',
    );
    expect(await client.refusal('DeleteUsers', { UserIds: [UserId, nobody] })).toBe(
      '404 ResourceNotFound.User',
    );
    await client.call('GetUser', { UserId });
  });

  test('users are listed by page, by token and by every filter', async () => {
    await using client = await open();
    const sales = await newUnit(client, client.root, 'Sales');
    const ids: string[] = [];
    for (const name of ['ann', 'anna', 'bob', 'carl', 'dora']) {
      ids.push(
        await newUser(client, name, {
          DisplayName: `Dr. ${name}`,
          ...(name === 'bob' ? { PrimaryOrganizationalUnitId: sales, UserExternalId: 'x-bob' } : {}),
          ...(name === 'carl'
            ? {
                OrganizationalUnitIds: [sales],
                Email: 'c@x',
                EmailVerified: false,
                PhoneNumber: '123456',
                PhoneNumberVerified: true,
                PhoneRegion: '1',
              }
            : {}),
        }),
      );
    }
    await client.call('DisableUser', { UserId: ids[4] });
    const sorted = async (parameters: object): Promise<string[]> => (await names(parameters)).toSorted();
    const names = async (parameters: object): Promise<string[]> =>
      (await client.call('ListUsers', parameters as never)).Users.map(
        (user: { Username: string }) => user.Username,
      );

    // Ids of one millisecond have no order among them.
    const all = await names({});
    expect(await names({ PageNumber: 2, PageSize: 2 })).toEqual(all.slice(2, 4));
    expect(await client.call('ListUsers', { PageNumber: 3, PageSize: 2 })).toMatchObject({ TotalCount: 5 });
    const seen: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.call('ListUsers', { MaxResults: 2, NextToken, PageNumber: 9 });
      expect(page).toMatchObject({ TotalCount: 5, MaxResults: 2 });
      seen.push(...page.Users.map((user: { UserId: string }) => user.UserId));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(seen).toEqual(ids.toSorted());

    expect(await sorted({ UsernameStartsWith: 'AN' })).toEqual(['ann', 'anna']);
    expect(await sorted({ DisplayNameStartsWith: 'dr. b' })).toEqual(['bob']);
    expect(await sorted({ OrganizationalUnitId: sales })).toEqual(['bob', 'carl']);
    expect(await sorted({ OrganizationalUnitId: client.root, Status: 'enabled' })).toEqual([
      'ann',
      'anna',
      'carl',
    ]);
    expect(await sorted({ UserIds: [ids[0], nobody] })).toEqual(['ann']);
    expect(await sorted({ Email: 'c@x' })).toEqual(['carl']);
    expect(await sorted({ PhoneNumber: '123456', PhoneRegion: '1' })).toEqual(['carl']);
    expect(await sorted({ UserExternalId: 'x-bob' })).toEqual(['bob']);
    expect(await sorted({ UserExternalId: ids[0] })).toEqual(['ann']);
    expect(
      await sorted({ Status: 'disabled', UserSourceType: 'build_in', UserSourceId: client.tenantId }),
    ).toEqual(['dora']);
    expect(await sorted({ UserSourceType: 'ldap' })).toEqual([]);
    for (const [name, value] of [
      ['PageSize', 101],
      ['PageNumber', 0],
      ['MaxResults', 0],
      ['NextToken', 'NTxyz'],
      ['NextToken', 'NTenp6'],
      ['Status', 'odd'],
    ] as const) {
      expect(await client.refusal('ListUsers', { [name]: value })).toBe(`400 InvalidParameter.${name}`);
    }
  });

  test('a user has one primary organizational unit and further ones', async () => {
    await using client = await open();
    const [a, b] = [await newUnit(client, client.root, 'a'), await newUnit(client, client.root, 'b')];
    const UserId = await newUser(client, 'ann');
    const unitIds = async (): Promise<string[]> =>
      (await client.call('GetUser', { UserId })).User.OrganizationalUnits.map(
        (unit: { OrganizationalUnitId: string }) => unit.OrganizationalUnitId,
      );
    await client.call('AddUserToOrganizationalUnits', { UserId, OrganizationalUnitIds: [a, b, client.root] });
    expect((await unitIds()).toSorted()).toEqual([client.root, a, b].toSorted());
    await client.call('RemoveUserFromOrganizationalUnits', { UserId, OrganizationalUnitIds: [b] });
    await client.call('SetUserPrimaryOrganizationalUnit', { UserId, OrganizationalUnitId: a });
    expect(await unitIds()).toEqual([a]);
    const primary = { UserId, OrganizationalUnitIds: [a] };
    expect(await client.refusal('RemoveUserFromOrganizationalUnits', primary)).toBe(
      '409 OperationDenied.PrimaryOrganizationalUnit',
    );
    const unknown = { UserId, OrganizationalUnitId: nowhere };
    expect(await client.refusal('SetUserPrimaryOrganizationalUnit', unknown)).toBe(
      '404 ResourceNotFound.OrganizationalUnit',
    );
  });

  test('organizational units are a tree under a root that cannot be changed', async () => {
    await using client = await open();
    const top = await newUnit(client, client.root, 'top');
    const low = await newUnit(client, top, 'low');
    await newUser(client, 'ann', { PrimaryOrganizationalUnitId: low });
    const shown = await client.call('GetOrganizationalUnit', { OrganizationalUnitId: low });
    expect(shown.OrganizationalUnit).toMatchObject({
      OrganizationalUnitName: 'low',
      ParentId: top,
      Leaf: true,
      OrganizationalUnitExternalId: low,
      OrganizationalUnitSourceType: 'build_in',
    });
    expect(
      (await client.call('ListOrganizationalUnitParents', { OrganizationalUnitId: low })).Parents,
    ).toEqual([{ OrganizationalUnitId: client.root }, { OrganizationalUnitId: top, ParentId: client.root }]);
    expect(await client.call('ListOrganizationalUnits', { ParentId: client.root })).toMatchObject({
      TotalCount: 1,
      OrganizationalUnits: [{ OrganizationalUnitId: top, Leaf: false }],
    });
    const found = await client.call('ListOrganizationalUnits', { OrganizationalUnitNameStartsWith: 'LO' });
    expect(found.TotalCount).toBe(1);

    await client.call('UpdateOrganizationalUnit', {
      OrganizationalUnitId: low,
      OrganizationalUnitName: 'deep',
    });
    await client.call('UpdateOrganizationalUnitDescription', { OrganizationalUnitId: low, Description: 'd' });
    await client.call('UpdateOrganizationalUnitParentId', {
      OrganizationalUnitId: low,
      ParentId: client.root,
    });
    const moved = await client.call('GetOrganizationalUnit', { OrganizationalUnitId: low });
    expect(moved.OrganizationalUnit).toMatchObject({
      OrganizationalUnitName: 'deep',
      Description: 'd',
      ParentId: client.root,
    });
    await client.call('UpdateOrganizationalUnitParentId', { OrganizationalUnitId: top, ParentId: low });
    const cycle = { OrganizationalUnitId: low, ParentId: top };
    expect(await client.refusal('UpdateOrganizationalUnitParentId', cycle)).toBe(
      '400 InvalidParameter.ParentId',
    );
    expect(await client.refusal('DeleteOrganizationalUnit', { OrganizationalUnitId: low })).toBe(
      '409 OperationDenied.Conflict',
    );
    const twin = { ParentId: client.root, OrganizationalUnitName: 'Deep' };
    expect(await client.refusal('CreateOrganizationalUnit', twin)).toBe(
      '409 ResourceAlreadyExists.OrganizationalUnit',
    );
    for (const action of [
      'DeleteOrganizationalUnit',
      'DeleteOrganizationalUnitChildren',
      'UpdateOrganizationalUnit',
    ]) {
      const of = { OrganizationalUnitId: client.root, OrganizationalUnitName: 'x' };
      expect(await client.refusal(action, of)).toBe('409 OperationDenied.RootOrganizationalUnit');
    }
    await client.call('DeleteOrganizationalUnitChildren', { OrganizationalUnitId: low });
    expect((await client.call('ListUsers')).TotalCount).toBe(0);
    await client.call('DeleteOrganizationalUnit', { OrganizationalUnitId: low });
    expect(await client.refusal('GetOrganizationalUnit', { OrganizationalUnitId: low })).toBe(
      '404 ResourceNotFound.OrganizationalUnit',
    );
  });

  test('groups have members', async () => {
    await using client = await open();
    const [ann, bob] = [await newUser(client, 'ann'), await newUser(client, 'bob')];
    const { GroupId } = await client.call('CreateGroup', { GroupName: 'Staff', Description: 'all' });
    await client.call('AddUsersToGroup', { GroupId, UserIds: [ann, bob] });
    await client.call('AddUsersToGroup', { GroupId, UserIds: [ann] });
    expect(await client.call('ListUsersForGroup', { GroupId, PageSize: 1 })).toMatchObject({
      TotalCount: 2,
      Users: [{ UserId: ann, GroupMemberRelationSourceType: 'build_in' }],
    });
    expect(await client.call('ListGroupsForUser', { UserId: ann })).toMatchObject({
      TotalCount: 1,
      Groups: [{ GroupId, GroupMemberRelationSourceId: client.tenantId }],
    });
    expect((await client.call('GetUser', { UserId: ann })).User.Groups).toEqual([
      { GroupId, GroupName: 'Staff', Description: 'all' },
    ]);
    await client.call('RemoveUsersFromGroup', { GroupId, UserIds: [ann] });
    expect((await client.call('ListUsersForGroup', { GroupId })).TotalCount).toBe(1);
    const unknown = { GroupId, UserIds: [nobody] };
    expect(await client.refusal('AddUsersToGroup', unknown)).toBe('404 ResourceNotFound.User');

    await client.call('UpdateGroup', { GroupId, GroupName: 'All', GroupExternalId: 'g1' });
    await client.call('UpdateGroupDescription', { GroupId, Description: '' });
    expect((await client.call('GetGroup', { GroupId })).Group).toMatchObject({
      GroupName: 'All',
      GroupExternalId: 'g1',
      GroupSourceType: 'build_in',
    });
    await client.call('CreateGroup', { GroupName: 'Other' });
    expect(await client.call('ListGroups', { GroupName: 'all' })).toMatchObject({ TotalCount: 1 });
    expect(await client.call('ListGroups', { GroupExternalId: 'g1' })).toMatchObject({ TotalCount: 1 });
    expect(await client.refusal('CreateGroup', { GroupName: 'ALL' })).toBe('409 ResourceAlreadyExists.Group');
    await client.call('DeleteGroup', { GroupId });
    expect(await client.refusal('GetGroup', { GroupId })).toBe('404 ResourceNotFound.Group');
  });

  test('things of another tenant are as unknown as things that never were', async () => {
    await using client = await open();
    const UserId = await newUser(client, 'ann');
    const OrganizationalUnitId = await newUnit(client, client.root, 'a');
    const { GroupId } = await client.call('CreateGroup', { GroupName: 'g' });
    const { db } = client.app.store;
    await sql`insert into tenant (id, name) values ('idaas_other', 'other')`.execute(db);
    await sql`update directory_user set tenant_id = 'idaas_other'`.execute(db);
    await sql`update organizational_unit set tenant_id = 'idaas_other'`.execute(db);
    await sql`update directory_group set tenant_id = 'idaas_other'`.execute(db);
    expect(await client.refusal('GetUser', { UserId })).toBe('404 ResourceNotFound.User');
    expect(await client.refusal('DeleteUser', { UserId })).toBe('404 ResourceNotFound.User');
    expect(await client.refusal('GetGroup', { GroupId })).toBe('404 ResourceNotFound.Group');
    expect(await client.refusal('DeleteOrganizationalUnitChildren', { OrganizationalUnitId })).toBe(
      '404 ResourceNotFound.OrganizationalUnit',
    );
    expect(await client.call('ListUsers', { UserIds: [UserId] })).toMatchObject({ TotalCount: 0 });
  });

  test('what came from another system says so, and is found by it', async () => {
    await using client = await open();
    const [ann, bob] = [await newUser(client, 'ann'), await newUser(client, 'bob')];
    await newUser(client, 'own');
    const { GroupId } = await client.call('CreateGroup', { GroupName: 'Staff' });
    await client.call('AddUsersToGroup', { GroupId, UserIds: [ann] });
    const { db } = client.app.store;
    const ids: Record<string, string> = {};
    for (const [name, UserId] of [
      ['file', ann],
      ['ad', bob],
    ] as const) {
      const settings = { type: 'file', path: `${name}.ldif`, baseDn: 'dc=example' };
      const made = await client.api.json<{ id: string }>('PUT', `/connections/${name}`, settings);
      ids[name] = made.id;
      await client.api.json('PUT', `/syncs/${name}`, { connection: name, direction: 'ingress' });
      await sql`
        insert into link (sync_serial, kind, external_id, object_id)
        select serial, 'user', ${`x-${name}`}, ${UserId} from sync where name = ${name}`.execute(db);
    }
    await sql`
      insert into membership_link (sync_serial, group_id, reference, member_id)
      select serial, ${GroupId}, 'ann', ${ann} from sync where name = 'file'`.execute(db);
    const type = 'urn:alibaba:idaas:idp:microsoft:ad:pull';
    await sql`
      update connection set annotations = ${JSON.stringify({ eiam: { type, ldap: {} } })}::jsonb where name = 'ad'`.execute(
      db,
    );
    const { User } = await client.call('GetUser', { UserId: bob });
    expect(User).toMatchObject({ UserSourceType: 'ad', UserSourceId: ids['ad'], UserExternalId: 'x-ad' });
    const names = async (filter: Record<string, string>): Promise<string[]> =>
      (await client.call('ListUsers', filter)).Users.map((user: { Username: string }) => user.Username);
    expect(await names({ UserSourceType: 'ad' })).toEqual(['bob']);
    expect(await names({ UserSourceType: 'file', UserSourceId: ids['file'] ?? '' })).toEqual(['ann']);
    expect(await names({ UserSourceId: ids['ad'] ?? '' })).toEqual(['bob']);
    expect(await names({ UserSourceType: 'build_in' })).toEqual(['own']);
    expect(await names({ UserExternalId: 'x-file' })).toEqual(['ann']);
    expect((await client.call('ListUsersForGroup', { GroupId })).Users).toEqual([
      { UserId: ann, GroupMemberRelationSourceType: 'file', GroupMemberRelationSourceId: ids['file'] },
    ]);
  });
});
