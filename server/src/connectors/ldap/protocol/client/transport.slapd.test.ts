import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueCertificate, makeAuthority } from '../../../../../../test/servers/certificates.ts';
import { freePorts, startSlapd, type Slapd } from '../../../../../../test/servers/slapd.ts';
import { connectLdap, type LdapClientOptions } from './client.ts';

let slapd: Slapd;
let directory: string;
let ca: Buffer;
let otherCa: Buffer;
let clientCertificate: { cert: Buffer; key: Buffer };
let fingerprint: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ldap-tls-'));
  slapd = await startSlapd({ dbnosync: true, tls: { names: ['DNS:ldap.example.test', 'DNS:localhost'] } });
  ca = await readFile(slapd.caFile!);
  otherCa = await readFile((await makeAuthority(directory, 'stranger')).caFile);
  const { certFile, keyFile } = await issueCertificate(slapd.authority!, directory, 'client', []);
  clientCertificate = { cert: await readFile(certFile), key: await readFile(keyFile) };
  fingerprint = new X509Certificate(await readFile(join(slapd.directory, 'server.pem'))).fingerprint256;
});

afterAll(async () => {
  await slapd?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Connects over LDAPS and over StartTLS and says who it is, or what went wrong. */
async function attempt(
  tls: LdapClientOptions['tls'],
  rest: Partial<LdapClientOptions> = {},
): Promise<string[]> {
  const bind = { method: 'simple', dn: slapd.adminDn, password: slapd.password } as const;
  const ways = [{ url: slapd.ldapsUrl! }, { url: slapd.url, startTls: true }];
  const seen: string[] = [];
  for (const way of ways) {
    try {
      await using client = await connectLdap({ ...way, tls, bind, ...rest });
      seen.push(await client.whoAmI());
    } catch (error) {
      seen.push(`${(error as { code: string }).code} ${(error as Error).message}`);
    }
  }
  return seen;
}

const admin = 'dn:cn=admin,dc=example,dc=com';

test('the right authority and name are accepted, also when the name is not the address', async () => {
  expect(await attempt({ ca, serverName: 'ldap.example.test' })).toEqual([admin, admin]);
});

test('a wrong authority is refused', async () => {
  for (const wrong of [undefined, otherCa]) {
    const seen = await attempt({ ca: wrong, serverName: 'ldap.example.test' });
    expect(seen).toEqual([
      expect.stringMatching(/^ConnectionFailed ldaps:\/\/127.0.0.1:\d+: TLS: .*certificate/),
      expect.stringMatching(/^ConnectionFailed ldap:\/\/127.0.0.1:\d+: TLS: .*certificate/),
    ]);
  }
});

test('a wrong server name is refused, also when it is the address that does not match', async () => {
  for (const serverName of ['other.example.test', undefined]) {
    const name = serverName ?? '127.0.0.1';
    const seen = await attempt({ ca, serverName });
    expect(seen).toEqual([expect.stringContaining(name), expect.stringContaining(name)]);
    expect(seen.every((text) => text.startsWith('ConnectionFailed'))).toBe(true);
  }
});

test('verify: false takes any certificate, a pinned fingerprint only its own', async () => {
  expect(await attempt({ verify: false })).toEqual([admin, admin]);
  const pinned = fingerprint.replaceAll(':', '').toLowerCase();
  expect(await attempt({ verify: false, checkFingerprints: ['00', pinned] })).toEqual([admin, admin]);
  const refused = await attempt({ verify: false, checkFingerprints: ['00'.repeat(32)] });
  expect(refused).toEqual([expect.stringContaining(fingerprint), expect.stringContaining(fingerprint)]);
  const both = await attempt({ ca: otherCa, serverName: 'localhost', checkFingerprints: [fingerprint] });
  expect(both.every((text) => text.startsWith('ConnectionFailed'))).toBe(true);
});

test('EXTERNAL by client certificate', async () => {
  const seen = await attempt(
    { ca, serverName: 'localhost', ...clientCertificate },
    { bind: { method: 'external' } },
  );
  expect(seen).toEqual(['dn:cn=client', 'dn:cn=client']);
});

test('StartTLS at a server without TLS is refused and nothing is sent in the clear', async () => {
  await using plain = await startSlapd({ dbnosync: true });
  const bind = { method: 'simple', dn: plain.adminDn, password: plain.password } as const;
  const error = await connectLdap({ url: plain.url, startTls: true, bind }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'ConnectionFailed', message: expect.stringContaining('StartTLS') });
});

test('nobody listening, no such host, no such socket: the message names address and step', async () => {
  const [port] = await freePorts(1);
  const urls = [`ldap://127.0.0.1:${port}`, 'ldap://no-such-host.invalid', 'ldapi://%2Fnone%2Fldapi'];
  for (const url of urls) {
    const error = await connectLdap({ url, connectTimeoutMs: 5000 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ConnectionFailed', message: expect.stringContaining(url) });
  }
  expect(await connectLdap({ url: 'http://x' }).catch((reason: unknown) => reason)).toMatchObject({
    code: 'InvalidConfiguration',
  });
});
