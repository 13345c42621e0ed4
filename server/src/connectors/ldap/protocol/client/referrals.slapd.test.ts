import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts, startSlapd, type Slapd } from '../../../../../../test/servers/slapd.ts';
import { manageDsaIt } from '../controls/requestControls.ts';
import { connectLdap, type LdapClientOptions } from './client.ts';
import { searchFollowing } from './referrals.ts';
import type { SearchRequest } from './search.ts';

const suffix = 'dc=example,dc=com';
let main: Slapd;
let branch: Slapd;

beforeAll(async () => {
  [main, branch] = await Promise.all([
    startSlapd({ dbnosync: true, tls: true }),
    startSlapd({ dbnosync: true, suffix: `ou=Branch,${suffix}` }),
  ]);
  await using client = await connectLdap(options());
  const [closed] = await freePorts(1);
  const refer = async (ou: string, ...refs: string[]): Promise<void> => {
    const attributes = { objectClass: ['referral', 'extensibleObject'], ou: [ou], ref: refs };
    expect((await client.add(`ou=${ou},${suffix}`, attributes, [manageDsaIt()])).code).toBe(0);
  };
  await refer(
    'Branch',
    `ldap://127.0.0.1:${closed}/ou=Branch,${suffix}`,
    `${branch.url}/ou=Branch,${suffix}`,
  );
  await refer('Loop', `${main.url}/${suffix}`);
  await refer('Gone', `ldap://127.0.0.1:${closed}/ou=Gone,${suffix}`, 'http://example.com/');
  await branch.addLdif(`dn: cn=far,ou=Branch,${suffix}\nobjectClass: person\ncn: far\nsn: far\n`);
});

afterAll(async () => {
  await main?.stop();
  await branch?.stop();
});

/** Both servers know the administrator by the same password, and each only its own name: so nobody binds here. */
function options(): LdapClientOptions {
  return { url: main.url, bind: { method: 'simple', dn: main.adminDn, password: main.password } };
}

async function follow(request: Partial<SearchRequest>, connectOptions: LdapClientOptions, maxHops?: number) {
  await using client = await connectLdap(connectOptions);
  const entries: string[] = [];
  const references: string[] = [];
  const all = { base: suffix, scope: 'sub', filter: '(objectClass=*)', ...request } as const;
  const referral = { options: connectOptions, ...(maxHops === undefined ? {} : { maxHops }) };
  for await (const batch of searchFollowing(client, all, referral)) {
    for (const item of batch) {
      if (item.type === 'entry') entries.push(item.entry.dn());
      if (item.type === 'reference') references.push(...item.uris);
    }
  }
  return { entries, references };
}

test('references are followed to another server; loops and dead ends are reported', async () => {
  const { entries, references } = await follow({}, { url: main.url });
  expect(entries.sort()).toEqual([`cn=far,ou=Branch,${suffix}`, suffix, `ou=Branch,${suffix}`].sort());
  expect(references.filter((uri) => uri.startsWith(`${main.url}/`))).toHaveLength(1);
  expect(references.some((uri) => uri.includes('ou=Gone'))).toBe(true);
  expect(references.some((uri) => uri.includes('ou=Branch'))).toBe(false);
});

test('a referral in place of a result is followed too', async () => {
  const { entries } = await follow({ base: `cn=far,ou=Branch,${suffix}`, scope: 'base' }, { url: main.url });
  expect(entries).toEqual([`cn=far,ou=Branch,${suffix}`]);
});

test('no hops: everything is reported', async () => {
  const { entries, references } = await follow({}, { url: main.url }, 0);
  expect(entries).toEqual([suffix]);
  expect(references.some((uri) => uri.includes('ou=Branch'))).toBe(true);
});

test('a server without TLS is not asked on behalf of a secured connection', async () => {
  const tls = { ca: await readFile(main.caFile!) };
  for (const secured of [
    { url: main.ldapsUrl!, tls },
    { url: main.url, startTls: true, tls },
  ]) {
    const { entries, references } = await follow({}, secured);
    // The loop leads to the same server at its other address.
    expect(new Set(entries)).toEqual(new Set([suffix]));
    expect(references.some((uri) => uri.startsWith(branch.url))).toBe(true);
  }
});

test('credentials of a local socket do not travel over a network in the clear', async () => {
  const { entries, references } = await follow({}, { url: main.ldapiUrl, bind: { method: 'external' } });
  expect(entries).toEqual([suffix]);
  expect(references.some((uri) => uri.startsWith(branch.url))).toBe(true);
});
