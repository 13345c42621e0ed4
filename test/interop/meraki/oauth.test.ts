import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Store } from '../../../server/src/store/store.ts';
import { countWaiting, describeOnServerStore } from '../../servers/shared-store.ts';
import { serveMeraki, type MerakiApi } from './meraki-api.ts';

interface Client {
  id: string;
  secret: string | null;
}
interface Tokens {
  access_token: string;
  refresh_token: string;
  scope: string;
  token_type: string;
  expires_in: number;
}

const redirectUri = 'https://client.example/callback?tab=1';
const read = 'dashboard:iam:config:read';
const write = 'dashboard:iam:config:write';
const telemetry = 'dashboard:iam:telemetry:read';

async function makeClient(api: MerakiApi, more: object = {}): Promise<Client> {
  const body = { name: 'Portal <b>', redirectUris: [redirectUri], ...more };
  return (await api.native('POST', '/oauth-clients', body)) as Client;
}

async function post(
  api: MerakiApi,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  return fetch(`${api.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
    redirect: 'manual',
  });
}

function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

function authorizationRequest(client: Client, challenge: string, more: Record<string, string> = {}) {
  return {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirectUri,
    state: 'st&te',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  };
}

/** Goes through the page as a person does. @returns where the browser is sent */
async function decide(api: MerakiApi, request: Record<string, string>, answer: object = {}): Promise<URL> {
  const form = { ...request, decision: 'allow', api_token: api.app.credentials.apiToken, ...answer };
  const response = await post(api, '/oauth/authorize', form);
  expect(response.status, await response.clone().text()).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}

async function getCode(api: MerakiApi, client: Client, challenge: string, scope: string): Promise<string> {
  const back = await decide(api, authorizationRequest(client, challenge, { scope }));
  expect(back.searchParams.get('state')).toBe('st&te');
  return back.searchParams.get('code') ?? '';
}

function secretOf(client: Client): Record<string, string> {
  return { client_id: client.id, ...(client.secret === null ? {} : { client_secret: client.secret }) };
}

async function exchange(api: MerakiApi, client: Client, form: Record<string, string>): Promise<Tokens> {
  const response = await post(api, '/oauth/token', { ...secretOf(client), ...form });
  expect(response.status, await response.clone().text()).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.json()) as Tokens;
}

async function expectError(response: Response, status: number, error: string): Promise<void> {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  expect(JSON.parse(text)).toEqual({ error, error_description: expect.any(String) });
}

function byCode(code: string, verifier: string) {
  return { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
}

async function statusWith(api: MerakiApi, token: string, method: string, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${token}` };
  const address = `/api/v1/organizations/${api.organizationId}/iam/users${path}`;
  return (await api.send(method, address, body, headers)).status;
}

const lockClient = (client: Client) => async (trx: Store['db']) =>
  sql`select from oauth_client where id = ${client.id} for update`.execute(trx);
const lockGrants = (client: Client) => async (trx: Store['db']) =>
  sql`select from oauth_grant where client_id = ${client.id} for update`.execute(trx);

