import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { CreatedConnectionToken } from '@lockstep/contract/connection-token.ts';
import type { TokenView } from '@lockstep/contract/token.ts';
import { openIdleApplication } from '../../../../../test/servers/application.ts';
import { expectProblem } from '../../../../../test/servers/api-client.ts';
import { pushUser, serveScim, urn, type ScimClient } from '../../../../../test/servers/scim-client.ts';
import { describeOnServerStore } from '../../../../../test/servers/shared-store.ts';

const day = 24 * 60 * 60 * 1000;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const ends = (inMilliseconds: number) => new Date(Date.now() + inMilliseconds).toISOString();

describeOnServerStore('tokens of those who push', (makeStore) => {
  async function start(settings = {}): Promise<ScimClient> {
    return serveScim(await openIdleApplication(await makeStore()), settings);
  }

  test('several live at once, and each ends by itself', async () => {
    await using client = await start();
    const { api } = client;
    const second = await api.json<CreatedConnectionToken>('POST', '/connections/hr/tokens', {
      label: 'entra',
    });
    expect(second).toMatchObject({ label: 'entra', status: 'active', expiresAt: null, path: '/scim/v2/hr' });
    expect(second.token).toMatch(/^scim_[A-Za-z0-9]{43}$/);
    await client.expect(200, 'GET', '/Users', undefined, bearer(second.token));
    const listed = await api.json<{ items: TokenView[] }>('GET', '/connections/hr/tokens');
    expect(listed.items.map(({ label, lastUsedAt }) => [label, lastUsedAt === null])).toEqual([
      ['', true],
      ['entra', false],
    ]);
    expect(JSON.stringify(listed)).not.toContain(second.token);
    const stored = await api.app.store.db.selectFrom('scim_token').selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain(second.token);
    await api.json('DELETE', `/connections/hr/tokens/${second.id}`);
    await client.expect(401, 'GET', '/Users', undefined, bearer(second.token));
    await client.expect(200, 'GET', '/Users');
    await expectProblem(await api.send('DELETE', '/connections/hr/tokens/tok_none'), 404);
  });

  test('no answer tells a wrong token from a wrong connection', async () => {
    await using client = await start();
    const { api, token } = client;
    await api.json('PUT', '/connections/other', { type: 'scim_server' });
    await api.json('PUT', '/connections/ldif', { type: 'file', path: 'x.ldif' });
    const get = async (path: string, headers = bearer(token)) => {
      const response = await fetch(`${api.url}/scim/v2/${path}`, { headers });
      const { headers: answered, status } = response;
      expect(answered.get('www-authenticate')).toBe('Bearer');
      return [status, await response.text()] as const;
    };
    const refusal = await get('nowhere/Users');
    expect(refusal[0]).toBe(401);
    expect(JSON.parse(refusal[1])).toMatchObject({ schemas: [urn.error], status: '401' });
    expect(await get('other/Users')).toEqual(refusal);
    expect(await get('ldif/Users')).toEqual(refusal);
    expect(await get('hr/Users', bearer('wrong'))).toEqual(refusal);
    expect(await get('hr/Users', bearer(api.app.credentials.apiToken))).toEqual(refusal);
    expect(await get('hr/Users', { authorization: '' })).toEqual(refusal);
    await expectProblem(await api.send('GET', '/identity', undefined, bearer(token)), 401);
    await expectProblem(await api.send('POST', '/connections/ldif/tokens', {}), 409);
    await expectProblem(await api.send('POST', '/connections/nowhere/tokens', {}), 404);
  });

  test('one tenant does not reach the connection of another by its name', async () => {
    await using client = await start();
    const { app } = client.api;
    await pushUser(client, 'ada');
    await sql`insert into tenant (id, name) values ('idaas_other', 'other')`.execute(app.store.db);
    await sql`
      insert into connection (id, tenant_id, name, type, settings)
      values ('idp_other', 'idaas_other', 'hr', 'scim_server', '{}')`.execute(app.store.db);
    await sql`
      insert into scim_token (id, connection_id, token_hash)
      values ('tok_other', 'idp_other', sha256('theirs'))`.execute(app.store.db);
    expect((await client.expect(200, 'GET', '/Users', undefined, bearer('theirs'))).body.totalResults).toBe(
      0,
    );
    expect((await client.expect(200, 'GET', '/Users')).body.totalResults).toBe(1);
  });

  test('the end of a token is announced, and comes', async () => {
    await using client = await start();
    const { api } = client;
    await expectProblem(await api.send('POST', '/connections/hr/tokens', { expiresAt: ends(-day) }), 400);
    const make = async (expiresAt: string) =>
      api.json<CreatedConnectionToken>('POST', '/connections/hr/tokens', { expiresAt });
    const long = await make(ends(30 * day));
    const short = await make(ends(3 * day));
    expect([long.status, short.status]).toEqual(['active', 'expiring']);
    const calm = await client.expect(200, 'GET', '/Users', undefined, bearer(long.token));
    expect(calm.headers.get('warning')).toBeNull();
    const warned = await client.expect(200, 'GET', '/Users', undefined, bearer(short.token));
    expect(warned.headers.get('warning')).toBe(`299 lockstep "token ${short.id} ends at ${short.expiresAt}"`);
    await sql`update scim_token set expires_at = now() - interval '1 second' where id = ${long.id}`.execute(
      api.app.store.db,
    );
    const deadline = Date.now() + 10_000;
    let status = 200;
    // It is believed for a second after it was found good.
    while (status === 200 && Date.now() < deadline) {
      await delay(50);
      ({ status } = await client.send('GET', '/Users?count=0', undefined, bearer(long.token)));
    }
    expect(status).toBe(401);
    const listed = await api.json<{ items: TokenView[] }>('GET', '/connections/hr/tokens');
    expect(listed.items.map((each) => each.status)).toEqual(['active', 'expired', 'expiring']);
  });

  test('nothing is written for a connection that was deleted since its token was believed', async () => {
    await using client = await start();
    await client.expect(200, 'GET', '/Users');
    await client.api.json('DELETE', '/connections/hr');
    await client.expect(401, 'POST', '/Users', { schemas: [urn.user], userName: 'ada' });
  });

  test('too many requests are told when to come again', async () => {
    await using client = await start({ requestsPerSecond: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.send('GET', '/Users?count=0')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(3);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(refused[0]?.body).toMatchObject({ schemas: [urn.error], status: '429' });
    const guesses = await Promise.all(
      Array.from({ length: 60 }, () => client.send('GET', '/Users', undefined, bearer('guess'))),
    );
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401, 429]));
  });
});
