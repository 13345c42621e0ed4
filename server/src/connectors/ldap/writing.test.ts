import { afterAll, beforeAll, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { ldapConnector } from './connector.ts';

const suffix = 'dc=example,dc=com';
let server: Slapd;
beforeAll(async () => {
  server = await startSlapd({
    dbnosync: true,
    globalConfig: 'moduleload unique\n',
    extraConfig: 'overlay unique\nunique_uri ldap:///?mail?sub?\n',
  });
});
afterAll(() => server.stop());

test('where values are unique, one that is changed is looked for among the others, and not held for another entry', async () => {
  const settings = ldapConnectionSchema.parse({
    type: 'ldap',
    url: server.url,
    bindDn: server.adminDn,
    password: server.password,
    baseDn: suffix,
  });
  const endpoint = await ldapConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
  await using session = await endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
  const apply = (...changes: readonly Omit<TargetChange, 'ordinal' | 'kind'>[]) =>
    session.apply(
      changes.map((change, index) => ({ ...change, ordinal: index + 1, kind: 'user' })),
      { recovering: false, signal: new AbortController().signal },
    );
  const person = (uid: string) => ({
    verb: 'create' as const,
    externalId: null,
    location: null,
    name: `uid=${uid}`,
    parentLocation: suffix,
    set: { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: [uid], mail: [`${uid}@x.org`] },
    before: {},
  });
  const made = (await apply(person('a'), person('b'))) as Extract<TargetOutcome, { ok: true }>[];
  const update = (mail: string) => ({
    verb: 'update' as const,
    externalId: made[0]?.externalId ?? null,
    location: made[0]?.location ?? null,
    name: null,
    parentLocation: null,
    set: { mail: [mail] },
    before: { mail: ['a@x.org'] },
  });
  expect(await apply(update('new@x.org'))).toEqual([{ ordinal: 1, ok: true }]);
  expect(await apply(update('b@x.org'))).toMatchObject([
    { ok: false, message: expect.stringContaining('non-unique attributes found') },
  ]);
  const found = (await server.entries()).find(({ dn }) => dn.startsWith('uid=a,'));
  expect(found?.attributes['mail']).toEqual(['new@x.org']);
});