describeOnServerStore('OAuth', (makeStore) => {
  test('a person lets a client in, and its tokens do what their scopes say', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api);
    const { verifier, challenge } = pkce();
    const page = await fetch(
      `${api.url}/oauth/authorize?${new URLSearchParams(authorizationRequest(client, challenge)).toString()}`,
    );
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(html).toContain('Portal &lt;b&gt;');
    expect(page.headers.get('content-security-policy')).toContain(
      "form-action 'self' https://client.example;",
    );
    const code = await getCode(api, client, challenge, `${read} ${telemetry}`);
    const tokens = await exchange(api, client, byCode(code, verifier));
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: `${read} ${telemetry}` });
    const token = tokens.access_token;
    expect(await statusWith(api, token, 'POST', '/search', {})).toBe(200);
    expect(await statusWith(api, token, 'GET', '/idps/sync/history')).toBe(200);
    expect(await statusWith(api, token, 'POST', '/idps/users', { email: 'a@b.example' })).toBe(403);
    const narrow = await exchange(api, client, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
      scope: telemetry,
    });
    expect(narrow.scope).toBe(telemetry);
    expect(await statusWith(api, narrow.access_token, 'POST', '/search', {})).toBe(403);
    expect(await statusWith(api, narrow.access_token, 'GET', '/summaryPanel')).toBe(200);
    // Tokens are for the Meraki API only.
    expect(
      (await api.send('GET', '/lockstep/v1/identity', undefined, { authorization: `Bearer ${token}` }))
        .status,
    ).toBe(401);
    const { rows } = await sql<{ text: string }>`
      select row_to_json(t)::text as text from oauth_access_token t union all
      select row_to_json(t)::text from oauth_refresh_token t`.execute(api.app.store.db);
    expect(rows.map((row) => row.text).join('')).not.toContain(token);
  });

  test('a refresh token is good once, and its second use ends everything', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api);
    const { verifier, challenge } = pkce();
    const first = await exchange(api, client, byCode(await getCode(api, client, challenge, read), verifier));
    const second = await exchange(api, client, {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
    });
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await statusWith(api, second.access_token, 'POST', '/search', {})).toBe(200);
    const reuse = { ...secretOf(client), grant_type: 'refresh_token', refresh_token: first.refresh_token };
    await expectError(await post(api, '/oauth/token', reuse), 400, 'invalid_grant');
    const after = { ...reuse, refresh_token: second.refresh_token };
    await expectError(await post(api, '/oauth/token', after), 400, 'invalid_grant');
    expect(await statusWith(api, second.access_token, 'POST', '/search', {})).toBe(401);
  });

  test('a code is good once, for its client, its address and its verifier', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api);
    const other = await makeClient(api);
    const { verifier, challenge } = pkce();
    const code = async () => getCode(api, client, challenge, read);
    const wrong: [Client, Record<string, string>][] = [
      [other, byCode(await code(), verifier)],
      [client, byCode(await code(), pkce().verifier)],
      [client, { ...byCode(await code(), verifier), redirect_uri: 'https://client.example/other' }],
      [client, byCode('nonsense', verifier)],
    ];
    for (const [who, form] of wrong)
      await expectError(await post(api, '/oauth/token', { ...secretOf(who), ...form }), 400, 'invalid_grant');
    const used = await code();
    const tokens = await exchange(api, client, byCode(used, verifier));
    const again = { ...secretOf(client), ...byCode(used, verifier) };
    await expectError(await post(api, '/oauth/token', again), 400, 'invalid_grant');
    expect(await statusWith(api, tokens.access_token, 'POST', '/search', {})).toBe(401);
    const late = await code();
    await sql`update oauth_code set expires_at = now() - interval '1 day' where used_at is null`.execute(
      api.app.store.db,
    );
    await expectError(
      await post(api, '/oauth/token', { ...secretOf(client), ...byCode(late, verifier) }),
      400,
      'invalid_grant',
    );
  });

  test('a client has access of its own, with its secret only', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api, { scopes: [read, write] });
    const grant = { grant_type: 'client_credentials' };
    const tokens = await exchange(api, client, { ...grant, scope: write });
    expect(tokens).not.toHaveProperty('refresh_token');
    expect(await statusWith(api, tokens.access_token, 'POST', '/idps/users', { email: 'a@b.example' })).toBe(
      201,
    );
    expect(await statusWith(api, tokens.access_token, 'POST', '/search', {})).toBe(403);
    const basic = (secret: string) => ({
      authorization: `Basic ${Buffer.from(`${client.id}:${secret}`).toString('base64')}`,
    });
    expect((await post(api, '/oauth/token', grant, basic(client.secret ?? ''))).status).toBe(200);
    const refused = await post(api, '/oauth/token', grant, basic('wrong'));
    expect(refused.headers.get('www-authenticate')).toContain('Basic');
    await expectError(refused, 401, 'invalid_client');
    await expectError(
      await post(api, '/oauth/token', { ...grant, client_id: client.id }),
      401,
      'invalid_client',
    );
    await expectError(
      await post(api, '/oauth/token', { ...grant, ...secretOf(client), scope: telemetry }),
      400,
      'invalid_scope',
    );
    await expectError(
      await post(api, '/oauth/token', { ...secretOf(client), grant_type: 'password' }),
      400,
      'unsupported_grant_type',
    );
    await expectError(await post(api, '/oauth/token', secretOf(client)), 400, 'invalid_request');
    const twice = await fetch(`${api.url}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&grant_type=refresh_token',
    });
    await expectError(twice, 400, 'invalid_request');
    const json = await fetch(`${api.url}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await expectError(json, 400, 'invalid_request');
    await api.native('DELETE', `/oauth-clients/${client.id}`);
    expect(await statusWith(api, tokens.access_token, 'POST', '/idps/users', {})).toBe(401);
    await expectError(
      await post(api, '/oauth/token', { ...grant, ...secretOf(client) }),
      401,
      'invalid_client',
    );
  });

  test('a program without a secret is let in by people only', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api, { confidential: false, redirectUris: [redirectUri] });
    expect(client.secret).toBeNull();
    const { verifier, challenge } = pkce();
    const code = await getCode(api, client, challenge, read);
    expect((await exchange(api, client, byCode(code, verifier))).scope).toBe(read);
    await expectError(
      await post(api, '/oauth/token', { ...secretOf(client), grant_type: 'client_credentials' }),
      400,
      'unauthorized_client',
    );
  });

  test('a request that is not right goes back to the client, or to nobody', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api, { scopes: [read] });
    const request = authorizationRequest(client, pkce().challenge);
    const ask = async (form: Record<string, string>) =>
      fetch(`${api.url}/oauth/authorize?${new URLSearchParams(form).toString()}`, { redirect: 'manual' });
    for (const form of [
      { ...request, client_id: 'nobody' },
      { ...request, redirect_uri: 'https://evil.example/' },
      { ...request, redirect_uri: `${redirectUri}&x=1` },
    ]) {
      const page = await ask(form);
      expect([page.status, page.headers.get('location')]).toEqual([400, null]);
    }
    const wrong: [Record<string, string>, string][] = [
      [{ ...request, response_type: 'token' }, 'unsupported_response_type'],
      [{ ...request, code_challenge_method: 'plain' }, 'invalid_request'],
      [{ ...request, code_challenge: '' }, 'invalid_request'],
      [{ ...request, scope: write }, 'invalid_scope'],
    ];
    for (const [form, error] of wrong) {
      const back = new URL((await ask(form)).headers.get('location') ?? '');
      expect(back.origin + back.pathname).toBe('https://client.example/callback');
      expect(Object.fromEntries(back.searchParams)).toMatchObject({ tab: '1', error, state: 'st&te' });
    }
    expect((await decide(api, request, { decision: 'deny' })).searchParams.get('error')).toBe(
      'access_denied',
    );
    const page = await post(api, '/oauth/authorize', { ...request, decision: 'allow', api_token: 'wrong' });
    expect(page.status).toBe(401);
    expect(await page.text()).toContain('no valid API token');
  });

  test('clients are listed without their secrets, and their addresses are checked', async () => {
    await using api = await serveMeraki(await makeStore());
    const client = await makeClient(api);
    const list = JSON.stringify(await api.native('GET', '/oauth-clients'));
    expect(list).toContain(client.id);
    expect(list).not.toContain(client.secret);
    for (const uri of [
      'http://client.example/',
      'https://x.example/#a',
      'javascript:alert(1)',
      '/callback',
    ]) {
      const refused = await api.send('POST', '/lockstep/v1/oauth-clients', {
        name: 'x',
        redirectUris: [uri],
      });
      expect(refused.status, uri).toBe(400);
    }
  });

  test('who asks for tokens while the client goes is refused, and neither waits for the other', async () => {
    await using api = await serveMeraki(await makeStore());
    const { store } = api.app;
    /** What is answered to who asks while another transaction deletes the client and has gone this far. */
    const askMeanwhile = async (
      client: Client,
      begin: (trx: Store['db']) => Promise<unknown>,
      ask: () => Promise<Response>,
    ) => {
      const outside = AsyncLocalStorage.snapshot();
      const asked = await store.transaction(async (trx) => {
        await begin(trx);
        const answer = outside(ask);
        await expect.poll(async () => outside(async () => countWaiting(store))).toBe(1);
        await sql`delete from oauth_client where id = ${client.id}`.execute(trx);
        return { answer };
      });
      return asked.answer;
    };

    const coded = await makeClient(api);
    const { verifier, challenge } = pkce();
    const code = await getCode(api, coded, challenge, read);
    await expectError(
      await askMeanwhile(coded, lockGrants(coded), async () =>
        post(api, '/oauth/token', { ...secretOf(coded), ...byCode(code, verifier) }),
      ),
      400,
      'invalid_grant',
    );

    const refreshed = await makeClient(api);
    const first = byCode(await getCode(api, refreshed, challenge, read), verifier);
    const { refresh_token: token } = await exchange(api, refreshed, first);
    const refresh = { ...secretOf(refreshed), grant_type: 'refresh_token', refresh_token: token };
    await expectError(
      await askMeanwhile(refreshed, lockGrants(refreshed), async () => post(api, '/oauth/token', refresh)),
      400,
      'invalid_grant',
    );

    const own = await makeClient(api);
    const credentials = { ...secretOf(own), grant_type: 'client_credentials' };
    await exchange(api, own, credentials);
    // The grant is spent, and goes with the next request.
    await sql`delete from oauth_access_token`.execute(store.db);
    await expectError(
      await askMeanwhile(own, lockClient(own), async () => post(api, '/oauth/token', credentials)),
      401,
      'invalid_client',
    );

    const asking = await makeClient(api);
    const form = {
      ...authorizationRequest(asking, challenge),
      decision: 'allow',
      api_token: api.app.credentials.apiToken,
    };
    const back = await askMeanwhile(asking, lockClient(asking), async () =>
      post(api, '/oauth/authorize', form),
    );
    expect(back.status).toBe(303);
    expect(back.headers.get('location')).toContain('error=access_denied');
  });
});
