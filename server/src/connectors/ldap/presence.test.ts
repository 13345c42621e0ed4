import { afterAll, beforeAll, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { ObjectKey } from '../../sync/connector.ts';
import { ldapConnector } from './connector.ts';

const suffix = 'dc=example,dc=com';
let server: Slapd;

function unitEntry(name: string): string {
  return `dn: ou=${name},${suffix}\nobjectClass: organizationalUnit\nou: ${name}\n\n`;
}

function personEntry(name: string, parent: string): string {
  return `dn: uid=${name},ou=${parent},${suffix}\nobjectClass: inetOrgPerson\nuid: ${name}\ncn: ${name}\nsn: ${name}\n\n`;
}

function user(externalId: string): ObjectKey {
  return { kind: 'user', externalId };
}

beforeAll(async () => {
  server = await startSlapd({ dbnosync: true });
  await server.addLdif(
    [
      ...['a', 'b', 'c'].map(unitEntry),
      personEntry('ann', 'a'),
      personEntry('bob', 'b'),
      personEntry('cid', 'c'),
    ].join(''),
  );
});

afterAll(async () => {
  await server.stop();
});

test('finds by their ids who is in one of the scopes, as what it was', async () => {
  const entries = await server.entries();
  const idOf = (rdn: string): string =>
    String(entries.find(({ dn }) => dn.startsWith(`${rdn},`))?.attributes['entryUUID']);
  const { url, adminDn: bindDn, password } = server;
  const settings = ldapConnectionSchema.parse({ type: 'ldap', url, bindDn, password, baseDn: suffix });
  await using endpoint = await ldapConnector.open(settings, { baseDirectory: '/', secret: () => password });
  const unit: ObjectKey = { kind: 'organizationalUnit', externalId: idOf('ou=a') };
  const many = Array.from({ length: 150 }, (_, index) =>
    user(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`),
  );
  const asked = [unit, ...many, ...['ann', 'bob', 'cid'].map((name) => user(idOf(`uid=${name}`)))];
  const other: ObjectKey = { kind: 'group', externalId: idOf('uid=ann') };
  const scopes = [{ node: `OU=a, ${suffix}` }, { node: `ou=b,${suffix}`, filter: '(uid=nobody)' }];
  const found = await endpoint.findPresent?.(
    scopes,
    [...asked, other, user('nonsense'), user('uid=ann')],
    new AbortController().signal,
  );
  expect(found).toEqual([user(idOf('uid=ann'))]);
});
