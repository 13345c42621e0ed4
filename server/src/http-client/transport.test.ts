import { createServer, type Server } from 'node:https';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueCertificate, makeAuthority } from '../../../test/servers/certificates.ts';
import { HttpClient } from './client.ts';
import type { HttpTls } from './transport.ts';

describe('TLS', () => {
  let directory: string;
  let server: Server;
  let ca: string;
  let fingerprint: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'http-client-'));
    const authority = await makeAuthority(directory);
    const { certFile, keyFile } = await issueCertificate(authority, directory, 'server', ['IP:127.0.0.1']);
    ca = await readFile(authority.caFile, 'utf8');
    const cert = await readFile(certFile, 'utf8');
    fingerprint = new X509Certificate(cert).fingerprint256;
    server = createServer({ cert, key: await readFile(keyFile) }, (_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  });

  async function status(tls: HttpTls, host = '127.0.0.1'): Promise<number> {
    const { port } = server.address() as AddressInfo;
    await using client = new HttpClient({
      baseUrl: `https://${host}:${port}`,
      systemName: 'the service',
      tls,
    });
    return (await client.send({ method: 'GET', path: '/', signal: new AbortController().signal })).status;
  }

  test('trusts a certificate of the given authority', async () => {
    expect(await status({ ca })).toBe(200);
  });

  test('refuses a certificate of an unknown one, and says how to trust it', async () => {
    await expect(status({})).rejects.toMatchObject({
      code: 'ConnectionFailed',
      message: expect.stringContaining('TLS:') as string,
      remedy: expect.stringContaining('caFile') as string,
    });
  });

  test('refuses a certificate of another name', async () => {
    await expect(status({ ca }, 'localhost')).rejects.toMatchObject({
      code: 'ConnectionFailed',
      remedy: expect.stringContaining('host name') as string,
    });
  });

  test('takes any certificate when told not to verify, but for one whose fingerprint is not known', async () => {
    expect(await status({ verify: false })).toBe(200);
    expect(await status({ verify: false, fingerprints: [fingerprint.toLowerCase()] })).toBe(200);
    await expect(status({ ca, fingerprints: ['00'.repeat(32)] })).rejects.toThrow(fingerprint);
  });
});
