import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openLdap, settingsOf } from '../../../../test/servers/ldap-endpoint.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';

const suffix = 'dc=example,dc=com';

/** The overlay repairs references behind the answer to a rename, one rename after the other. */
const refint = {
  globalConfig: 'moduleload refint\n',
  extraConfig: 'overlay refint\nrefint_attributes member uniqueMember\n',
};

let server: Slapd;
let session: TargetSession;
let count = 0;
beforeAll(async () => {
  server = await startSlapd({ dbnosync: true, ...refint });
});
afterAll(() => server.stop());

beforeEach(async () => {
  const endpoint = await openLdap(settingsOf(server));
  session = await endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
  return () => session[Symbol.asyncDispose]();
});

type Made = Extract<TargetOutcome, { ok: true }>;

async function apply(...changes: Partial<TargetChange>[]): Promise<Made[]> {
  const none = { externalId: null, location: null, set: {}, before: {}, kind: 'user' as const };
  const numbered = changes.map((change, index) => ({ ...none, ...change, ordinal: index + 1 }));
  const outcomes = await session.apply(numbered as TargetChange[], {
    recovering: false,
    signal: new AbortController().signal,
  });
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  return outcomes as Made[];
}

async function people(...uids: string[]): Promise<Made[]> {
  return apply(
    ...uids.map((uid) => ({
      verb: 'create' as const,
      name: `uid=${uid}`,
      parentLocation: suffix,
      set: { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: [uid] },
    })),
  );
}

async function unitWith(ou: string, uid: string): Promise<[unit: Made, person: Made]> {
  const create = { verb: 'create' as const, parentLocation: suffix };
  const unit = { ...create, kind: 'organizationalUnit' as const, name: `ou=${ou}` };
  const person = { ...create, name: `uid=${uid}`, parentLocation: `ou=${ou},${suffix}` };
  const made = await apply(
    { ...unit, set: { objectClass: ['organizationalUnit'], ou: [ou] } },
    { ...person, set: { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: [uid] } },
  );
  return made as [Made, Made];
}

function rename({ externalId, location }: Made, uid: string): Partial<TargetChange> {
  return {
    verb: 'move',
    externalId: externalId ?? null,
    location: location ?? null,
    name: `uid=${uid}`,
    parentLocation: suffix,
  };
}

async function groupWith(cn: string, person: Made, more = ''): Promise<void> {
  await server.addLdif(
    `dn: cn=${cn},${suffix}\nobjectClass: groupOfNames\ncn: ${cn}\nmember: ${person.location}\n${more}`,
  );
}

async function namesIn(cn: string, attribute: string): Promise<string[]> {
  const [entry] = (await server.entries()).filter(({ dn }) => dn === `cn=${cn},${suffix}`);
  return (entry?.attributes[attribute] ?? []).map(String);
}

/** Waits until the server has repaired all that was renamed so far. */
async function settle(): Promise<void> {
  count += 1;
  const [last] = await people(`last${count}`);
  await groupWith(`last${count}`, last!);
  await server.addLdif(
    `dn: ${last!.location}\nchangetype: modrdn\nnewrdn: uid=gone${count}\ndeleteoldrdn: 1\n`,
  );
  const followed = `uid=gone${count},${suffix}`;
  while (!(await namesIn(`last${count}`, 'member')).includes(followed));
}

test('where the server repairs references, two who exchange their names keep their groups', async () => {
  const [a, b] = await people('a', 'b');
  await groupWith('swapped', a!);
  await apply(rename(a!, 'b'), rename(b!, 'a'));
  await settle();
  expect(await namesIn('swapped', 'member')).toEqual([`uid=b,${suffix}`]);
});

test('so does who takes a name that another one leaves; what the server does not repair is repaired all the same', async () => {
  const [c, d] = await people('c', 'd');
  await groupWith('followed', c!, `owner: ${c!.location}\n`);
  await apply(rename(d!, 'e'), rename(c!, 'd'));
  await settle();
  expect(await namesIn('followed', 'member')).toEqual([`uid=d,${suffix}`]);
  expect(await namesIn('followed', 'owner')).toEqual([`uid=d,${suffix}`]);
});

test('so does who has a name that the server tells from others by a tab', async () => {
  const [f, g] = await people('f\tf', 'g');
  await groupWith('tabbed', f!);
  await apply(rename(g!, 'h'), rename(f!, 'g'));
  await settle();
  expect(await namesIn('tabbed', 'member')).toEqual([`uid=g,${suffix}`]);
});

test('so do the members beneath units that exchange their names', async () => {
  const [x, one] = await unitWith('x', 'one');
  const [y, two] = await unitWith('y', 'two');
  await groupWith('beneath', one, `owner: ${two.location}\n`);
  const unit = { kind: 'organizationalUnit' as const };
  await apply({ ...rename(x, ''), ...unit, name: 'ou=y' }, { ...rename(y, ''), ...unit, name: 'ou=x' });
  await settle();
  expect(await namesIn('beneath', 'member')).toEqual([`uid=one,ou=y,${suffix}`]);
  expect(await namesIn('beneath', 'owner')).toEqual([`uid=two,ou=x,${suffix}`]);
});

test('so does who exchanges the name with another one after the unit above went elsewhere', async () => {
  const [unit, inner] = await unitWith('before', 'inner');
  const [outer] = await people('outer');
  await groupWith('moved', inner);
  await apply({ ...rename(unit, ''), kind: 'organizationalUnit', name: 'ou=after' });
  await settle();
  await apply(rename(inner, 'outer'), { ...rename(outer!, 'inner'), parentLocation: `ou=after,${suffix}` });
  await settle();
  expect(await namesIn('moved', 'member')).toEqual([`uid=outer,${suffix}`]);
});
