import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import type { JsonObject } from '../json.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';
import { makeJwt } from './jwt.ts';
import { makeKeyPair } from './key-pair.ts';

let graph: GraphSimulator;
let certificate: X509Certificate;
let key: KeyObject;

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  const pair = await makeKeyPair(dirname(graph.caFile), 'registered');
  certificate = new X509Certificate(pair.certificate);
  key = createPrivateKey(pair.key);
  graph.authority.applications.set(graph.clientId, {
    clientId: graph.clientId,
    secrets: [{ value: graph.clientSecret }],
    certificates: [certificate.toString()],
  });
});
afterAll(() => graph.stop());

const endpoint = (): string => `${graph.authorityUrl}/${graph.tenantId}/oauth2/v2.0/token`;

async function requestToken(
  fields: Readonly<Record<string, string | undefined>>,
  tenant = graph.tenantId,
): Promise<{ status: number; body: JsonObject }> {
  const usual = {
    grant_type: 'client_credentials',
    client_id: graph.clientId,
    client_secret: graph.clientSecret,
    scope: 'https://graph.microsoft.com/.default',
  };
  const given = Object.entries({ ...usual, ...fields }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  const response = await fetch(`${graph.authorityUrl}/${tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'client-request-id': 'c0ffee00-0000-4000-8000-000000000000' },
    body: new URLSearchParams(given),
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

/** An assertion of the application's own, signed with its certificate. */
function assertion(
  header: JsonObject,
  claims: JsonObject = {},
  signingKey = key,
): Record<string, string | undefined> {
  const seconds = Math.floor(Date.now() / 1000);
  const usual = {
    iss: graph.clientId,
    sub: graph.clientId,
    aud: endpoint(),
    nbf: seconds,
    exp: seconds + 600,
    jti: 'x',
  };
  return {
    client_secret: undefined,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: makeJwt(header, { ...usual, ...claims }, signingKey),
  };
}
const thumbprint = (algorithm: string): string =>
  createHash(algorithm).update(certificate.raw).digest('base64url');

/** A request of Graph with this token. */
const askWith = (token: string): ReturnType<typeof ask> =>
  ask(graph, 'GET', '/organization', undefined, { token });

describe('discovery', () => {
  it('names the endpoints of the tenant, with jwks_uri', async () => {
    const response = await fetch(
      `${graph.authorityUrl}/${graph.tenantId}/v2.0/.well-known/openid-configuration`,
    );
    const body = (await response.json()) as Record<string, string>;
    expect(body).toMatchObject({
      token_endpoint: endpoint(),
      issuer: `${graph.authorityUrl}/${graph.tenantId}/v2.0`,
    });
    const keys = (await (await fetch(body['jwks_uri']!)).json()) as { keys: unknown[] };
    expect(keys.keys).toEqual([expect.objectContaining({ kty: 'RSA', use: 'sig' })]);
  });

  it('refuses an unknown tenant with AADSTS90002', async () => {
    const response = await fetch(
      `${graph.authorityUrl}/unknown.example/v2.0/.well-known/openid-configuration`,
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
  });
});

describe('the token endpoint', () => {
  it('gives a bearer token with its life', async () => {
    const { status, body } = await requestToken({});
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 });
    expect(
      (await ask(graph, 'GET', '/organization', undefined, { token: String(body['access_token']) })).status,
    ).toBe(200);
  });

  it('writes errors in the documented shape', async () => {
    const { status, body } = await requestToken({ client_secret: 'wrong' });
    expect(status).toBe(401);
    expect(body).toEqual({
      error: 'invalid_client',
      error_description: expect.stringMatching(
        /^AADSTS7000215: Invalid client secret provided\..* Trace ID: \S+ Correlation ID: c0ffee00-\S+ Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/,
      ) as unknown,
      error_codes: [7000215],
      timestamp: expect.any(String) as unknown,
      trace_id: expect.any(String) as unknown,
      correlation_id: 'c0ffee00-0000-4000-8000-000000000000',
      error_uri: 'https://login.microsoftonline.com/error?code=7000215',
    });
  });

  it.each<[string, Record<string, string | undefined>, number, string]>([
    ['no grant type', { grant_type: undefined }, 900144, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, 70003, 'unsupported_grant_type'],
    ['an unknown application', { client_id: 'nobody' }, 700016, 'unauthorized_client'],
    ['no credential', { client_secret: undefined }, 7000216, 'invalid_client'],
    ['no scope', { scope: undefined }, 900144, 'invalid_request'],
    ['a scope of a user', { scope: 'User.Read' }, 1002012, 'invalid_scope'],
    ['an unknown resource', { scope: 'https://other.example/.default' }, 500011, 'invalid_resource'],
  ])('refuses %s', async (_, fields, number, error) => {
    expect((await requestToken(fields)).body).toMatchObject({ error, error_codes: [number] });
  });

  it('refuses an unknown tenant', async () => {
    expect((await requestToken({}, 'unknown.example')).body).toMatchObject({ error_codes: [90002] });
  });

  it('refuses a disabled application', async () => {
    graph.authority.applications.set('off', { clientId: 'off', secrets: [{ value: 's' }], disabled: true });
    expect((await requestToken({ client_id: 'off', client_secret: 's' })).body).toMatchObject({
      error_codes: [7000112],
    });
  });

  it('counts token requests and can be out of order', async () => {
    graph.requests.reset();
    graph.loginFaults.plan({ fault: { kind: 'status', status: 503, retryAfter: 1 } });
    const response = await fetch(endpoint(), { method: 'POST', body: '' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(graph.requests.tokens).toBe(1);
  });
});

describe('certificate assertions', () => {
  it.each([
    ['x5t', () => ({ x5t: thumbprint('sha1') })],
    ['x5t#S256', () => ({ 'x5t#S256': thumbprint('sha256') })],
  ])('are found by %s', async (_, header) => {
    expect((await requestToken(assertion(header()))).status).toBe(200);
  });

  it('are refused when another key has signed them', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const { body } = await requestToken(assertion({ x5t: thumbprint('sha1') }, {}, other));
    expect(body).toMatchObject({ error: 'invalid_client', error_codes: [700027] });
  });

  it.each<[string, JsonObject, number]>([
    ['for another endpoint', { aud: 'https://other.example' }, 700023],
    ['that has expired', { exp: 1000 }, 700024],
    ['of a time to come', { nbf: 99_999_999_999 }, 700024],
    ['of another application', { sub: 'other' }, 700021],
  ])('are refused when made %s', async (_, claims, number) => {
    expect((await requestToken(assertion({ x5t: thumbprint('sha1') }, claims))).body).toMatchObject({
      error_codes: [number],
    });
  });

  it('are refused when they are no tokens at all', async () => {
    const fields = { ...assertion({}), client_assertion: 'nonsense' };
    expect((await requestToken(fields)).body).toMatchObject({ error_codes: [50027] });
  });
});

describe('bearer tokens at Graph', () => {
  it('are refused with InvalidAuthenticationToken and a challenge', async () => {
    for (const token of ['', 'nonsense', graph.authority.issue({ clientId: 'x' }, 'https://other.example')]) {
      const answer = await askWith(token);
      expect([answer.status, answer.code]).toEqual([401, 'InvalidAuthenticationToken']);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="", authorization_uri="https:/);
    }
  });

  it('end with their time, with a claims challenge', async () => {
    const token = graph.authority.issue({ clientId: graph.clientId });
    expect((await askWith(token)).status).toBe(200);
    graph.advanceClock(3600);
    const answer = await askWith(token);
    expect([answer.status, answer.message]).toEqual([
      401,
      'Lifetime validation failed, the token is expired.',
    ]);
    const claims = /claims="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1] ?? '';
    expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toHaveProperty('access_token');
  });

  it('can all be ended at once; new ones are taken', async () => {
    const token = graph.authority.issue({ clientId: graph.clientId });
    graph.expireAccessTokens();
    expect((await askWith(token)).status).toBe(401);
    expect((await askWith(graph.authority.issue({ clientId: graph.clientId }))).status).toBe(200);
  });

  it('open only what their roles allow', async () => {
    const token = graph.authority.issue({ clientId: 'reader', roles: ['User.Read.All'] });
    expect((await ask(graph, 'GET', '/users', undefined, { token })).status).toBe(200);
    const refused = await ask(graph, 'GET', '/groups', undefined, { token });
    expect([refused.status, refused.code]).toEqual([403, 'Authorization_RequestDenied']);
    expect((await ask(graph, 'POST', '/users', {}, { token })).status).toBe(403);
  });
});
