import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Problem } from '@lockstep/contract/problem.ts';
import { routes } from '@lockstep/contract/routes.ts';
import { openIdleApplication } from '../../../test/servers/application.ts';
import {
  expectProblem as problem,
  serveApplication,
  type ApiClient as Client,
} from '../../../test/servers/api-client.ts';
import { describeOnSharedStores } from '../../../test/servers/shared-store.ts';
import { newId } from '../kernel/ids.ts';
import { insertAccount, insertTenant } from '../store/queries/installation.ts';
import { SecretBox } from '../secrets/secret-box.ts';
import { listenLocal } from './local-socket.ts';

const source = { type: 'file', path: 'in.ldif', baseDn: 'dc=example' };
const ingress = {
  connection: 'source',
  direction: 'ingress',
  scopes: [{ source: 'dc=example', target: '/' }],
  schedule: { cron: '0 45 1 * * ?', timeZone: 'Europe/Berlin' },
};

async function withSync(client: Client): Promise<void> {
  await client.json('PUT', '/connections/source', source);
  await client.json('PUT', '/syncs/in', ingress);
}

/** A configuration with one sync, whose connection has this name. */
const named = (name: string) => ({
  connections: [{ name, type: 'file', settings: { path: '/data/in.ldif' }, secrets: {} }],
  syncs: [{ name: 'in', settings: { connection: name, direction: 'ingress' } }],
});

