import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Role } from '@lockstep/contract/account.ts';
import { apiPrefix } from '@lockstep/contract/routes.ts';
import { accessKeyContext, newAccessKey } from '../../../server/src/app/access/key-material.ts';
import { tokenHash } from '../../../server/src/app/installation.ts';
import { uuidOfId, uuidOfJob } from '../../../server/src/http/surfaces/authentik/uuid.ts';
import { newId, newJobId } from '../../../server/src/kernel/ids.ts';
import { insertAccessKey, insertAccount } from '../../../server/src/store/queries/installation.ts';
import { insertToken } from '../../../server/src/store/queries/tokens.ts';
import type { Store } from '../../../server/src/store/store.ts';
import { serveApplication } from '../../servers/api-client.ts';
import { openIdleApplication } from '../../servers/application.ts';
import { urn } from '../../servers/scim-client.ts';
import { flatten, type Parameter } from '../eiam/eiam-client.ts';
import { draftV3, type Key } from '../eiam/signing-client.ts';
import { policy, type Request, type Things } from './requests.ts';

export interface Caller {
  readonly tenantId: string;
  readonly organization: string;
  readonly token: string;
  readonly key: Key;
  readonly scimToken: string;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

const json = (surface: Request['surface']) =>
  surface === 'scim' ? 'application/scim+json' : 'application/json';

/** Stands in many values of the tenant that is asked for, and in no request. */
export const theirSecret = 'known-to-them-alone';
/** Numbers of things are above it: far from all that an answer may have in it for another reason. */
const firstSerial = 7_000_000;

const unknownUuid = () => uuidOfId(newId('user'));

/** Names for things that there never were, as they would be written. @param serial before their numbers: 8 or 9 million */
export function unknownThings(serial: number): Things {
  return {
    accountName: `nobody-${serial}`,
    accountToken: newId('token'),
    policy: `no-policy-${serial}`,
    key: newAccessKey().accessKeyId,
    client: newId('oauthClient'),
    connection: newId('connection'),
    connectionName: `no-connection-${serial}`,
    connectionSerial: String(serial + 1),
    scimToken: newId('token'),
    sync: newId('sync'),
    syncUuid: unknownUuid(),
    job: newJobId(),
    jobUuid: unknownUuid(),
    user: newId('user'),
    userSerial: String(serial + 2),
    userUuid: unknownUuid(),
    record: newId('record'),
    email: `nobody-${serial}@x.example`,
    unit: newId('organizationalUnit'),
    group: newId('group'),
    groupSerial: String(serial + 3),
    groupUuid: unknownUuid(),
    zone: newId('zone'),
    zoneSerial: String(serial + 4),
    customField: newId('customField'),
    application: newId('application'),
    scimSerial: String(serial + 5),
    mappingUuid: unknownUuid(),
    authorizationSerial: String(serial + 6),
    batchSerial: String(serial + 7),
  };
}

/** The API on a new store, and who may call it. */
export async function openRoutes(store: Store) {
  const idle = await openIdleApplication(store);
  let passed = 0;
  // Goes on by itself: no limit of requests is met.
  const app = { ...idle, clock: { now: () => new Date(Date.now() + (passed += 200)) } };
  const client = await serveApplication(app, { bodyLimit: 100_000, eiamRequestsPerSecond: 100_000 });
  const { db } = app.store;
  const { rows: sequences } = await sql<{ name: string }>`
    select pg_get_serial_sequence(table_name, 'serial') as name from information_schema.columns
    where table_schema = 'public' and column_name = 'serial' and is_identity = 'YES' and table_name <> 'tenant'`.execute(
    db,
  );
  for (const { name } of sequences) await sql`select setval(${name}, ${firstSerial})`.execute(db);

  async function caller(tenantId: string, role: Role): Promise<Caller> {
    const accountId = newId('account');
    await insertAccount(db, { id: accountId, tenantId, name: accountId, role });
    const [token, key] = [newId('token'), newAccessKey()];
    await insertToken(
      db,
      { type: 'account', id: accountId },
      { id: newId('token'), hash: tokenHash(token), label: '', createdAt: new Date(), expiresAt: null },
    );
    const sealedSecret = app.vault.seal(key.accessKeySecret, accessKeyContext(key.accessKeyId));
    await insertAccessKey(db, { id: key.accessKeyId, tenantId, accountId, sealedSecret });
    const { rows } = await sql<{
      serial: number;
    }>`select serial from tenant where id = ${tenantId}`.execute(db);
    const organization = String(rows[0]?.serial);
    return {
      tenantId,
      organization,
      token,
      key: { id: key.accessKeyId, secret: key.accessKeySecret },
      scimToken: '',
    };
  }

  async function send(who: Caller, request: Request): Promise<Reply> {
    const { surface, method, path, body, operation } = request;
    const signed =
      surface === 'eiam'
        ? draftV3('localhost:80', who.key, operation, body as Record<string, string>, {
            inBody: true,
            now: app.clock.now(),
          })
        : undefined;
    const headers: Record<string, string> = signed?.headers ?? {
      authorization: `Bearer ${surface === 'scim' ? who.scimToken : who.token}`,
      ...(body === undefined ? {} : { 'content-type': json(surface) }),
    };
    const payload = signed?.body ?? (body === undefined ? undefined : JSON.stringify(body));
    const { statusCode, body: text } = await client.server.inject({
      method: method as 'GET',
      url: path,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: statusCode, text };
  }

  /** Rows of all tables but those that keep what a request itself is known by. */
  async function rows(): Promise<Set<string>> {
    const { rows: tables } = await sql<{ name: string }>`
      select tablename as name from pg_tables where schemaname = 'public' and tablename not in
        ('request_nonce', 'access_key', 'api_token', 'scim_token', 'security_token', 'idempotent_request')`.execute(
      db,
    );
    const all = new Set<string>();
    for (const { name } of tables) {
      const { rows: found } = await sql<{ row: string }>`
        select to_jsonb(t)::text as row from ${sql.table(name)} t`.execute(db);
      for (const { row } of found) all.add(`${name} ${row}`);
    }
    return all;
  }

  return {
    app,
    client,
    caller,
    send,
    rows,
    [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose](),
  };
}
type Routes = Awaited<ReturnType<typeof openRoutes>>;

/** A tenant with one of everything. */
export async function settle({ send }: Routes, who: Caller): Promise<{ things: Things; caller: Caller }> {
  const call = async (
    surface: Request['surface'],
    method: string,
    path: string,
    body?: unknown,
    operation = '',
  ) => {
    const { status, text } = await send(who, { surface, operation, method, path, body, reads: false });
    expect(status, `${path} ${operation} ${text}`).toBeLessThan(300);
    return text === '' ? {} : JSON.parse(text);
  };
  const native = async (method: string, path: string, body?: unknown) =>
    call('native', method, apiPrefix + path, body);
  const meraki = async (method: string, path: string, body?: unknown) =>
    call('meraki', method, `/api/v1/organizations/${who.organization}${path}`, body);
  const eiam = async (action: string, parameters: { readonly [name: string]: Parameter }) =>
    call('eiam', 'POST', '/', flatten({ InstanceId: who.tenantId, ...parameters }), action);

  const file = { type: 'file', path: `${theirSecret}.ldif`, baseDn: 'dc=x' };
  const connection = await native('PUT', '/connections/their-connection', file);
  await native('PUT', '/connections/hr', { type: 'scim_server' });
  const token = await native('POST', '/connections/hr/tokens', { label: theirSecret });
  const sync = await native('PUT', '/syncs/their-sync', {
    connection: 'their-connection',
    direction: 'ingress',
  });
  const { job } = await native('POST', '/syncs/their-sync/jobs', {});
  await native('PUT', '/policies/their-policy', { ...policy, description: theirSecret });
  const key = await native('POST', '/access-keys', { name: theirSecret });
  const accountToken = await native('POST', '/accounts/administrator/tokens', { label: theirSecret });
  const oauth = {
    name: theirSecret,
    redirectUris: ['https://x.example'],
    scopes: ['dashboard:iam:config:read'],
  };
  const client = await native('POST', '/oauth-clients', oauth);
  await native('POST', '/signing-keys');
  const unit = await native('POST', '/directory/organizationalUnits', { name: `unit ${theirSecret}` });
  const attributes = { mail: ['them@x.example'], displayName: [theirSecret] };
  const user = await native('POST', '/directory/users', { name: 'them', parent: unit.id, attributes });
  const group = await native('POST', '/directory/groups', { name: `group ${theirSecret}` });
  await native('PUT', `/directory/groups/${group.id}/members/${user.id}`);
  const zone = await native('PUT', '/auth-zones/their-zone', {
    type: 'ssid',
    connections: ['their-connection'],
  });
  const { FieldId } = await eiam('CreateCustomField', {
    FieldName: 'badge',
    FieldDisplayName: theirSecret,
    FieldDataType: 'string',
    FieldDisplayType: 'input',
    EntityType: 'user',
  });
  const { ApplicationId } = await eiam('CreateApplication', {
    ApplicationName: theirSecret,
    ApplicationSourceType: 'urn:alibaba:idaas:app:source:standard',
    SsoType: 'oidc',
  });
  const provider = await call('authentik', 'POST', '/api/v3/providers/scim/', {
    name: theirSecret,
    url: 'https://x.example',
    token: theirSecret,
  });
  const mapping = await call('authentik', 'POST', '/api/v3/propertymappings/provider/scim/', {
    name: theirSecret,
    expression: `{"title": "${theirSecret}"}`,
  });
  const email = 'them@x.example';
  const zoneSerial = String(zone.serial);
  const authorization = await meraki('POST', '/iam/users/authorizations', {
    authZone: { id: zoneSerial },
    email,
  });
  const users = `/organizations/${who.organization}/iam/users/idps/users`;
  const action = { resource: users, operation: 'create', body: { displayName: theirSecret, email } };
  const batch = await meraki('POST', '/actionBatches', { confirmed: false, actions: [action] });
  const pushed = { schemas: [urn.user], userName: theirSecret };
  const caller = { ...who, scimToken: token.token };
  const push = {
    surface: 'scim',
    operation: '',
    method: 'POST',
    path: '/scim/v2/hr/Users',
    body: pushed,
    reads: false,
  } as const;
  const record = JSON.parse((await send(caller, push)).text);
  const things = {
    accountName: 'administrator',
    accountToken: accountToken.id,
    policy: 'their-policy',
    key: key.id,
    client: client.id,
    unit: unit.id,
    connection: connection.id,
    connectionName: 'their-connection',
    connectionSerial: String(connection.serial),
    scimToken: token.id,
    sync: sync.id,
    syncUuid: uuidOfId(sync.id),
    job: job.id,
    jobUuid: uuidOfJob(job.id),
    user: user.id,
    userSerial: String(user.serial),
    userUuid: uuidOfId(user.id),
    record: record.id,
    email,
    group: group.id,
    groupSerial: String(group.serial),
    groupUuid: uuidOfId(group.id),
    zone: zone.id,
    zoneSerial,
    customField: FieldId,
    application: ApplicationId,
    scimSerial: String(provider.pk),
    mappingUuid: mapping.pk,
    authorizationSerial: authorization.authorizationId,
    batchSerial: batch.id,
  };
  return { things, caller };
}
