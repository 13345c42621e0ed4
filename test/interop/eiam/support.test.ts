import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { continuousSyncs } from '../../../server/src/app/continuous-syncs.ts';
import { ldapConnector } from '../../../server/src/connectors/ldap/connector.ts';
import type { Connector } from '../../../server/src/sync/connector.ts';
import { openIdleApplication } from '../../servers/application.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { openEiamClient, type CheckedAnswer, type EiamClient } from './eiam-client.ts';

const source = { type: 'file', path: 'in.ldif', baseDn: 'dc=example' };
const ingress = {
  connection: 'source',
  direction: 'ingress',
  scopes: [{ source: 'dc=example', target: '/' }],
};

async function newUser(client: EiamClient, Username: string, more = {}): Promise<string> {
  const { OrganizationalUnit } = await client.call('GetRootOrganizationalUnit');
  const PrimaryOrganizationalUnitId = OrganizationalUnit.OrganizationalUnitId;
  return (await client.call('CreateUser', { Username, PrimaryOrganizationalUnitId, ...more })).UserId;
}

function externalId(answer: CheckedAnswer): string {
  return answer.UserAuthnSourceMappings[0].UserExternalId;
}

async function newSource(client: EiamClient): Promise<string> {
  const made = await client.api.json<{ id: string }>('PUT', '/connections/source', source);
  await client.api.json('PUT', '/syncs/in', ingress);
  return made.id;
}