describeOnSharedStores('native API', (makeStore) => {
  async function start(): Promise<Client> {
    return serveApplication(await openIdleApplication(await makeStore()));
  }

  test('what an installation is given once opens it, and nothing else does', async () => {
    await using client = await start();
    expect(client.app.credentials.apiToken).toMatch(/^[0-9a-f]{40}$/);
    expect(client.app.credentials.tenantId).toMatch(/^idaas_[a-z2-7]{26}$/);
    expect(await client.json('GET', '/identity')).toMatchObject({
      tenantName: 'default',
      role: 'administrator',
    });
    for (const authorization of ['', 'Bearer', 'Bearer x', `Basic ${client.app.credentials.apiToken}`]) {
      const refused = await client.send('GET', '/identity', undefined, { authorization });
      expect(await problem(refused, 401)).toMatchObject({ code: 'Unauthenticated' });
    }
    await sql`update api_token set revoked_at = now()`.execute(client.app.store.db);
    const revoked = await client.send('GET', '/identity');
    await problem(revoked, 401);
    expect(revoked.headers.get('cache-control')).toBe('no-store');
  });

  test('a backup, which holds all tenants, is not for the administrator of another one', async () => {
    await using client = await start();
    const { db } = client.app.store;
    expect((await client.send('GET', '/backup')).status).toBe(200);
    const account = { id: newId('account'), tenantId: newId('tenant') };
    await insertTenant(db, { id: account.tenantId, name: 'other' });
    await insertAccount(db, { ...account, name: 'other', role: 'administrator' });
    await sql`update api_token set account_id = ${account.id}`.execute(db);
    expect(await client.json('GET', '/identity')).toMatchObject({ tenantName: 'other' });
    expect(await problem(await client.send('GET', '/backup'), 403)).toMatchObject({ code: 'Forbidden' });
  });

  test('roles are kept apart', async () => {
    await using client = await start();
    await withSync(client);
    await sql`update account set role = 'reader'`.execute(client.app.store.db);
    await client.json('GET', '/syncs');
    expect(await problem(await client.send('POST', '/syncs/in/jobs', {}), 403)).toMatchObject({
      code: 'Forbidden',
    });
    await problem(await client.send('DELETE', '/syncs/in'), 403);
    await problem(await client.send('PUT', '/configuration', { connections: [], syncs: [] }), 403);
  });

  test('open addresses need no token', async () => {
    await using client = await start();
    expect(await (await fetch(`${client.url}/healthz`)).json()).toEqual({ status: 'ok' });
    const ready = (await (await fetch(`${client.url}/readyz`)).json()) as {
      ready: boolean;
      durable: boolean;
      note?: string;
    };
    expect(ready.ready).toBe(true);
    expect(ready.durable).toBe(makeStore.engine === 'server');
    if (makeStore.engine === 'embedded') expect(ready.note).toContain('does not fsync');
    const document = (await (await fetch(`${client.url}/lockstep/v1/openapi.json`)).json()) as {
      openapi: string;
    };
    expect(document.openapi).toBe('3.1.0');
    await problem(await fetch(`${client.url}/metrics`), 401);
    const metrics = await client.server.inject({
      url: '/metrics',
      headers: { authorization: `Bearer ${client.app.credentials.apiToken}` },
    });
    expect(metrics.body).toContain('lockstep_jobs{status="running"} 0');
    expect(metrics.body).toContain('route="/healthz"');
  });

  test('the local socket trusts its user, and only without a wrong token', async () => {
    const app = await openIdleApplication(await makeStore());
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-socket-'));
    const socketPath = join(folder, 'lockstep.sock');
    // What a killed process left there.
    await writeFile(socketPath, '');
    const server = await listenLocal(app, socketPath, { version: '0.0.0' });
    const status = async (
      headers: Record<string, string>,
      path = '/lockstep/v1/identity',
    ): Promise<number | undefined> => {
      const call = request({ socketPath, path, headers, agent: false }).end();
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    try {
      expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
      expect(await status({})).toBe(200);
      expect(await status({ authorization: `Bearer ${app.credentials.apiToken}` })).toBe(200);
      for (const authorization of [
        'Bearer wrong',
        'Bearer "quoted"',
        'Bearer',
        `Basic ${app.credentials.apiToken}`,
      ])
        expect(await status({ authorization })).toBe(401);
      expect(await status({ 'lockstep-tenant': 'default' })).toBe(200);
      expect(await status({ 'lockstep-tenant': 'nobody' })).toBe(404);
      for (const tenant of ['%00', '%zz', '%ff'])
        expect(await status({ 'lockstep-tenant': tenant })).toBe(400);
      // Vendors' clients come by the network.
      expect(await status({}, '/api/v1/organizations')).toBe(404);
    } finally {
      await server.close();
    }
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  test('of what is a stream nobody is given the head alone', async () => {
    await using client = await start();
    await withSync(client);
    const { job } = await client.json<{ job: { id: string } }>('POST', '/syncs/in/jobs', {});
    for (const path of [`/jobs/${job.id}/events`, '/backup']) {
      const refused = await client.send('HEAD', path);
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET']);
    }
    expect((await client.send('HEAD', `/jobs/${job.id}`)).status).toBe(200);
  });

  test('every kind of bad request is a problem document', async () => {
    await using client = await start();
    const send: Client['send'] = async (...call) => client.send(...call);
    expect((await problem(await send('GET', '/nowhere'), 404)).code).toBe('NotFound');
    await problem(await fetch(`${client.url}/nowhere`), 404);
    const wrongMethod = await send('PATCH', '/connections/x');
    expect(wrongMethod.headers.get('allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'PUT']);
    await problem(wrongMethod, 405);
    await problem(await send('PUT', '/connections/x', 'a: b', { 'content-type': 'application/yaml' }), 415);
    await problem(await send('PUT', '/connections/x', { type: 'file', path: 'x'.repeat(20_000) }), 413);
    expect((await problem(await send('PUT', '/connections/x', '{"type":'), 400)).detail).toContain(
      'not valid JSON',
    );
    const invalidUtf8 = Buffer.concat([
      Buffer.from('{"type":"file","path":"'),
      Buffer.of(0xff),
      Buffer.from('"}'),
    ]);
    expect((await problem(await send('PUT', '/connections/x', invalidUtf8), 400)).detail).toContain('UTF-8');
    expect(
      (await problem(await send('PUT', '/connections/x', '{"type":"file","path":"a\\u0000"}'), 400)).detail,
    ).toContain('the body.path contains U+0000');
    const twice = '{"type":"file","path":"a.csv","path":"b.csv"}';
    expect((await problem(await send('PUT', '/connections/x', twice), 400)).detail).toContain('"path" twice');
    const hidden = '{"connection":"x","direction":"ingress","map":{"user":{"__proto__":"uid"}}}';
    expect((await problem(await send('PUT', '/syncs/in', hidden), 400)).field).toBe(
      'body.map.user.__proto__',
    );
    expect((await problem(await send('POST', '/jobs/x/undo', 'null'), 400)).field).toBe('body');
    await problem(await send('PUT', '/connections/x', `${'['.repeat(3000)}${']'.repeat(3000)}`), 400);
    await problem(await send('GET', '/connections/%ff'), 400);
    await problem(await send('GET', '/connections/a%00b'), 400);
    await problem(await send('GET', '/connections/..%2f..%2fetc'), 400);
    expect((await problem(await send('GET', '/jobs?limit=0'), 400)).field).toBe('limit');
    expect((await problem(await send('GET', '/jobs?status=odd'), 400)).field).toBe('status');
    expect((await problem(await send('GET', '/jobs?colour=red'), 400)).field).toBe('colour');
    expect((await problem(await send('GET', '/syncs?after=zzz'), 400)).field).toBe('after');
    expect((await problem(await send('GET', '/jobs?after=zzz'), 400)).field).toBe('after');
    const groupId = newId('group');
    for (const list of ['/connections', '/directory/users', '/oauth-clients'])
      expect((await problem(await send('GET', `${list}?after=${groupId}`), 400)).field).toBe('after');
    expect((await problem(await send('PUT', '/syncs/in', { ...ingress, extra: 1 }), 400)).field).toBe(
      'body.extra',
    );
    await problem(await send('GET', '/jobs/sync_none'), 404);
  });

  test.each([
    ['GET', '/accounts/none/tokens', 'accounts list'],
    ['DELETE', '/accounts/administrator/tokens/tok_none', 'accounts token list administrator'],
    ['DELETE', '/access-keys/none', 'keys list'],
    ['GET', '/policies/none', 'policies list'],
    ['DELETE', '/oauth-clients/none', 'oauth-clients list'],
  ] as const)('%s %s, which is not there, is told with where to look', async (method, path, command) => {
    await using client = await start();
    const { remedy } = await problem(await client.send(method, path), 404);
    expect(remedy).toContain(`\`lockstep ${command}\` shows those there are`);
  });

  test('settings that cannot be used are refused as those of a file are, and nothing of them is saved', async () => {
    await using client = await start();
    const ldap = { type: 'ldap', url: 'ldap://127.0.0.1:1/dc=x', baseDn: 'dc=x' };
    const refused = { code: 'InvalidConfiguration', field: 'url' };
    expect(await problem(await client.send('PUT', '/connections/corp', ldap), 400)).toMatchObject(refused);
    const { type, ...settings } = ldap;
    const whole = { connections: [{ name: 'corp', type, settings, secrets: {} }], syncs: [] };
    expect(await problem(await client.send('PUT', '/configuration', whole), 400)).toMatchObject({
      ...refused,
      field: 'connections.corp.url',
    });
    const entra = { type: 'entra_id', tenantId: 'contoso.com', clientId: 'c' };
    expect(await problem(await client.send('PUT', '/connections/cloud', entra), 400)).toMatchObject({
      ...refused,
      field: 'clientSecret',
    });
    expect(await client.json('GET', '/connections')).toMatchObject({ items: [] });
    // A credential that is kept counts.
    await client.json('PUT', '/connections/cloud', { ...entra, clientSecret: 's3cret' });
    await client.json('PUT', '/connections/cloud', { ...entra, includeGuests: false });
    // And stands in nobody's way.
    await client.json('PUT', '/connections/cloud', { ...entra, certificate: { file: 'application.pem' } });
    const scim = { type: 'scim', url: 'https://app.example.com/scim' };
    await client.json('PUT', '/connections/app', { ...scim, token: 's3cret' });
    const oauth = { tokenUrl: 'https://app.example.com/token', clientId: 'me', clientSecret: 's3cret' };
    await client.json('PUT', '/connections/app', { ...scim, oauth });
  });

  test('secrets go in and never come out; one that is left out is kept', async () => {
    await using client = await start();
    const ldap = {
      type: 'ldap',
      url: 'ldap://127.0.0.1:1',
      baseDn: 'dc=x',
      bindDn: 'cn=a',
      password: 's3cret',
    };
    const saved = await client.send('PUT', '/connections/corp', ldap);
    expect(await saved.text()).not.toContain('s3cret');
    const { password: _, ...rest } = ldap;
    const again = await client.json<{ secrets: string[]; configuration: object }>(
      'PUT',
      '/connections/corp',
      rest,
    );
    expect(again.secrets).toEqual(['password']);
    expect(again.configuration).toMatchObject(rest);
    const { rows } = await sql<{
      settings: string;
    }>`select settings::text as settings from connection`.execute(client.app.store.db);
    expect(rows[0]?.settings).not.toContain('s3cret');
    const file = await client.send('PUT', '/connections/corp', {
      ...ldap,
      password: { file: '/etc/passwd' },
    });
    expect(await problem(file, 400)).toMatchObject({ code: 'InvalidConfiguration', field: 'password' });
    await client.json('DELETE', '/connections/corp');
    await problem(await client.send('GET', '/connections/corp'), 404);
  });

  test('a sync is checked when it is saved', async () => {
    await using client = await start();
    await withSync(client);
    const sync = await client.json<{ id: string; nextRunAt: string }>('GET', '/syncs/in');
    expect(Date.parse(sync.nextRunAt)).toBeGreaterThan(Date.now());
    expect(await client.json('GET', `/syncs/${sync.id}`)).toMatchObject({ name: 'in' });
    const refused = async (change: object): Promise<Problem> => {
      const told = await problem(await client.send('PUT', '/syncs/in', { ...ingress, ...change }), 400);
      expect(routes.putSync.errors).toContain(told.code);
      return told;
    };
    expect(await refused({ connection: 'none' })).toMatchObject({ field: 'syncs.in.connection' });
    expect(await refused({ schedule: { cron: 'never' } })).toMatchObject({ code: 'InvalidSchedule' });
    expect(await refused({ map: { user: { mail: { cel: 'user.(' } } } })).toMatchObject({
      code: 'InvalidExpression',
    });
    expect(await refused({ match: ['shoeSize'] })).toMatchObject({ field: 'syncs.in.match.0' });
    const nested = [
      { source: 'dc=example', target: '/' },
      { source: 'ou=a,dc=example', target: '/a' },
    ];
    expect(await refused({ scopes: nested })).toMatchObject({ field: 'syncs.in.scopes.1.source' });
    const scope = (change: object): Promise<Problem> =>
      refused({ scopes: [{ source: 'dc=example', target: '/', ...change }] });
    expect(await scope({ source: 'dc=other' })).toMatchObject({ field: 'syncs.in.scopes.0.source' });
    expect(await scope({ source: 'example' })).toMatchObject({
      code: 'InvalidDn',
      field: 'syncs.in.scopes.0.source',
    });
    expect(await scope({ target: 'a' })).toMatchObject({ field: 'syncs.in.scopes.0.target' });
    expect(await scope({ filter: '(a=b)' })).toMatchObject({ field: 'syncs.in.scopes.0.filter' });
    await problem(await client.send('DELETE', '/connections/source'), 409);
    await client.json('DELETE', '/syncs/in');
    await client.json('DELETE', '/connections/source');
  });

  test('one unfinished job per sync, however many ask at once', async () => {
    await using client = await start();
    await withSync(client);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        client.json<{ job: { id: string }; created: boolean }>('POST', '/syncs/in/jobs', { mode: 'apply' }),
      ),
    );
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.job.id)).size).toBe(1);
    expect(client.app.sent).toHaveLength(1);
    const { id } = answers[0]?.job ?? { id: '' };
    await problem(await client.send('POST', `/jobs/${id}/approve`), 409);
    await problem(await client.send('DELETE', '/syncs/in'), 409);
    expect(await client.json('POST', `/jobs/${id}/cancel`)).toMatchObject({ status: 'cancelled' });
    expect(await client.json('POST', `/jobs/${id}/cancel`)).toMatchObject({ status: 'cancelled' });
    const next = await client.json<{ created: boolean }>('POST', '/syncs/in/jobs', {});
    expect(next.created).toBe(true);
  });

  test('jobs are listed newest first, page by page, with filters', async () => {
    await using client = await start();
    await withSync(client);
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const mode = count % 2 === 0 ? 'apply' : 'dryRun';
      const { job } = await client.json<{ job: { id: string } }>('POST', '/syncs/in/jobs', { mode });
      ids.unshift(job.id);
      await client.json('POST', `/jobs/${job.id}/cancel`);
    }
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const after: string = next === '' ? '' : `&after=${next}`;
      const page: { items: { id: string }[]; next: string | null } = await client.json(
        'GET',
        `/jobs?limit=2${after}`,
      );
      seen.push(...page.items.map((job) => job.id));
      next = page.next;
    }
    expect(seen).toEqual(ids);
    const dry = await client.json<{ items: { mode: string }[] }>(
      'GET',
      '/jobs?mode=dryRun&sync=in&status=cancelled&status=held',
    );
    expect(dry.items.map((job) => job.mode)).toEqual(['dryRun', 'dryRun']);
    const none = await client.json<{ items: [] }>('GET', '/jobs?startedAfter=2100-01-01T00:00:00Z');
    expect(none.items).toEqual([]);
    await problem(await client.send('GET', '/jobs?startedAfter=yesterday'), 400);
    const second = `/jobs?startedAfter=1970-01-01T00:00:00Z&after=${ids[0]}`;
    await sql`update job set started_at = now()`.execute(client.app.store.db);
    expect((await client.json<{ items: [] }>('GET', second)).items).toHaveLength(4);
  });

  test('secrets that the master key does not open any more are entered again', async () => {
    const app = await openIdleApplication(await makeStore());
    const settings = { url: 'ldap://h', bindDn: 'cn=a', baseDn: 'dc=x' };
    const connections = [{ name: 'corp', type: 'ldap', settings, secrets: { password: 'geheim' } }];
    const configuration = { connections, syncs: [] };
    const corp = { ...settings, type: 'ldap' };
    const withNewKey = () => serveApplication({ ...app, vault: new SecretBox(randomBytes(32)) });
    await using first = await withNewKey();
    await first.json('PUT', '/configuration', configuration);
    await using second = await withNewKey();
    expect(await second.json('GET', '/connections')).toMatchObject({ items: [{ name: 'corp' }] });
    await problem(await second.send('PUT', '/connections/corp', corp), 400);
    const { changes } = await second.json<{ changes: unknown[] }>('PUT', '/configuration', configuration);
    expect(changes).toMatchObject([{ action: 'update', fields: [{ field: 'password', secret: 'given' }] }]);
    expect(await second.json('PUT', '/configuration', configuration)).toEqual({ changes: [] });
    const bare = { connections: [{ ...connections[0], secrets: {} }], syncs: [] };
    expect(await second.json('PUT', '/configuration', bare)).toMatchObject({
      changes: [{ action: 'update', fields: [{ field: 'password', secret: 'removed' }] }],
    });
    await using third = await withNewKey();
    const entered = await third.json('PUT', '/connections/corp', { ...corp, password: 'geheim' });
    expect(entered).toMatchObject({ secrets: ['password'] });
  });

  test('a key that belongs to another list is refused, whatever it holds', async () => {
    await using client = await start();
    await withSync(client);
    await client.json('POST', '/directory/users', { name: 'ann' });
    const { job } = await client.json<{ job: { id: string } }>('POST', '/syncs/in/jobs', {});
    const same = `/jobs/${job.id}/changes?operation=same&`;
    const keys: [string, unknown[]][] = [
      ['/syncs?', ['name', 'syn_x']],
      ['/syncs?', [2 ** 40, 'syn_x']],
      ['/directory/users/ann/changes?', [job.id, 'second']],
      [same, ['object', 'user', '\u0000']],
    ];
    for (const [list, parts] of keys) {
      const key = Buffer.from(JSON.stringify(parts)).toString('base64url');
      expect(await problem(await client.send('GET', `${list}after=${key}`), 400)).toMatchObject({
        field: 'after',
      });
    }
  });

  test('a connection that gets another name in the configuration stays the one it was', async () => {
    await using client = await start();
    await client.json('PUT', '/configuration', named('before'));
    const { connectionId } = await client.json<{ connectionId: string }>('GET', '/syncs/in');
    const { changes } = await client.json<{ changes: object[] }>('PUT', '/configuration', named('after'));
    expect(changes).toMatchObject([
      { action: 'update', resource: 'connection', fields: [{ before: 'before', after: 'after' }] },
      { action: 'update', resource: 'sync', fields: [{ field: 'connection' }] },
    ]);
    expect(await client.json('GET', '/syncs/in')).toMatchObject({
      connectionId,
      configuration: { connection: 'after' },
    });
    expect(await client.json('PUT', '/configuration', named('after'))).toEqual({ changes: [] });
  });

  test('a whole configuration is applied, compared and trimmed', async () => {
    await using client = await start();
    const settings = { path: '/data/in.ldif' };
    const configuration = {
      connections: [
        { name: 'source', type: 'file', settings, secrets: {} },
        { name: 'copy', type: 'file', settings: { path: '/data/out.ldif' } },
      ],
      syncs: [
        { name: 'in', settings: { connection: 'source', direction: 'ingress' } },
        { name: 'out', settings: { connection: 'copy', direction: 'egress' } },
      ],
      precedence: { mail: ['in'] },
    };
    interface Difference {
      changes: { action: string; resource: string; name: string; fields: { field: string }[] }[];
    }
    const trial = await client.json<Difference>('POST', '/configuration/difference', configuration);
    expect(trial.changes.map((change) => `${change.action} ${change.resource} ${change.name}`)).toEqual([
      'create connection source',
      'create connection copy',
      'create sync in',
      'create sync out',
      'update precedence precedence',
    ]);
    expect(await client.json('GET', '/syncs')).toMatchObject({ items: [] });
    await client.json('PUT', '/configuration', configuration);
    expect(await client.json('PUT', '/configuration', configuration)).toEqual({ changes: [] });
    const syncs = await client.json<{ items: { name: string; position: number }[] }>('GET', '/syncs');
    expect(syncs.items.map((sync) => [sync.name, sync.position])).toEqual([
      ['in', 0],
      ['out', 1],
    ]);
    const trimmed = {
      ...configuration,
      connections: configuration.connections.slice(0, 1),
      syncs: configuration.syncs.slice(0, 1),
    };
    const difference = await client.json<Difference>('PUT', '/configuration', trimmed);
    expect(difference.changes.map((change) => `${change.action} ${change.name}`)).toEqual([
      'delete out',
      'delete copy',
    ]);
    expect(await client.json('GET', '/connections')).toMatchObject({ items: [{ name: 'source' }] });
    const broken = {
      ...trimmed,
      syncs: [{ name: 'in', settings: { connection: 'gone', direction: 'ingress' } }],
    };
    await problem(await client.send('PUT', '/configuration', broken), 400);
    expect(await client.json('PUT', '/configuration', trimmed)).toEqual({ changes: [] });
  });
});
