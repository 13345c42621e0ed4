import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLdap, settingsOf } from '../../../../test/servers/ldap-endpoint.ts';
import { hidesControls, startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';

const suffix = 'dc=example,dc=com';
let server: Slapd;
beforeAll(async () => {
  server = await startSlapd({
    dbnosync: true,
    globalConfig: 'moduleload unique\nmoduleload memberof\n',
    extraConfig: 'overlay unique\nunique_uri ldap:///?mail?sub?\noverlay memberof\nmemberof-dangling error\n',
  });
});
afterAll(() => server.stop());

async function open(more: object = {}): Promise<TargetSession> {
  const endpoint = await openLdap(settingsOf(server, more));
  return endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
}

type Asked = Omit<TargetChange, 'ordinal' | 'kind'> & Partial<Pick<TargetChange, 'kind'>>;

function apply(session: TargetSession, ...changes: readonly Asked[]): Promise<readonly TargetOutcome[]> {
  return session.apply(
    changes.map((change, index) => ({ kind: 'user', ...change, ordinal: index + 1 })),
    { recovering: false, signal: new AbortController().signal },
  );
}

function person(uid: string) {
  return {
    verb: 'create' as const,
    externalId: null,
    location: null,
    name: `uid=${uid}`,
    parentLocation: suffix,
    set: { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: [uid], mail: [`${uid}@x.org`] },
    before: {},
  };
}

test('where values are unique, one that is changed is looked for among the others, and not held for another entry', async () => {
  await using session = await open();
  const made = (await apply(session, person('a'), person('b'))) as Extract<TargetOutcome, { ok: true }>[];
  const update = (mail: string) => ({
    verb: 'update' as const,
    externalId: made[0]?.externalId ?? null,
    location: made[0]?.location ?? null,
    name: null,
    parentLocation: null,
    set: { mail: [mail] },
    before: { mail: ['a@x.org'] },
  });
  expect(await apply(session, update('new@x.org'))).toEqual([{ ordinal: 1, ok: true }]);
  expect(await apply(session, update('b@x.org'))).toMatchObject([
    { ok: false, message: expect.stringContaining('non-unique attributes found') },
  ]);
  const found = (await server.entries()).find(({ dn }) => dn.startsWith('uid=a,'));
  expect(found?.attributes['mail']).toEqual(['new@x.org']);
});

test('a group whose placeholder the server does not take says what to configure, and is made then', async () => {
  const group = {
    kind: 'group' as const,
    verb: 'create' as const,
    externalId: null,
    location: null,
    name: 'cn=staff',
    parentLocation: suffix,
    set: { objectClass: ['groupOfNames'], cn: ['staff'] },
    before: {},
  };
  await using session = await open();
  expect(await apply(session, group)).toMatchObject([
    { ok: false, message: expect.stringContaining('as group.placeholderMember of the connection') },
  ]);
  await using other = await open({ group: { placeholderMember: suffix } });
  expect(await apply(other, group)).toMatchObject([{ ok: true }]);
});

const unnamed = { externalId: null, parentLocation: null, name: null, set: {}, before: {} };

test.each([
  ['knows the assertion control', ''],
  ['knows no controls', hidesControls],
])('on a server that %s, nobody is written to who took the place of another', async (_what, globalConfig) => {
  await using own = await startSlapd({ dbnosync: true, globalConfig });
  const endpoint = await openLdap(settingsOf(own));
  await using session = await endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
  const group = { ...person('g'), kind: 'group' as const, set: { objectClass: ['groupOfNames'], cn: ['g'] } };
  const made = (await apply(session, person('a'), { ...group, name: 'cn=g' })) as Extract<
    TargetOutcome,
    { ok: true }
  >[];
  const location = `uid=a,${suffix}`;
  await own.addLdif(`dn: ${location}\nchangetype: delete\n`);
  await own.addLdif(`dn: cn=g,${suffix}\nchangetype: delete\n`);
  await own.addLdif(`dn: ${location}\nobjectClass: inetOrgPerson\nuid: a\ncn: other\nsn: other\n`);
  await own.addLdif(`dn: cn=g,${suffix}\nobjectClass: groupOfNames\ncn: g\nmember: ${suffix}\n`);
  const before = await own.entries();
  const gone = { ...unnamed, externalId: made[0]?.externalId ?? null, location };
  const goneGroup = { ...unnamed, externalId: made[1]?.externalId ?? null, location: `cn=g,${suffix}` };
  const member = { kind: 'user' as const, externalId: null, location, alias: null, reference: null };
  const outcomes = [
    ...(await apply(session, { ...gone, verb: 'update', set: { cn: ['new'] } })),
    ...(await apply(session, { ...gone, verb: 'move', name: 'uid=b', parentLocation: suffix })),
    ...(await apply(session, { ...goneGroup, kind: 'membership', verb: 'addMember', member })),
    ...(await apply(session, { ...gone, verb: 'delete' })),
    ...(await apply(session, { ...goneGroup, kind: 'group', verb: 'delete' })),
  ];
  expect(outcomes).toHaveLength(5);
  expect(outcomes.filter(({ ok }) => ok)).toEqual([]);
  expect(await own.entries()).toEqual(before);
});