describeOnServerStore('EIAM support operations', (makeStore) => {
  async function open(): Promise<EiamClient> {
    return openEiamClient(await openIdleApplication(await makeStore()));
  }

  test('the instance is the tenant, and the only one that its key sees', async () => {
    await using client = await open();
    const { tenantId } = client;
    await client.call('UpdateInstanceDescription', { Description: 'ours' });
    expect((await client.call('GetInstance')).Instance).toMatchObject({
      InstanceId: tenantId,
      Description: 'ours',
      Status: 'running',
    });
    expect(await client.call('ListInstances')).toMatchObject({
      TotalCount: 1,
      Instances: [{ InstanceId: tenantId }],
    });
    for (const filter of [{ InstanceIds: ['idaas_x'] }, { Status: 'creating' }, { ServiceManaged: true }]) {
      expect((await client.call('ListInstances', filter)).TotalCount).toBe(0);
    }
    expect((await client.call('ListEiamInstances')).Instances).toMatchObject([{ InstanceStatus: 'RUNNING' }]);
    expect((await client.call('ListRegions')).Regions).toHaveLength(1);
    expect((await client.call('ListEiamRegions')).Regions).toHaveLength(1);
    expect(await client.refusal('CreateInstance')).toBe('403 NoPermission');
    expect(await client.refusal('DeleteInstance')).toBe('403 NoPermission');
    expect(await client.refusal('GetInstance', { InstanceId: 'idaas_x' })).toBe(
      '404 ResourceNotFound.Instance',
    );
  });

  test('a run that is under way answers for whoever asks for the same, and for nobody else', async () => {
    await using client = await open();
    const TargetId = await newSource(client);
    const [ada, bob] = [await newUser(client, 'ada'), await newUser(client, 'bob')];
    const request = (UserIds?: string[]) => ({
      TargetType: 'identity_provider',
      TargetId,
      ...(UserIds && { SynchronizationScopeConfig: { UserIds } }),
    });
    const run = async (UserIds?: string[]): Promise<string> =>
      (await client.call('RunSynchronizationJob', request(UserIds))).SynchronizationJobId;
    const refused = async (UserIds?: string[]) => client.refusal('RunSynchronizationJob', request(UserIds));
    const busy = '409 OperationDenied.SynchronizationJobRunning';
    const part = await run([ada, bob]);
    expect(await run([bob, ada])).toBe(part);
    expect([await refused([ada]), await refused()]).toEqual([busy, busy]);
    await client.api.json('POST', `/jobs/${part}/cancel`);
    const whole = await run();
    expect(await run()).toBe(whole);
    expect(await refused([ada])).toBe(busy);
    await client.api.json('POST', `/jobs/${whole}/cancel`);
    await client.api.json('POST', '/syncs/in/jobs', { mode: 'dryRun' });
    expect(await refused()).toBe(busy);
  });

  test('a push that follows the directory begins with the next change', async () => {
    const idle = await openIdleApplication(await makeStore());
    const connectors = new Map([...idle.connectors, ['ldap', ldapConnector as Connector]]);
    const app = { ...idle, connectors };
    await using client = await openEiamClient(app);
    const due = async (): Promise<string[]> => {
      const settled = new Date(Date.now() + 60_000);
      return (await continuousSyncs(app).dueSyncs(settled)).map(({ syncId }) => syncId);
    };
    await newUser(client, 'ada');
    const { OrganizationalUnit } = await client.call('GetRootOrganizationalUnit');
    const SourceScopes = [OrganizationalUnit.OrganizationalUnitId];
    const { IdentityProviderId } = await client.call('CreateIdentityProvider', {
      IdentityProviderName: 'push',
      IdentityProviderType: 'urn:alibaba:idaas:idp:unknown:ldap:push',
      LdapConfig: { LdapProtocol: 'ldap', LdapServerHost: '127.0.0.1', LdapServerPort: 389 },
      UdPushConfig: {
        IncrementalCallbackStatus: 'enabled',
        UdSyncScopeConfigs: [{ SourceScopes, TargetScope: 'dc=example' }],
      },
    });
    expect(await due()).toEqual([]);
    const follow = async (IncrementalCallbackStatus: string): Promise<unknown> =>
      client.call('SetIdentityProviderUdPushConfiguration', {
        IdentityProviderId,
        IncrementalCallbackStatus,
      });
    await newUser(client, 'bob');
    expect(await due()).toHaveLength(1);
    // What is followed already and said once more is still to be done.
    await follow('enabled');
    expect(await due()).toHaveLength(1);
    await follow('disabled');
    expect(await due()).toEqual([]);
    await follow('enabled');
    expect(await due()).toEqual([]);
  });

  test('custom fields are attributes with rules', async () => {
    await using client = await open();
    const field = async (FieldName: string, more = {}): Promise<string> => {
      const made = await client.call('CreateCustomField', {
        FieldName,
        FieldDisplayName: FieldName,
        FieldDataType: 'string',
        FieldDisplayType: 'input',
        EntityType: 'user',
        ...more,
      });
      return made.FieldId;
    };
    const FieldId = await field('badge', { Unique: true, Description: 'd', UserPermission: 'read_only' });
    const items = [{ Value: 'red' }, { Value: 'blue' }, { Value: 'old', Status: 'disabled' }];
    await field('colours', {
      FieldDisplayType: 'checkbox',
      FieldDataConfig: { Items: items },
      DefaultValue: 'red',
    });
    await field('age', { FieldDataType: 'number' });
    expect((await client.call('GetCustomField', { FieldId })).CustomField).toMatchObject({
      FieldName: 'badge',
      Unique: true,
      Encrypted: false,
      Status: 'enabled',
      UserPermission: 'read_only',
    });
    const ann = await newUser(client, 'ann', { CustomFields: [{ FieldName: 'badge', FieldValue: 'A1' }] });
    const valuesOf = async (UserId: string): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await client.call('GetUser', { UserId })).User.CustomFields.map(
          (one: { FieldName: string; FieldValue: string }) => [one.FieldName, one.FieldValue],
        ),
      );
    expect(await valuesOf(ann)).toEqual({ badge: 'A1', colours: 'red' });
    const set = async (FieldName: string, FieldValue: string, Operation: string): Promise<unknown> =>
      client.call('UpdateUser', { UserId: ann, CustomFields: [{ FieldName, FieldValue, Operation }] });
    await set('colours', 'blue', 'add');
    await set('age', '42', 'add');
    expect(await valuesOf(ann)).toEqual({ age: '42', badge: 'A1', colours: 'red,blue' });
    await set('colours', 'red', 'remove');
    await set('age', '', 'remove');
    await set('badge', 'A2', 'replace');
    expect(await valuesOf(ann)).toEqual({ badge: 'A2', colours: 'blue' });
    expect(await client.api.json('GET', '/directory/users/ann')).toMatchObject({
      attributes: { badge: ['A2'], colours: ['blue'] },
    });

    const bob = await newUser(client, 'bob');
    for (const [FieldName, FieldValue, code] of [
      ['badge', 'a2', '409 OperationDenied.Conflict'],
      ['colours', 'old', '400 InvalidParameter.CustomFields'],
      ['age', 'young', '400 InvalidParameter.CustomFields'],
      ['odd', 'x', '400 InvalidParameter.CustomFields'],
    ]) {
      const CustomFields = [{ FieldName, FieldValue }];
      expect(await client.refusal('UpdateUser', { UserId: bob, CustomFields }), FieldName).toBe(code);
    }
    await client.call('DisableCustomField', { FieldId });
    expect(await valuesOf(ann)).toEqual({ colours: 'blue' });
    await client.call('EnableCustomField', { FieldId });
    await client.call('DeleteCustomField', { FieldId });
    expect(await client.refusal('GetCustomField', { FieldId })).toBe('404 ResourceNotFound.CustomField');
  });

  test('what a custom field cannot be is refused by name', async () => {
    await using client = await open();
    const good = {
      FieldName: 'age',
      FieldDisplayName: 'Age',
      FieldDataType: 'number',
      FieldDisplayType: 'input',
      EntityType: 'user',
    };
    await client.call('CreateCustomField', good);
    const cases: [object, string][] = [
      [{}, '409 ResourceAlreadyExists.CustomField'],
      [{ FieldName: '_a' }, '400 InvalidParameter.FieldName'],
      [{ FieldName: 'Age' }, '400 InvalidParameter.FieldName'],
      [{ FieldName: 'mail' }, '400 InvalidParameter.FieldName'],
      [{ FieldName: 'a'.repeat(41) }, '400 InvalidParameter.FieldName'],
      [{ FieldName: 'b', FieldDataType: 'date' }, '400 InvalidParameter.FieldDataType'],
      [{ FieldName: 'b', FieldDisplayType: 'checkbox' }, '400 InvalidParameter.FieldDisplayType'],
      [{ FieldName: 'b', EntityType: 'group' }, '400 InvalidParameter.EntityType'],
      [{ FieldName: 'b', Encrypted: true }, '400 InvalidParameter.Encrypted'],
      [{ FieldName: 'b', EntityType: '' }, '400 MissingParameter.EntityType'],
    ];
    for (const [change, expected] of cases) {
      expect(await client.refusal('CreateCustomField', { ...good, ...change }), JSON.stringify(change)).toBe(
        expected,
      );
    }
  });

  test('a user is bound to a record of an identity provider, and unbound', async () => {
    await using client = await open();
    const [ann, bob] = [await newUser(client, 'ann'), await newUser(client, 'bob')];
    const IdentityProviderId = await newSource(client);
    const binding = { UserId: ann, IdentityProviderId, UserExternalId: 'x-1' };
    await client.call('BindUserAuthnSourceMapping', binding);
    await client.call('BindUserAuthnSourceMapping', binding);
    const listed = await client.call('ListUserAuthnSourceMappings', { UserId: ann, MaxResults: 1 });
    expect(listed).toMatchObject({ TotalCount: 1, UserAuthnSourceMappings: [binding] });
    expect(listed.NextToken).toBeUndefined();
    const other = await client.call('ListUserAuthnSourceMappings', { UserId: ann, UserExternalId: 'x-2' });
    expect(other.TotalCount).toBe(0);
    // What was never seen there cannot be missed there.
    const { rows } = await sql<{ state: string }>`select state from link`.execute(client.app.store.db);
    expect(rows).toEqual([{ state: 'missing' }]);

    const taken = '409 ResourceAlreadyExists.UserAuthnSourceMapping';
    expect(await client.refusal('BindUserAuthnSourceMapping', { ...binding, UserId: bob })).toBe(taken);
    expect(await client.refusal('BindUserAuthnSourceMapping', { ...binding, UserExternalId: 'y' })).toBe(
      taken,
    );
    expect(await client.refusal('UnbindUserAuthnSourceMapping', { ...binding, UserExternalId: 'y' })).toBe(
      '404 ResourceNotFound.UserAuthnSourceMapping',
    );
    const nobody = { ...binding, UserId: 'user_x' };
    expect(await client.refusal('BindUserAuthnSourceMapping', nobody)).toBe('404 ResourceNotFound.User');
    const nowhere = { ...binding, IdentityProviderId: 'source' };
    expect(await client.refusal('BindUserAuthnSourceMapping', nowhere)).toBe(
      '404 ResourceNotFound.IdentityProvider',
    );
    await client.call('UnbindUserAuthnSourceMapping', binding);
    expect((await client.call('ListUserAuthnSourceMappings', { UserId: ann })).TotalCount).toBe(0);
  });

  test('mappings are paged in both directions', async () => {
    await using client = await open();
    const UserId = await newUser(client, 'ann');
    await newSource(client);
    for (const name of ['b', 'c']) {
      await client.api.json('PUT', `/connections/${name}`, { ...source, path: `${name}.ldif` });
      await client.api.json('PUT', `/syncs/${name}`, { ...ingress, connection: name });
    }
    await sql`
      insert into link (sync_serial, kind, external_id, object_id) select serial, 'user', name, ${UserId} from sync`.execute(
      client.app.store.db,
    );
    const page = async (token: object): Promise<CheckedAnswer> =>
      client.call('ListUserAuthnSourceMappings', { UserId, MaxResults: 1, ...token });
    const first = await page({});
    const second = await page({ NextToken: first.NextToken });
    const third = await page({ NextToken: second.NextToken });
    expect([first, second, third].map(externalId)).toEqual(['in', 'b', 'c']);
    expect([first.PreviousToken, third.NextToken]).toEqual([undefined, undefined]);
    expect(externalId(await page({ PreviousToken: third.PreviousToken }))).toBe('b');
    expect(await client.refusal('ListUserAuthnSourceMappings', { UserId, NextToken: 'NTx' })).toBe(
      '400 InvalidParameter.NextToken',
    );
  });

  test('an identity provider is checked in the background', async () => {
    await using client = await open();
    const IdentityProviderId = await newSource(client);
    const { IdentityProviderStatusCheckJobId } = await client.call('CreateIdentityProviderStatusCheckJob', {
      IdentityProviderId,
    });
    expect(IdentityProviderStatusCheckJobId).toMatch(/^async_[0-9a-v]{40}$/);
    const asked = { IdentityProviderId, IdentityProviderStatusCheckJobId };
    const until = Date.now() + 10_000;
    let job = (await client.call('GetIdentityProviderStatusCheckJob', asked)).IdentityProviderStatusCheckJob;
    while (job.Status === 'running' && Date.now() < until) {
      await delay(20);
      job = (await client.call('GetIdentityProviderStatusCheckJob', asked)).IdentityProviderStatusCheckJob;
    }
    expect(job).toMatchObject({ Status: 'success', CheckResult: 'failed' });
    expect(job.EndTime).toBeGreaterThanOrEqual(job.StartTime);
    expect(job.JobCheckItems.at(-1)).toMatchObject({ Result: 'failed', ErrorReason: { ErrorLevel: 'high' } });
    const unknown = { ...asked, IdentityProviderStatusCheckJobId: 'async_x' };
    expect(await client.refusal('GetIdentityProviderStatusCheckJob', unknown)).toBe(
      '404 ResourceNotFound.IdentityProviderStatusCheckJob',
    );
    expect(await client.refusal('EnableIdentityProviderAdvancedAbility', { IdentityProviderId })).toBe(
      '409 OperationDenied.UnsupportedIdentityProviderType',
    );
    await client.call('GetIdentityProviderAdvancedConfiguration', { IdentityProviderId });
  });

  test('the report of a job is behind a link that its bearer can use for a while', async () => {
    await using client = await open();
    await newSource(client);
    const { job } = await client.api.json<{ job: { id: string; serial: number } }>('POST', '/syncs/in/jobs', {
      mode: 'apply',
    });
    await sql`
      insert into change (job_serial, ordinal, kind, verb, label, after)
      select ${job.serial}, n, 'user', 'create', case n when 1 then '=cmd "x"' else 'user ' || n end, '{}'
      from generate_series(1, 2500) n`.execute(client.app.store.db);
    const asked = { SynchronizationJobId: job.id };
    const { FileDownloadUrl } = await client.call('GenerateDownloadUrlForSynchronizationJob', asked);
    const file = await fetch(FileDownloadUrl);
    expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await file.text()).trimEnd().split('\r\n');
    expect(lines).toHaveLength(2501);
    expect(lines[1]).toContain(`"'=cmd ""x"""`);
    for (const bent of [
      FileDownloadUrl.replace('/download/', '/download/x'),
      FileDownloadUrl.replace(/.{8}\/sync/, '/sync'),
    ]) {
      expect((await fetch(bent)).status).toBe(404);
    }
    await sql`update job set mode = 'dryRun'`.execute(client.app.store.db);
    expect(await client.refusal('GenerateDownloadUrlForSynchronizationJob', asked)).toBe(
      '404 ResourceNotFound.SynchronizationJob',
    );
  });

  test('links begin with the address that the operator says', async () => {
    const app = await openIdleApplication(await makeStore());
    await using client = await openEiamClient(app, { publicUrl: 'https://lockstep.example' });
    await newSource(client);
    const { job } = await client.api.json<{ job: { id: string } }>('POST', '/syncs/in/jobs', {});
    const asked = { SynchronizationJobId: job.id };
    const { FileDownloadUrl } = await client.call('GenerateDownloadUrlForSynchronizationJob', asked);
    expect(FileDownloadUrl).toMatch(/^https:\/\/lockstep\.example\/download\//);
  });
});
