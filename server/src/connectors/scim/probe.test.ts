import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scimConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { issueCertificate, makeAuthority } from '../../../../test/servers/certificates.ts';
import type { TestStep } from '../../sync/connector.ts';
import { scimConnector } from './connector.ts';

const opened = new AsyncDisposableStack();
let folder: string;
let url: string;
let tokens = 0;

/** A service over TLS that wants a token of its own authorization server. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-probe-'));
  opened.defer(() => rm(folder, { recursive: true }));
  const authority = await makeAuthority(folder);
  const { certFile, keyFile } = await issueCertificate(authority, folder, 'server', ['IP:127.0.0.1']);
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  const server = createServer({ cert, key }, (request, response) => {
    const answer = (status: number, json: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    request.resume();
    if (request.url === '/token') {
      tokens += 1;
      const basic = `Basic ${Buffer.from('app:good').toString('base64')}`;
      return request.headers.authorization === basic
        ? answer(200, { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600 })
        : answer(401, { error: 'invalid_client' });
    }
    if (!['Bearer fresh', 'Bearer fixed'].includes(request.headers.authorization ?? ''))
      return answer(401, { detail: 'who are you?' });
    return request.url?.startsWith('/Users') || request.url?.startsWith('/Groups')
      ? answer(200, { totalResults: 3, Resources: [] })
      : answer(404, {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => opened.disposeAsync());

async function steps(settings: object, secrets: Record<string, string> = {}): Promise<TestStep[]> {
  const parsed = scimConnectionSchema.parse({ type: 'scim', url, ...settings });
  const context = { baseDirectory: folder, secret: (name: string) => secrets[name] };
  const list: TestStep[] = [];
  for await (const step of scimConnector.test(parsed, context)) list.push(step);
  return list;
}

const brief = (list: readonly TestStep[]): string[] =>
  list.map(({ step, ok }) => `${step} ${ok ? 'ok' : 'failed'}`);

test('goes step by step to the end', async () => {
  const list = await steps({ caFile: 'authority.pem', token: 'fixed' });
  expect(brief(list)).toEqual(['dns ok', 'tcp ok', 'tls ok', 'authorization ok', 'read ok']);
  expect(list.at(-1)?.detail).toBe('/Users: 3 resources, /Groups: 3 resources');
});

test('asks for a token with a client secret that is kept apart', async () => {
  const oauth = { tokenUrl: `${url}/token`, clientId: 'app', method: 'basic' };
  const before = tokens;
  const list = await steps({ caFile: 'authority.pem', oauth }, { 'oauth.clientSecret': 'good' });
  expect(brief(list).at(-1)).toBe('read ok');
  expect(tokens).toBe(before + 1);
  const wrong = await steps({ caFile: 'authority.pem', oauth }, { 'oauth.clientSecret': 'bad' });
  expect(wrong.at(-1)).toMatchObject({
    step: 'authorization',
    ok: false,
    detail: expect.stringMatching(/invalid_client/) as string,
  });
});

test('says what to do about a certificate, a token, an address', async () => {
  expect((await steps({ token: 'fixed' })).at(-1)).toMatchObject({
    step: 'tls',
    ok: false,
    remedy: expect.stringMatching(/caFile/) as string,
  });
  expect((await steps({ caFile: 'authority.pem', token: 'stale' })).at(-1)).toMatchObject({
    step: 'authorization',
    ok: false,
    detail: 'the SCIM service rejected the credentials: who are you?',
  });
  expect((await steps({ url: 'https://127.0.0.1:1', token: 'fixed' })).at(-1)).toMatchObject({
    step: 'tcp',
    ok: false,
  });
});
