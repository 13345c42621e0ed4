import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { freePorts, startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { TestStep } from '../../sync/connector.ts';
import { ldapConnector } from './connector.ts';
import { connectLdap, type LdapClientOptions } from './protocol/client/client.ts';

let server: Slapd;
/** It has no certificate. */
let plain: Slapd;
beforeAll(async () => {
  server = await startSlapd({ tls: true, dbnosync: true });
  await server.addLdif(`dn: ou=a,${server.suffix}\nobjectClass: organizationalUnit\nou: a\n`);
  await writeFile(join(server.directory, 'password'), 'secret\n');
  plain = await startSlapd({ dbnosync: true });
});
afterAll(async () => {
  await server.stop();
  await plain.stop();
});

async function steps(more: Record<string, unknown>, secret?: string): Promise<TestStep[]> {
  const settings = ldapConnectionSchema.parse({
    type: 'ldap',
    url: server.url,
    bindDn: server.adminDn,
    password: server.password,
    baseDn: server.suffix,
    ...more,
  });
  const context = { baseDirectory: server.directory, secret: () => secret };
  const seen: TestStep[] = [];
  for await (const step of ldapConnector.test(settings, context)) seen.push(step);
  return seen;
}
/** The port where TLS comes first, called as if it did not. */
const tlsPort = (): string => server.ldapsUrl!.replace('ldaps:', 'ldap:');
const verdicts = (all: readonly TestStep[]): string => all.map(({ step, ok }) => `${step} ${ok}`).join(', ');
const good = 'dns true, tcp true, tls true, bind true, read true';

describe('testing a connection', () => {
  test('all steps of one that works, plain, with StartTLS, LDAPS and over a socket', async () => {
    const plain = await steps({});
    expect(verdicts(plain)).toBe(good);
    expect(plain[2]?.detail).toContain('unprotected');
    expect(plain[3]?.detail).toContain(server.adminDn);
    expect(plain[4]?.detail).toContain('they have entryUUID');
    const tls = { caFile: server.caFile };
    expect(verdicts(await steps({ startTls: true, tls }))).toBe(good);
    expect(verdicts(await steps({ url: server.ldapsUrl, tls }))).toBe(good);
    // TLS stands already, so nothing is turned into it.
    expect((await steps({ url: server.ldapsUrl, startTls: true, tls }))[2]?.detail).toMatch(/^LDAPS with/);
    expect(verdicts(await steps({ url: server.ldapiUrl, sasl: 'external' }))).toBe(good);
  });

  test('the password from a file beside the configuration, or as a sealed secret', async () => {
    expect(verdicts(await steps({ password: { file: 'password' } }))).toBe(good);
    expect(verdicts(await steps({ password: undefined }, 'secret'))).toBe(good);
    expect((await steps({ password: { file: 'none' } })).at(-1)).toMatchObject({ step: 'bind', ok: false });
  });

  test('stops at the first step that fails, with a remedy', async () => {
    const [port] = await freePorts(1);
    const cases: [Record<string, unknown>, string, string][] = [
      [{ url: 'ldap://no-such-host.invalid' }, 'dns false', 'name servers'],
      [{ url: `ldap://127.0.0.1:${port}` }, 'dns true, tcp false', 'port'],
      [{ url: server.ldapsUrl }, 'dns true, tcp true, tls false', 'caFile'],
      [{ url: server.url.replace('ldap:', 'ldaps:') }, 'dns true, tcp true, tls false', 'startTls'],
      [{ password: 'wrong' }, 'dns true, tcp true, tls true, bind false', 'password'],
      [{ password: undefined }, 'dns true, tcp true, tls true, bind false', 'password'],
      [
        { baseDn: 'ou=none,dc=example,dc=com' },
        'dns true, tcp true, tls true, bind true, read false',
        'baseDn',
      ],
    ];
    for (const [more, expected, remedy] of cases) {
      const seen = await steps(more);
      expect(verdicts(seen)).toBe(expected);
      expect(seen.at(-1)?.remedy).toContain(remedy);
    }
  });
});

describe('what keeps TLS from coming about is named', () => {
  const refused: [string, () => Record<string, unknown>, string, string][] = [
    ['no StartTLS', () => ({ url: plain.url, startTls: true }), 'tls', 'offers StartTLS'],
    ['TLS on the port for StartTLS', () => ({ url: tlsPort(), startTls: true }), 'tls', 'use ldaps://'],
    ['TLS on the port for plain LDAP', () => ({ url: tlsPort() }), 'bind', 'the port speaks what url says'],
    ['no file', () => ({ url: server.ldapsUrl, tls: { caFile: 'none' } }), 'tls', 'the file is there'],
    [
      'a file without an authority',
      () => ({ url: server.ldapsUrl, tls: { caFile: 'password' } }),
      'tls',
      'Name a file with the certificates',
    ],
    [
      "a key in the authority's place",
      () => ({ url: server.ldapsUrl, tls: { caFile: 'server.key' } }),
      'tls',
      'Name a file with the certificates',
    ],
    [
      'the key of another certificate',
      () => ({
        url: server.ldapsUrl,
        tls: { caFile: server.caFile, certFile: 'server.pem', keyFile: 'authority.key' },
      }),
      'tls',
      'the key that belongs to it',
    ],
    [
      'a certificate without a key',
      () => ({ url: server.ldapsUrl, tls: { caFile: server.caFile, certFile: 'server.pem' } }),
      'tls',
      'Name both',
    ],
  ];
  test.each(refused)('%s', async (_name, settings, step, remedy) => {
    const seen = await steps(settings());
    expect(seen.at(-1)).toMatchObject({ step, ok: false, remedy: expect.stringContaining(remedy) });
    expect(seen.at(-1)?.detail).not.toContain('error:');
  });
});

test('a client that cannot connect or bind says what to check, without a test of the connection', async () => {
  const [port] = await freePorts(1);
  const bind = { method: 'simple', dn: server.adminDn, password: 'wrong' } as const;
  const failures: [LdapClientOptions, string][] = [
    [{ url: `ldap://127.0.0.1:${port}` }, 'port in url'],
    [{ url: 'ldap://no-such-host.invalid' }, 'host name in url'],
    [{ url: server.url, bind }, 'Check bindDn and password'],
  ];
  for (const [options, remedy] of failures) {
    await expect(connectLdap(options)).rejects.toMatchObject({ remedy: expect.stringContaining(remedy) });
  }
});
