import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeRuntime, type Runtime } from '../../../server/src/main.ts';
import { startSlapd, type Slapd } from '../../servers/slapd.ts';
import { responseFaults } from './check-response.ts';
import { everyClient, openApiCore, popCore, VendorError, type Call } from './vendor-clients.ts';

type Body = Record<string, unknown>;

const company = `dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ou=source,dc=example,dc=com
objectClass: organizationalUnit
ou: source

dn: ou=sales,ou=source,dc=example,dc=com
objectClass: organizationalUnit
ou: sales

dn: uid=ada,ou=sales,ou=source,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Ada
sn: Lovelace
mail: ada@example.com

dn: uid=bob,ou=source,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Builder

dn: cn=team,ou=source,dc=example,dc=com
objectClass: groupOfNames
cn: team
member: uid=ada,ou=sales,ou=source,dc=example,dc=com

dn: ou=target,dc=example,dc=com
objectClass: organizationalUnit
ou: target
`;

let slapd: Slapd;
let runtime: Runtime;
let data: string;
let endpoint: string;
let tenantId: string;
let call: Call;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'lockstep-eiam-'));
  slapd = await startSlapd({ ldif: company, dbnosync: true, tls: true });
  runtime = await composeRuntime({
    data,
    roles: { http: { host: '127.0.0.1', port: 0 }, worker: { concurrency: 2 }, scheduler: true },
  });
  const { credentials, address } = runtime;
  if (credentials === undefined || address === undefined) throw new Error('the installation is not new');
  endpoint = new URL(address).host;
  tenantId = credentials.tenantId;
  const client = openApiCore(endpoint, credentials, 'v3');
  call = async (action, parameters) => {
    const answer = await client(action, parameters);
    expect(responseFaults(action, answer), action).toEqual([]);
    return answer;
  };
}, 60_000);

afterAll(async () => {
  await runtime[Symbol.asyncDispose]();
  await slapd.stop();
  await rm(data, { recursive: true, force: true });
});

function credentials() {
  if (runtime.credentials === undefined) throw new Error('the installation is not new');
  return runtime.credentials;
}

/** The code that an operation is refused with. */
async function refusal(client: Call, action: string, parameters: Body): Promise<string> {
  try {
    await client(action, { InstanceId: tenantId, ...parameters });
  } catch (error) {
    if (error instanceof VendorError) return error.code;
    throw error;
  }
  return 'nothing';
}

async function createProvider(side: 'pull' | 'push', more: Body = {}): Promise<string> {
  const made = await call('CreateIdentityProvider', {
    InstanceId: tenantId,
    IdentityProviderName: `OpenLDAP ${side}`,
    IdentityProviderType: `urn:alibaba:idaas:idp:unknown:ldap:${side}`,
    LdapConfig: {
      LdapProtocol: 'ldap',
      LdapServerHost: '127.0.0.1',
      LdapServerPort: slapd.port,
      AdministratorUsername: slapd.adminDn,
      AdministratorPassword: slapd.password,
      ...(side === 'push' ? { GroupObjectClass: 'groupOfNames,top' } : {}),
    },
    ...more,
  });
  return String(made['IdentityProviderId']);
}

async function getJob(client: Call, id: string): Promise<Body> {
  const answer = await client('GetSynchronizationJob', { InstanceId: tenantId, SynchronizationJobId: id });
  return answer['SynchronizationJob'] as Body;
}

async function finish(id: string): Promise<Body> {
  for (let left = 400; left > 0; left -= 1) {
    const job = await getJob(call, id);
    if (job['Status'] !== 'pending' && job['Status'] !== 'running') return job;
    expect(job).not.toHaveProperty('EndTime');
    await delay(25);
  }
  throw new Error(`job ${id} does not end`);
}

async function run(target: string, more: Body = {}): Promise<Body> {
  const { SynchronizationJobId } = await call('RunSynchronizationJob', {
    InstanceId: tenantId,
    TargetType: 'identity_provider',
    TargetId: target,
    ...more,
  });
  return finish(String(SynchronizationJobId));
}

