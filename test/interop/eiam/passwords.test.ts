import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectLdap } from '../../../server/src/connectors/ldap/protocol/client/client.ts';
import { LockstepError } from '../../../server/src/kernel/errors.ts';
import { composeRuntime, type Runtime } from '../../../server/src/main.ts';
import { startSlapd, type Slapd } from '../../servers/slapd.ts';
import { responseFaults } from './check-response.ts';
import { openApiCore, type Call } from './vendor-clients.ts';

type Body = Record<string, unknown>;

const target = 'ou=target,dc=example,dc=com';
const company = `dn: dc=example,dc=com
objectClass: domain
dc: example

dn: ${target}
objectClass: organizationalUnit
ou: target
`;

let slapd: Slapd;
let data: string;
let runtime: Runtime;
let credentials: NonNullable<Runtime['credentials']>;
let call: Call;
let push: string;
let root: string;

/** Starts the process on the data that is there. */
async function start(): Promise<void> {
  runtime = await composeRuntime({
    data,
    roles: { http: { host: '127.0.0.1', port: 0 }, worker: { concurrency: 1 }, scheduler: true },
  });
  credentials ??= runtime.credentials as NonNullable<Runtime['credentials']>;
  const client = openApiCore(new URL(String(runtime.address)).host, credentials, 'v3');
  call = async (action, parameters) => {
    const answer = await client(action, { InstanceId: credentials.tenantId, ...parameters });
    expect(responseFaults(action, answer), action).toEqual([]);
    return answer;
  };
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'lockstep-eiam-'));
  slapd = await startSlapd({ ldif: company, dbnosync: true });
  await start();
  const made = await call('CreateIdentityProvider', {
    IdentityProviderName: 'OpenLDAP',
    IdentityProviderType: 'urn:alibaba:idaas:idp:unknown:ldap:push',
    LdapConfig: {
      LdapProtocol: 'ldap',
      LdapServerHost: '127.0.0.1',
      LdapServerPort: slapd.port,
      AdministratorUsername: slapd.adminDn,
      AdministratorPassword: slapd.password,
    },
  });
  push = String(made['IdentityProviderId']);
  const { OrganizationalUnit } = await call('GetRootOrganizationalUnit', {});
  root = String((OrganizationalUnit as Body)['OrganizationalUnitId']);
  const scope = { SourceScopes: [root], TargetScope: target };
  await setPush({ UdSyncScopeConfigs: [scope], IncrementalCallbackStatus: 'disabled' });
}, 60_000);

afterAll(async () => {
  await runtime[Symbol.asyncDispose]();
  await slapd.stop();
  await rm(data, { recursive: true, force: true });
});

const setPush = async (more: Body): Promise<Body> =>
  call('SetIdentityProviderUdPushConfiguration', {
    IdentityProviderId: push,
    LdapUdPushConfig: { PasswordSyncStatus: 'enabled' },
    ...more,
  });

async function run(): Promise<Body> {
  const { SynchronizationJobId } = await call('RunSynchronizationJob', {
    TargetType: 'identity_provider',
    TargetId: push,
  });
  for (let left = 400; left > 0; left -= 1) {
    const answer = await call('GetSynchronizationJob', { SynchronizationJobId });
    const job = answer['SynchronizationJob'] as Body;
    if (job['Status'] !== 'pending' && job['Status'] !== 'running') return job;
    await delay(25);
  }
  throw new Error('the job does not end');
}

async function signsIn(username: string, password: string): Promise<boolean> {
  const bind = { method: 'simple', dn: `uid=${username},${target}`, password } as const;
  try {
    await using _ = await connectLdap({ url: slapd.url, bind });
    return true;
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'AuthenticationRejected') return false;
    throw error;
  }
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let left = 300; left > 0; left -= 1) {
    if (await holds()) return;
    await delay(50);
  }
  throw new Error('it does not come to be');
}

/** Tables with a row that holds the text, or its bytes. */
async function tablesWith(text: string): Promise<string[]> {
  const { db } = runtime.application.store;
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`.execute(db);
  const hex = Buffer.from(text).toString('hex');
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await sql`
      select from ${sql.raw(name)} t
      where position(${text}::text in t::text) > 0 or position(${hex}::text in t::text) > 0 limit 1`.execute(
      db,
    );
    if (rows.length > 0) found.push(name);
  }
  return found;
}

async function filesWith(text: string): Promise<string[]> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

async function waiting(): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from pending_password`.execute(
    runtime.application.store.db,
  );
  return rows[0]?.count ?? 0;
}

const first = 'Kraków-Correct-Horse-1';
const second = 'Battery-Staple-2';

test('a password of CreateUser lets the person into the directory, also after a restart, and is nowhere here', async () => {
  const { UserId } = await call('CreateUser', {
    Username: 'ada',
    PrimaryOrganizationalUnitId: root,
    DisplayName: 'Ada Lovelace',
    Password: first,
    ClientToken: 'once',
  });
  expect(await waiting()).toBe(1);
  expect(await tablesWith('ada')).toContain('public.directory_user');
  expect(await tablesWith(first)).toEqual([]);
  await runtime[Symbol.asyncDispose]();
  expect(await filesWith('Ada Lovelace')).not.toEqual([]);
  expect(await filesWith(first)).toEqual([]);
  await start();
  expect(await run()).toMatchObject({
    Status: 'success',
    Result: { UserStatistics: { Created: { Success: 1 }, Updated: { Success: 0 } } },
  });
  expect(await signsIn('ada', first)).toBe(true);
  expect(await waiting()).toBe(0);
  expect(await call('GetUser', { UserId })).toMatchObject({ User: { PasswordSet: false } });
}, 30_000);

test('a password of UpdateUserPassword is written soon, and the one before lets nobody in', async () => {
  await setPush({ IncrementalCallbackStatus: 'enabled' });
  const { Users } = await call('ListUsers', {});
  const [ada] = Users as Body[];
  await call('UpdateUserPassword', { UserId: ada?.['UserId'], Password: second });
  await eventually(() => signsIn('ada', second));
  expect(await signsIn('ada', first)).toBe(false);
  await eventually(async () => (await waiting()) === 0);
  expect([...(await tablesWith(first)), ...(await tablesWith(second))]).toEqual([]);
}, 30_000);

test('without password synchronization nothing is kept, and nothing is written', async () => {
  await setPush({
    IncrementalCallbackStatus: 'disabled',
    LdapUdPushConfig: { PasswordSyncStatus: 'disabled' },
  });
  await call('CreateUser', { Username: 'bob', PrimaryOrganizationalUnitId: root, Password: first });
  expect(await waiting()).toBe(0);
  expect(await run()).toMatchObject({ Status: 'success' });
  expect(await signsIn('bob', first)).toBe(false);
}, 30_000);
