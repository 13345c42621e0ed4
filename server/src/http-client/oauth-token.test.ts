import { execFile } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jwtVerify } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpClient } from './client.ts';
import type { ClientCredential } from './client-assertion.ts';
import { OAuthToken } from './oauth-token.ts';

const run = promisify(execFile);

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function tokenServer(
  credential: ClientCredential,
  answers: { status: number; body: unknown }[] = [],
): Promise<{
  token: OAuthToken;
  time: { now: number };
  tokenUrl: string;
  seen: { form: URLSearchParams; authorization: string | undefined }[];
}> {
  const seen: Awaited<ReturnType<typeof tokenServer>>['seen'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      seen.push({ form: new URLSearchParams(body), authorization: request.headers.authorization });
      const answer = answers[seen.length - 1] ?? {
        status: 200,
        body: { access_token: `t${seen.length}`, token_type: 'Bearer', expires_in: 3600 },
      };
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const client = new HttpClient({ baseUrl: tokenUrl, systemName: 'the token server', retries: 0 });
  cleanups.push(async () => {
    await client[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const time = { now: 0 };
  const token = new OAuthToken({
    client,
    tokenUrl,
    clientId: 'client one',
    credential,
    scope: 'read write',
    systemName: 'the token server',
    now: () => time.now,
  });
  return { token, time, tokenUrl, seen };
}

const secret: ClientCredential = { kind: 'secret', secret: 'hush:+' };

describe('OAuthToken', () => {
  test('asks once for all callers, keeps the token and renews it before it ends', async () => {
    const { token, time, seen } = await tokenServer(secret);
    const first = await Promise.all([token.authorization(), token.authorization()]);
    expect(first).toEqual(['Bearer t1', 'Bearer t1']);
    time.now = 3200_000;
    expect(await token.authorization()).toBe('Bearer t1');
    time.now = 3301_000;
    expect(await token.authorization()).toBe('Bearer t2');
    expect(seen).toHaveLength(2);
    expect(Object.fromEntries(seen[0]!.form)).toEqual({
      grant_type: 'client_credentials',
      scope: 'read write',
      client_id: 'client one',
      client_secret: 'hush:+',
    });
  });

  test('a token that was forgotten is not used again', async () => {
    const { token } = await tokenServer(secret);
    await token.authorization();
    token.forget();
    expect(await token.authorization()).toBe('Bearer t2');
  });

  test('a renewal that fails for a moment costs nothing while the token is good', async () => {
    const good = { access_token: 't1', expires_in: 3600 };
    const { token, time } = await tokenServer(secret, [
      { status: 200, body: good },
      { status: 500, body: {} },
      { status: 500, body: {} },
    ]);
    await token.authorization();
    time.now = 3400_000;
    expect(await token.authorization()).toBe('Bearer t1');
    time.now = 3601_000;
    await expect(token.authorization()).rejects.toMatchObject({ code: 'ConnectionFailed' });
  });

  test('the basic method puts id and secret, form-encoded, into Authorization', async () => {
    const { token, seen } = await tokenServer({ kind: 'secret', secret: 'hush:+', method: 'basic' });
    await token.authorization();
    const [scheme, value] = seen[0]!.authorization!.split(' ');
    expect(scheme).toBe('Basic');
    expect(Buffer.from(value!, 'base64').toString()).toBe('client+one:hush%3A%2B');
    expect(seen[0]?.form.has('client_secret')).toBe(false);
  });

  test('a certificate signs an assertion that names it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'oauth-'));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const request = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=client -keyout';
    await run('openssl', [...request.split(' '), key, '-out', cert]);
    const pem = readFileSync(key, 'utf8') + readFileSync(cert, 'utf8');
    rmSync(directory, { recursive: true });
    const { token, seen, tokenUrl } = await tokenServer({ kind: 'certificate', pem });
    await token.authorization();
    const assertion = seen[0]!.form.get('client_assertion')!;
    const { payload, protectedHeader } = await jwtVerify(assertion, createPublicKey(pem), {
      audience: tokenUrl,
      issuer: 'client one',
      subject: 'client one',
    });
    const certificate = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')));
    expect(protectedHeader).toMatchObject({
      alg: 'PS256',
      'x5t#S256': Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
    });
    expect(payload.jti).toBeTruthy();
    expect(seen[0]!.form.get('client_assertion_type')).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    );
  });

  test('a PEM text without a key is a fault of the configuration', async () => {
    const { token } = await tokenServer({ kind: 'certificate', pem: 'nothing' });
    await expect(token.authorization()).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });

  test('a federated token is read anew for each request', async () => {
    let number = 0;
    const { token, seen } = await tokenServer({
      kind: 'federated',
      read: () => Promise.resolve(`jwt${(number += 1)}\n`),
    });
    await token.authorization();
    token.forget();
    await token.authorization();
    expect(seen.map(({ form }) => form.get('client_assertion'))).toEqual(['jwt1', 'jwt2']);
  });

  test('a refusal says what the server said and never the secret', async () => {
    const body = { error: 'invalid_client', error_description: 'bad secret' };
    const { token } = await tokenServer(secret, [{ status: 401, body }]);
    const error = await token.authorization().catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'AuthenticationRejected' });
    expect(String(error)).toContain('invalid_client: bad secret');
    expect(JSON.stringify(error) + String(error)).not.toContain('hush');
  });

  test.each([
    [{}],
    [{ access_token: 'a b' }],
    [{ access_token: 'a', token_type: 'mac' }],
    [{ access_token: 'a', expires_in: 'x' }],
  ])('an answer of success without a usable token is refused: %j', async (body) => {
    const { token } = await tokenServer(secret, [{ status: 200, body }]);
    await expect(token.authorization()).rejects.toMatchObject({ code: 'ProtocolError' });
  });
});