async function rootId(): Promise<string> {
  const { OrganizationalUnit } = await call('GetRootOrganizationalUnit', { InstanceId: tenantId });
  return String((OrganizationalUnit as Body)['OrganizationalUnitId']);
}

const none = { Total: 0, Success: 0, Failed: 0, Skipped: 0 };
const some = (count: number) => ({ Total: count, Success: count, Failed: 0, Skipped: 0 });

describe('EIAM, as its clients see it', () => {
  test('people are pulled from one place and pushed to another, and every job tells what it did', async () => {
    const root = await rootId();
    const pull = await createProvider('pull');
    expect(
      await refusal(call, 'RunSynchronizationJob', { TargetType: 'identity_provider', TargetId: pull }),
    ).toBe('OperationDenied.Conflict');
    await call('SetIdentityProviderUdPullConfiguration', {
      InstanceId: tenantId,
      IdentityProviderId: pull,
      IncrementalCallbackStatus: 'disabled',
      GroupSyncStatus: 'enabled',
      UdSyncScopeConfig: { SourceScopes: ['ou=source,dc=example,dc=com'], TargetScope: root },
      PullProtectedRule: { UserDeletedThreshold: 1 },
      PeriodicSyncStatus: 'enabled',
      PeriodicSyncConfig: { PeriodicSyncType: 'time', PeriodicSyncTimes: [3] },
    });
    const { UdPullConfiguration } = await call('GetIdentityProviderUdPullConfiguration', {
      InstanceId: tenantId,
      IdentityProviderId: pull,
    });
    expect(UdPullConfiguration).toMatchObject({
      GroupSyncStatus: 'enabled',
      PeriodicSyncConfig: { PeriodicSyncType: 'time', PeriodicSyncTimes: 3 },
      PullProtectedRule: { UserDeletedThreshold: 1 },
      UdSyncScopeConfig: { SourceScopes: ['ou=source,dc=example,dc=com'], TargetScope: root },
    });

    const first = await run(pull, { Description: 'first run' });
    expect(first).toMatchObject({
      Status: 'success',
      Direction: 'ingress',
      TargetType: 'identity_provider',
      TargetId: pull,
      TriggerType: 'manual',
      Result: {
        UserStatistics: { Created: some(2), Deleted: none },
        OrganizationalUnitStatistics: { Created: some(1) },
        GroupStatistics: { Created: some(1) },
        GroupMemberStatistics: { Created: some(1) },
      },
    });
    const result = first['Result'] as Record<string, Body>;
    expect(result['UserStatistics']).not.toHaveProperty('Exported');
    expect(result).not.toHaveProperty('ErrorCode');
    expect((await run(pull))['Result']).toMatchObject({ UserStatistics: { Same: some(2), Created: none } });

    const push = await createProvider('push', {
      UdPushConfig: {
        UdSyncScopeConfigs: [{ SourceScopes: [root], TargetScope: 'ou=target,dc=example,dc=com' }],
      },
    });
    await call('SetIdentityProviderUdPushConfiguration', {
      InstanceId: tenantId,
      IdentityProviderId: push,
      IncrementalCallbackStatus: 'disabled',
      LdapUdPushConfig: {
        UserObjectClass: 'inetOrgPerson,top',
        UserRdn: 'cn',
        PasswordSyncStatus: 'disabled',
      },
      PeriodicSyncConfig: { PeriodicSyncType: 'cron', PeriodicSyncCron: '0 45 1 * * ?' },
      PeriodicSyncStatus: 'enabled',
    });
    const shown = await call('GetIdentityProviderUdPushConfiguration', {
      InstanceId: tenantId,
      IdentityProviderId: push,
    });
    expect(shown['UdPushConfiguration']).toMatchObject({
      InstanceId: tenantId,
      IdentityProviderId: push,
      UdSyncScopeConfigs: [{ SourceScopes: [root], TargetScope: 'ou=target,dc=example,dc=com' }],
      LdapUdPushConfig: { UserObjectClass: 'inetOrgPerson,top', UserRdn: 'cn' },
      PeriodicSyncConfig: { PeriodicSyncType: 'cron', PeriodicSyncCron: '0 45 1 * * ?' },
      PeriodicSyncStatus: 'enabled',
    });
    expect(await run(push)).toMatchObject({
      Status: 'success',
      Direction: 'egress',
      Result: { UserStatistics: { Created: some(2), Pushed: some(2) } },
    });
    const written = (await slapd.entries()).map(({ dn }) => dn).filter((dn) => dn.includes('ou=target'));
    expect(written.sort()).toEqual(
      [
        'ou=target,dc=example,dc=com',
        'ou=sales,ou=target,dc=example,dc=com',
        'cn=Ada,ou=sales,ou=target,dc=example,dc=com',
        'cn=Bob,ou=target,dc=example,dc=com',
        'cn=team,ou=target,dc=example,dc=com',
      ].sort(),
    );
  });

  test('deleting more people than the threshold ends the job and deletes nobody', async () => {
    await slapd.addLdif(
      'dn: uid=ada,ou=sales,ou=source,dc=example,dc=com\nchangetype: delete\n\n' +
        'dn: uid=bob,ou=source,dc=example,dc=com\nchangetype: delete\n',
    );
    const { IdentityProviders } = await call('ListIdentityProviders', {
      InstanceId: tenantId,
      Direction: 'pull',
    });
    const [pull] = IdentityProviders as Body[];
    const held = await run(String(pull?.['IdentityProviderId']));
    expect(held).toMatchObject({ Status: 'failed', Result: { ErrorCode: 'GuardTripped' } });
    expect(await call('ListUsers', { InstanceId: tenantId })).toMatchObject({ TotalCount: 2 });
  });

  test('jobs are listed by token and by page, and narrowed by every parameter', async () => {
    const list = async (parameters: Body = {}) =>
      call('ListSynchronizationJobs', { InstanceId: tenantId, ...parameters });
    const all = await list({ MaxResults: 100 });
    const jobs = all['SynchronizationJobs'] as Body[];
    expect(all).not.toHaveProperty('NextToken');
    expect([all['TotalCount'], jobs.length]).toEqual([4, 4]);
    expect(jobs.at(-1)).toMatchObject({
      Description: 'first run',
      Result: { UserStatistics: { Exported: none } },
    });
    const ids = jobs.map((job) => String(job['SynchronizationJobId']));
    expect(ids).toEqual(ids.toSorted((left, right) => (left < right ? 1 : -1)));

    const walked: unknown[] = [];
    for (let token: unknown; ;) {
      const page = await list({ MaxResults: 3, ...(token ? { NextToken: token } : {}), PageNumber: 7 });
      expect(page['TotalCount']).toBe(4);
      walked.push(...(page['SynchronizationJobs'] as Body[]).map((job) => job['SynchronizationJobId']));
      token = page['NextToken'];
      if (token === undefined) break;
    }
    expect(walked).toEqual(ids);
    const second = await list({ PageNumber: 2, PageSize: 3 });
    expect(second).not.toHaveProperty('NextToken');
    expect((second['SynchronizationJobs'] as Body[]).map((job) => job['SynchronizationJobId'])).toEqual([
      ids[3],
    ]);

    const [newest] = jobs;
    const count = async (parameters: Body) => (await list(parameters))['TotalCount'];
    expect(await count({ Direction: 'egress' })).toBe(1);
    expect(await count({ Status: 'failed' })).toBe(1);
    expect(await count({ Status: 'running' })).toBe(0);
    expect(await count({ TargetType: 'application' })).toBe(0);
    expect(await count({ TargetType: 'identity_provider' })).toBe(4);
    expect(await count({ TargetIds: [newest?.['TargetId'], 'idp_unknown'] })).toBe(3);
    expect(await count({ StartTime: newest?.['StartTime'], EndTime: newest?.['StartTime'] })).toBe(1);
    expect(await count({ Filters: [{ Key: 'Status', Values: ['failed', 'success'] }] })).toBe(4);
    expect(await count({ Filters: [{ Key: 'Direction', Values: ['egress'] }], Status: 'failed' })).toBe(0);
  });

  test.each([
    [{ MaxResults: 101 }, 'InvalidParameter.MaxResults'],
    [{ MaxResults: 0 }, 'InvalidParameter.MaxResults'],
    [{ PageSize: 101 }, 'InvalidParameter.PageSize'],
    [{ PageNumber: 0 }, 'InvalidParameter.PageNumber'],
    [{ PageNumber: 'x' }, 'InvalidParameter.PageNumber'],
    [{ NextToken: 'NTxxxxxexample' }, 'InvalidParameter.NextToken'],
    [{ Direction: 'pull' }, 'InvalidParameter.Direction'],
    [{ Status: 'held' }, 'InvalidParameter.Status'],
    [{ TargetType: 'user' }, 'InvalidParameter.TargetType'],
    [{ StartTime: -1 }, 'InvalidParameter.StartTime'],
    [{ StartTime: 2, EndTime: 1 }, 'InvalidParameter.EndTime'],
    [{ Filters: [{ Key: 'qps', Values: ['1'] }] }, 'InvalidParameter.Filters'],
    [{ Filters: [{ Key: 'constructor', Values: ['1'] }] }, 'InvalidParameter.Filters'],
    [{ Filters: [{ Key: 'Status', Values: ['odd'] }] }, 'InvalidParameter.Filters'],
    [{ InstanceId: 'idaas_aaaaaaaaaaaaaaaaaaaaaaaaaa' }, 'ResourceNotFound.Instance'],
  ])('listing by %j is refused with %s', async (parameters, code) => {
    expect(await refusal(call, 'ListSynchronizationJobs', parameters)).toBe(code);
  });

  test('every client in every way reads jobs and providers, and shows errors', async () => {
    const { SynchronizationJobs } = await call('ListSynchronizationJobs', { InstanceId: tenantId });
    const [job] = SynchronizationJobs as Body[];
    const id = String(job?.['SynchronizationJobId']);
    for (const [name, client] of everyClient(endpoint, credentials())) {
      expect(await getJob(client, id), name).toMatchObject({ SynchronizationJobId: id });
      const listed = await client('ListSynchronizationJobs', {
        InstanceId: tenantId,
        TargetIds: [job?.['TargetId']],
        Filters: [{ Key: 'Direction', Values: ['ingress'] }],
      });
      expect(listed['TotalCount'], name).toBe(3);
      expect(await refusal(client, 'GetSynchronizationJob', { SynchronizationJobId: 'sync_x' }), name).toBe(
        'ResourceNotFound.SynchronizationJob',
      );
      expect(await refusal(client, 'GetSynchronizationJob', {}), name).toBe(
        'MissingParameter.SynchronizationJobId',
      );
      expect(await refusal(client, 'CreateBrand', {}), name).toBe('InvalidAction.NotFound');
    }
    const wrong = { ...credentials(), accessKeySecret: 'x' };
    for (const [name, client] of everyClient(endpoint, wrong)) {
      expect(await refusal(client, 'ListRegions', {}), name).toBe('SignatureDoesNotMatch');
    }
  });

  test('an identity provider is shown, renamed, switched off and on, and deleted', async () => {
    const id = await createProvider('pull', {
      IdentityProviderName: 'Second',
      UdPullConfig: {
        UdSyncScopeConfig: {
          SourceScopes: ['ou=sales,ou=source,dc=example,dc=com'],
          TargetScope: await rootId(),
        },
      },
    });
    const one = { InstanceId: tenantId, IdentityProviderId: id };
    const detail = async () => (await call('GetIdentityProvider', one))['IdentityProviderDetail'] as Body;
    expect(await detail()).toMatchObject({
      IdentityProviderName: 'Second',
      IdentityProviderType: 'urn:alibaba:idaas:idp:unknown:ldap:pull',
      UdPullStatus: 'enabled',
      UdPushStatus: 'disabled',
      LdapConfig: { LdapServerHost: '127.0.0.1', LdapServerPort: slapd.port, LdapProtocol: 'ldap' },
    });
    expect(JSON.stringify(await detail())).not.toContain('AdministratorPassword');
    await call('UpdateIdentityProvider', { ...one, IdentityProviderName: 'Renamed' });
    await call('DisableIdentityProviderUdPull', one);
    expect(await detail()).toMatchObject({ IdentityProviderName: 'Renamed', UdPullStatus: 'disabled' });
    expect(
      await refusal(call, 'RunSynchronizationJob', { TargetType: 'identity_provider', TargetId: id }),
    ).toBe('OperationDenied.Conflict');
    await call('EnableIdentityProviderUdPull', one);
    expect(await detail()).toMatchObject({ UdPullStatus: 'enabled' });
    expect(await refusal(call, 'GetIdentityProviderUdPushConfiguration', one)).toBe(
      'OperationDenied.UnsupportedIdentityProvider',
    );
    await call('DeleteIdentityProvider', one);
    expect(await refusal(call, 'GetIdentityProvider', one)).toBe('ResourceNotFound.IdentityProvider');
  });

  test('a client token makes one identity provider, however often it comes', async () => {
    const [first, again] = [
      await createProvider('pull', { ClientToken: 'token-1' }),
      await createProvider('pull', { ClientToken: 'token-1' }),
    ];
    expect(again).toBe(first);
    await expect(createProvider('push', { ClientToken: 'token-1' })).rejects.toMatchObject({
      code: 'IdempotentParameterMismatch',
    });
    await call('DeleteIdentityProvider', { InstanceId: tenantId, IdentityProviderId: first });
  });

  test('what cannot be synchronized is refused with the parameter at fault', async () => {
    const set = async (parameters: Body) =>
      refusal(call, 'SetIdentityProviderUdPushConfiguration', {
        IncrementalCallbackStatus: 'disabled',
        ...parameters,
      });
    const { IdentityProviders } = await call('ListIdentityProviders', {
      InstanceId: tenantId,
      Direction: 'push',
    });
    const IdentityProviderId = (IdentityProviders as Body[])[0]?.['IdentityProviderId'];
    const root = await rootId();
    const scope = (SourceScopes: string[], TargetScope: string) => ({
      IdentityProviderId,
      UdSyncScopeConfigs: [{ SourceScopes, TargetScope }],
    });
    expect(await set({})).toBe('MissingParameter.IdentityProviderId');
    expect(await set({ IdentityProviderId: '../../x' })).toBe('ResourceNotFound.IdentityProvider');
    expect(await set(scope([root], 'no dn'))).toBe('InvalidParameter.UdSyncScopeConfigs.TargetScope');
    expect(await set(scope(['ou_unknown'], 'ou=target,dc=example,dc=com'))).toBe(
      'ResourceNotFound.OrganizationalUnit',
    );
    expect(
      await set({
        IdentityProviderId,
        PeriodicSyncStatus: 'enabled',
        PeriodicSyncConfig: { PeriodicSyncType: 'cron', PeriodicSyncCron: 'odd' },
      }),
    ).toBe('InvalidParameter.PeriodicSyncConfig');
    expect(
      await set({
        IdentityProviderId,
        PeriodicSyncConfig: { PeriodicSyncType: 'time', PeriodicSyncTimes: [24] },
      }),
    ).toBe('InvalidParameter.PeriodicSyncConfig.PeriodicSyncTimes.1');
    expect(await set({ IdentityProviderId, IncrementalCallbackStatus: 'yes' })).toBe(
      'InvalidParameter.IncrementalCallbackStatus',
    );
    const pop = popCore(endpoint, credentials(), 'POST');
    expect(
      await refusal(pop, 'SetIdentityProviderUdPushConfiguration', {
        IdentityProviderId,
        IncrementalCallbackStatus: 'disabled',
        LdapUdPushConfig: '[object Object]',
      }),
    ).toBe('InvalidParameter.LdapUdPushConfig');
    await expect(
      createProvider('pull', { IdentityProviderType: 'urn:alibaba:idaas:idp:tencent:wecom:pull' }),
    ).rejects.toMatchObject({ code: 'InvalidParameter.IdentityProviderType' });
  });

  test('a pinned certificate takes the place of an authority, and another one ends the job', async () => {
    const ldaps = new URL(slapd.ldapsUrl ?? '');
    const socket = connect({ host: '127.0.0.1', port: Number(ldaps.port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    const runPinned = async (fingerprint: string): Promise<Body> => {
      const made = await call('CreateIdentityProvider', {
        InstanceId: tenantId,
        IdentityProviderName: 'Pinned',
        IdentityProviderType: 'urn:alibaba:idaas:idp:unknown:ldap:pull',
        LdapConfig: {
          LdapProtocol: 'ldaps',
          LdapServerHost: '127.0.0.1',
          LdapServerPort: Number(ldaps.port),
          AdministratorUsername: slapd.adminDn,
          AdministratorPassword: slapd.password,
          CertificateFingerprintStatus: 'enabled',
          CertificateFingerprints: [fingerprint],
        },
        UdPullConfig: {
          UdSyncScopeConfig: { SourceScopes: ['ou=target,dc=example,dc=com'], TargetScope: await rootId() },
        },
      });
      const id = String(made['IdentityProviderId']);
      const job = await run(id);
      await call('DeleteIdentityProvider', { InstanceId: tenantId, IdentityProviderId: id });
      return job;
    };
    expect(await runPinned('00'.repeat(32))).toMatchObject({
      Status: 'failed',
      Result: { ErrorCode: 'ConnectionFailed', ErrorMessage: expect.stringContaining('fingerprint') },
    });
    const right = await runPinned(fingerprint256);
    expect(right['Result']).not.toHaveProperty('ErrorCode');
  });

  test('a scope follows its unit to another name and place, and ends with it', async () => {
    const ldif =
      'dn: ou=moving,dc=example,dc=com\nchangetype: add\nobjectClass: organizationalUnit\nou: moving\n';
    await slapd.addLdif(ldif);
    const root = await rootId();
    const newUnit = async (OrganizationalUnitName: string): Promise<string> => {
      const unit = { InstanceId: tenantId, OrganizationalUnitName, ParentId: root };
      return String((await call('CreateOrganizationalUnit', unit))['OrganizationalUnitId']);
    };
    const [branch, above] = [await newUnit('branch'), await newUnit('above')];
    const { UserId } = await call('CreateUser', {
      InstanceId: tenantId,
      Username: 'dora',
      PrimaryOrganizationalUnitId: branch,
    });
    const push = await createProvider('push', {
      IdentityProviderName: 'Branch',
      UdPushConfig: {
        UdSyncScopeConfigs: [{ SourceScopes: [branch], TargetScope: 'ou=moving,dc=example,dc=com' }],
      },
    });
    expect(await run(push)).toMatchObject({ Result: { UserStatistics: { Created: some(1) } } });
    const one = { InstanceId: tenantId, OrganizationalUnitId: branch };
    await call('UpdateOrganizationalUnit', { ...one, OrganizationalUnitName: 'renamed' });
    await call('UpdateOrganizationalUnitParentId', { ...one, ParentId: above });
    // Another unit where the first one was is not meant.
    await newUnit('branch');
    expect(await run(push)).toMatchObject({
      Status: 'success',
      Result: { UserStatistics: { Same: some(1), Deleted: none } },
    });
    await call('DeleteUser', { InstanceId: tenantId, UserId });
    await call('DeleteOrganizationalUnit', one);
    expect(await run(push)).toMatchObject({ Status: 'failed', Result: { ErrorCode: 'ReferenceNotFound' } });
    await call('DeleteIdentityProvider', { InstanceId: tenantId, IdentityProviderId: push });
  });

  test('several source scopes of one pair are pushed under its target, and neither takes from the other', async () => {
    await slapd.addLdif(
      'dn: ou=shared,dc=example,dc=com\nchangetype: add\nobjectClass: organizationalUnit\nou: shared\n',
    );
    const own = { InstanceId: tenantId };
    const newUnit = async (OrganizationalUnitName: string, ParentId: string): Promise<string> => {
      const made = await call('CreateOrganizationalUnit', { ...own, OrganizationalUnitName, ParentId });
      return String(made['OrganizationalUnitId']);
    };
    const newUser = async (Username: string, PrimaryOrganizationalUnitId: string): Promise<string> =>
      String((await call('CreateUser', { ...own, Username, PrimaryOrganizationalUnitId }))['UserId']);
    const root = await rootId();
    const [north, south] = [await newUnit('north', root), await newUnit('south', root)];
    const [yard] = [await newUnit('yard', north), await newUnit('yard', south)];
    const [fred, gina] = [await newUser('fred', north), await newUser('gina', south)];
    await newUser('hans', yard);
    const push = await createProvider('push', { IdentityProviderName: 'Shared' });
    const set = async (SourceScopes: string[], more: Body[] = []): Promise<string> =>
      refusal(call, 'SetIdentityProviderUdPushConfiguration', {
        IdentityProviderId: push,
        IncrementalCallbackStatus: 'disabled',
        UdSyncScopeConfigs: [{ SourceScopes, TargetScope: 'ou=shared,dc=example,dc=com' }, ...more],
      });
    const elsewhere = { SourceScopes: [yard], TargetScope: 'ou=moving,dc=example,dc=com' };
    expect(await set([north, south], [elsewhere])).toBe('InvalidParameter.UdSyncScopeConfigs');
    expect(await set([north, south, yard])).toBe('nothing');
    const shown = await call('GetIdentityProviderUdPushConfiguration', { ...own, IdentityProviderId: push });
    expect(shown['UdPushConfiguration']).toMatchObject({
      UdSyncScopeConfigs: [{ SourceScopes: [north, south, yard] }],
    });
    const written = async (): Promise<string[]> =>
      (await slapd.entries())
        .flatMap(({ dn }) => dn.match(/^(.*),ou=shared,dc=example,dc=com$/)?.[1] ?? [])
        .map((dn) => dn.replace(/^ou=yard$/, 'yard'))
        .sort();
    // Two units are called yard: one of them has the name, and the rest is done.
    const first = await run(push);
    expect(first).toMatchObject({
      Status: 'partial_success',
      Result: { OrganizationalUnitStatistics: { Created: { Success: 1, Failed: 1 } } },
    });
    expect(await written()).toEqual(expect.arrayContaining(['uid=fred', 'uid=gina', 'yard']));
    await call('SetUserPrimaryOrganizationalUnit', { ...own, UserId: fred, OrganizationalUnitId: south });
    expect(await run(push)).toMatchObject({ Result: { UserStatistics: { Deleted: none, Created: none } } });
    await call('DeleteUser', { ...own, UserId: gina });
    expect(await run(push)).toMatchObject({ Result: { UserStatistics: { Deleted: some(1) } } });
    expect(await written()).toEqual(expect.arrayContaining(['uid=fred', 'yard']));
    await call('DeleteIdentityProvider', { ...own, IdentityProviderId: push });
  });

  test('with the incremental callback a change of the directory is pushed by itself', async () => {
    const listed = await call('ListIdentityProviders', { InstanceId: tenantId, Direction: 'push' });
    const id = String((listed['IdentityProviders'] as Body[])[0]?.['IdentityProviderId']);
    const pushes = async (): Promise<Body> => {
      const filter = { TargetIds: [id], MaxResults: 1 };
      return call('ListSynchronizationJobs', { InstanceId: tenantId, ...filter });
    };
    await run(id);
    const before = Number((await pushes())['TotalCount']);
    await call('SetIdentityProviderUdPushConfiguration', {
      InstanceId: tenantId,
      IdentityProviderId: id,
      IncrementalCallbackStatus: 'enabled',
    });
    expect((await pushes())['TotalCount']).toBe(before);
    await call('CreateUser', {
      InstanceId: tenantId,
      Username: 'carol',
      DisplayName: 'Carol',
      PrimaryOrganizationalUnitId: await rootId(),
    });
    let page = await pushes();
    for (let left = 400; left > 0 && page['TotalCount'] === before; left -= 1) {
      await delay(50);
      page = await pushes();
    }
    // The total may have been counted a moment after the page was read.
    const [job] = (await pushes())['SynchronizationJobs'] as Body[];
    expect(job).toMatchObject({ TriggerType: 'auto', Direction: 'egress' });
    await finish(String(job?.['SynchronizationJobId']));
  }, 30_000);
});
