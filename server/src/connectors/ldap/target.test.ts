import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openLdap, settingsOf } from '../../../../test/servers/ldap-endpoint.ts';
import { startSlapd, type Slapd } from '../../../../test/servers/slapd.ts';
import type { DumpedEntry } from '../../../../test/servers/ldifDump.ts';
import type { TargetChange, TargetSession } from '../../sync/connector.ts';
import { makeConnect } from './client.ts';
import { resolveShape } from './config.ts';
import type { LdapClient } from './protocol/client/client.ts';
import { LdapTargetSession } from './target.ts';

const suffix = 'dc=example,dc=com';
let server: Slapd;
let node: string;
let session: TargetSession;
let count = 0;

beforeAll(async () => {
  server = await startSlapd({ dbnosync: true });
});
afterAll(() => server.stop());

/** Each test writes beneath a node of its own. */
beforeEach(async () => {
  count += 1;
  node = `ou=test${count},${suffix}`;
  await server.addLdif(`dn: ${node}\nobjectClass: organizationalUnit\nou: test${count}\n`);
  session = await openSession();
  return () => session[Symbol.asyncDispose]();
});

async function openSession(more: Record<string, unknown> = {}): Promise<TargetSession> {
  const endpoint = await openLdap(settingsOf(server, more));
  return endpoint.openTarget({ job: 'job', scopes: [{ node }] });
}

function change(more: Partial<TargetChange> & Pick<TargetChange, 'kind' | 'verb'>): TargetChange {
  return {
    ordinal: 0,
    externalId: null,
    location: null,
    parentLocation: null,
    name: null,
    set: {},
    before: {},
    ...more,
  };
}

function person(uid: string, parentLocation = node): TargetChange {
  return change({
    kind: 'user',
    verb: 'create',
    name: `uid=${uid}`,
    parentLocation,
    set: { objectClass: ['inetOrgPerson'], uid: [uid], cn: [uid], sn: [uid] },
  });
}
function unit(ou: string, parentLocation = node): TargetChange {
  return change({
    kind: 'organizationalUnit',
    verb: 'create',
    name: `ou=${ou}`,
    parentLocation,
    set: { objectClass: ['organizationalUnit'], ou: [ou] },
  });
}
function group(cn: string, objectClass = ['groupOfNames'], more = {}): TargetChange {
  return change({
    kind: 'group',
    verb: 'create',
    name: `cn=${cn}`,
    parentLocation: node,
    set: { objectClass, cn: [cn], ...more },
  });
}

/** A person as another hand writes one. */
function ldifOf(uid: string, ...more: string[]): string {
  const lines = [
    `dn: uid=${uid},${suffix}`,
    'objectClass: inetOrgPerson',
    `uid: ${uid}`,
    `cn: ${uid}`,
    `sn: ${uid}`,
  ];
  return [...lines, ...more, ''].join('\n');
}

/** Either kind of outcome, with all its fields. */
interface Outcome {
  readonly ordinal: number;
  readonly ok: boolean;
  readonly code?: string;
  readonly message: string;
  readonly externalId: string;
  readonly location: string;
  readonly reference: string;
  readonly alias?: string;
}

/** Numbers the changes as they come and applies them. */
async function apply(changes: readonly TargetChange[], recovering = false): Promise<Outcome[]> {
  const signal = new AbortController().signal;
  const numbered = changes.map((each, index) => ({ ...each, ordinal: index + 1 }));
  const outcomes = await session.apply(numbered, { recovering, signal });
  expect(outcomes.map(({ ordinal }) => ordinal)).toEqual(numbered.map(({ ordinal }) => ordinal));
  return outcomes as unknown as Outcome[];
}
async function applyAll(...changes: TargetChange[]): Promise<Outcome[]> {
  const outcomes = await apply(changes);
  expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
  return outcomes;
}
async function applyOne(one: TargetChange, recovering = false): Promise<Outcome> {
  const [outcome] = await apply([one], recovering);
  return outcome!;
}

/** What a later change says of an object that an earlier one made. */
function at({ externalId, location }: Outcome): { externalId: string; location: string } {
  return { externalId, location };
}
function membership(
  verb: 'addMember' | 'removeMember',
  of: Outcome,
  member: Outcome,
  kind: 'user' | 'group' = 'user',
): TargetChange {
  const { externalId, location, alias = null, reference } = member;
  const named = verb === 'addMember' ? null : reference;
  return change({
    kind: 'membership',
    verb,
    ...at(of),
    member: { kind, externalId, location, alias, reference: named },
  });
}

function move(kind: TargetChange['kind'], what: Outcome, name: string, parentLocation: string): TargetChange {
  return change({ kind, verb: 'move', ...at(what), name, parentLocation });
}
function remove(what: Outcome, kind: TargetChange['kind']): TargetChange {
  return change({ kind, verb: 'delete', ...at(what) });
}

async function find(dn: string): Promise<DumpedEntry | undefined> {
  const entries = await server.entries();
  return entries.find((entry) => entry.dn.toLowerCase() === dn.toLowerCase());
}
async function valuesOf(dn: string, attribute: string): Promise<string[]> {
  const entry = await find(dn);
  const found = Object.entries(entry?.attributes ?? {}).find(
    ([name]) => name.toLowerCase() === attribute.toLowerCase(),
  );
  return (found?.[1] ?? []).map(String).sort();
}

describe('entries', () => {
  test('create gives the id, the location, the reference and the alias', async () => {
    const outcome = await applyOne(person('JDoe'));
    const dn = `uid=JDoe,${node}`;
    expect(outcome).toMatchObject({
      ok: true,
      location: dn,
      reference: dn.toLowerCase(),
      alias: 'uid:jdoe',
    });
    expect([outcome.externalId]).toEqual(await valuesOf(dn, 'entryUUID'));
  });

  test('a parent and its children in one batch, though many are under way at once', async () => {
    const tree = Array.from({ length: 60 }, (_, index) => {
      const parent = `ou=c,ou=b,ou=a,${node}`;
      return person(`u${index}`, parent);
    });
    await applyAll(unit('a'), unit('b', `ou=a,${node}`), unit('c', `ou=b,ou=a,${node}`), ...tree);
    expect(await find(`uid=u59,ou=c,ou=b,ou=a,${node}`)).toBeDefined();
  });

  test('one that fails does not stop the others, and says what the server said', async () => {
    const bad = change({
      kind: 'user',
      verb: 'create',
      name: 'uid=bad',
      parentLocation: node,
      set: { objectClass: ['inetOrgPerson'], uid: ['bad'], cn: ['bad'] },
    });
    const outcomes = await apply([
      person('good1'),
      bad,
      person('good2'),
      person('lost', `ou=none,${node}`),
      person('good1'),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code))).toEqual([
      'ok',
      'TargetRejected',
      'ok',
      'ParentNotFound',
      'NameTaken',
    ]);
    const { message } = outcomes[1]!;
    expect(message).toContain(`add of "uid=bad,${node}"`);
    expect(message).toContain('objectClassViolation (65)');
    expect(message).toContain("requires attribute 'sn'");
  });

  test('update writes what differs, keeps values whole, and removes', async () => {
    const made = await applyOne(person('u'));
    const update = change({
      kind: 'user',
      verb: 'update',
      ...at(made),
      before: { sn: ['u'], cn: ['u'], description: [] },
      set: { sn: ['u'], cn: ['Ü', ' x '], description: ['one', 'two'], mail: [] },
    });
    expect(await applyOne(update)).toEqual({ ordinal: 1, ok: true });
    expect(await valuesOf(made.location, 'description')).toEqual(['one', 'two']);
    const remove = change({
      kind: 'user',
      verb: 'update',
      ...at(made),
      before: { description: ['one', 'two'] },
      set: { description: [] },
    });
    await applyAll(remove);
    expect(await valuesOf(made.location, 'description')).toEqual([]);
  });

  test('a small difference of a long list is written as such, and as a whole when the list changed meanwhile', async () => {
    const many = Array.from({ length: 80 }, (_, index) => `value ${index}`);
    const made = await applyOne(person('u'));
    const write = (before: string[], values: string[]): TargetChange =>
      change({
        kind: 'user',
        verb: 'update',
        ...at(made),
        before: { description: before },
        set: { description: values },
      });
    await applyAll(write([], many));
    await applyAll(write(many, [...many.slice(1), 'new']));
    expect(await valuesOf(made.location, 'description')).toEqual([...many.slice(1), 'new'].sort());
    await applyAll(write([...many, 'never there'], [...many, 'last']));
    expect(await valuesOf(made.location, 'description')).toEqual([...many, 'last'].sort());
  });

  test('rename and move are one entry all along, with its attributes', async () => {
    const [home, made] = await applyAll(unit('home'), person('old'));
    const move = change({
      kind: 'user',
      verb: 'move',
      ...at(made!),
      name: 'uid=new\\, and odd',
      parentLocation: home!.location,
      before: { uid: ['old'], sn: ['old'] },
      set: { uid: ['new, and odd', 'also'], sn: ['New'] },
    });
    const outcome = await applyOne(move);
    const dn = `uid=new\\2C and odd,ou=home,${node}`;
    expect(outcome).toMatchObject({ ok: true, location: dn, alias: 'uid:new, and odd' });
    const entries = await server.entries();
    const found = entries.filter((entry) => String(entry.attributes['entryUUID']) === made!.externalId);
    expect(found).toHaveLength(1);
    expect(found[0]?.attributes['uid']?.map(String).sort()).toEqual(['also', 'new, and odd']);
    expect(found[0]?.attributes['sn']?.map(String)).toEqual(['New']);
  });

  test('what lies beneath a moved unit is found again by its id', async () => {
    const [a, b, made] = await applyAll(unit('a'), unit('b'), person('u', `ou=a,${node}`));
    await applyAll(
      change({
        kind: 'organizationalUnit',
        verb: 'move',
        ...at(a!),
        name: 'ou=renamed',
        parentLocation: b!.location,
        before: { ou: ['a'] },
        set: { ou: ['renamed'] },
      }),
      change({ kind: 'user', verb: 'update', ...at(made!), before: { sn: ['u'] }, set: { sn: ['x'] } }),
      person('child', `ou=a,${node}`),
    );
    expect(await valuesOf(`uid=u,ou=renamed,ou=b,${node}`, 'sn')).toEqual(['x']);
    expect(await find(`uid=child,ou=renamed,ou=b,${node}`)).toBeDefined();
  });

  test('two users swap names in one batch; nobody is written to in the place of another', async () => {
    const [a, b] = await applyAll(person('a'), person('b'));
    const rename = (who: Outcome, from: string, to: string): TargetChange =>
      change({
        kind: 'user',
        verb: 'move',
        ...at(who),
        name: `uid=${to}`,
        parentLocation: node,
        before: { uid: [from] },
        set: { uid: [to] },
      });
    const later = change({
      kind: 'user',
      verb: 'update',
      ...at(a!),
      before: { sn: ['a'] },
      set: { sn: ['was a'] },
    });
    await applyAll(rename(a!, 'a', 'free'), rename(b!, 'b', 'a'), later);
    expect(await valuesOf(`uid=free,${node}`, 'sn')).toEqual(['was a']);
    expect(await valuesOf(`uid=a,${node}`, 'sn')).toEqual(['b']);
  });

  test('a unit and the one above it exchange names and places, with what is in each', async () => {
    const [a, b] = await applyAll(unit('a'), unit('b', `ou=a,${node}`));
    const [inA, inB] = await applyAll(person('u', `ou=a,${node}`), person('v', `ou=b,ou=a,${node}`));
    const [both] = await applyAll(group('both'));
    await applyAll(...[inA, inB].map((each) => membership('addMember', both!, each!)));
    const kind = 'organizationalUnit';
    await applyAll(move(kind, b!, 'ou=a', node), move(kind, a!, 'ou=b', b!.location));
    expect(await find(`uid=v,ou=a,${node}`)).toBeDefined();
    expect(await find(`uid=u,ou=b,ou=a,${node}`)).toBeDefined();
    const members = [`uid=u,ou=b,ou=a,${node}`, `uid=v,ou=a,${node}`];
    expect(await valuesOf(`cn=both,${node}`, 'member')).toEqual(members);
  });

  test('two users swap names and places after the units that they are in did', async () => {
    const [a, b] = await applyAll(unit('a'), unit('b'));
    const [u, v] = await applyAll(person('u', a!.location), person('v', b!.location));
    const kind = 'organizationalUnit';
    await applyAll(move(kind, a!, 'ou=b', node), move(kind, b!, 'ou=a', node));
    const [nowU, nowV] = [`uid=u,${b!.location}`, `uid=v,${a!.location}`];
    // Each is told of where it was at first, and of units where they are by now.
    await applyAll(move('user', u!, 'uid=v', a!.location), move('user', v!, 'uid=u', b!.location));
    expect((await find(nowU))?.attributes['sn']).toEqual(['v']);
    expect((await find(nowV))?.attributes['sn']).toEqual(['u']);
  });

  test('a unit goes below one that was below it', async () => {
    const [a, b] = await applyAll(unit('a'), unit('b', `ou=a,${node}`));
    const kind = 'organizationalUnit';
    await applyAll(move(kind, b!, 'ou=b', node), move(kind, a!, 'ou=a', b!.location));
    expect(await find(`ou=a,ou=b,${node}`)).toBeDefined();
  });

  test('delete takes leaves only', async () => {
    const [a, made] = await applyAll(unit('a'), person('u', `ou=a,${node}`));
    const refused = await applyOne(remove(a!, 'organizationalUnit'));
    expect(refused).toMatchObject({ ok: false, code: 'TargetRejected' });
    expect(refused.message).toContain('entries beneath it');
    await applyAll(remove(made!, 'user'), remove(a!, 'organizationalUnit'));
    expect(await find(a!.location)).toBeUndefined();
    expect(await applyOne(remove(made!, 'user'))).toMatchObject({ ok: false, code: 'NotFound' });
  });

  test('disable and enable write the configured attribute', async () => {
    session = await openSession({
      disabled: { attribute: 'employeeType', value: 'locked', enabledValue: 'active' },
    });
    const [made] = await applyAll({ ...person('u'), enabled: false });
    expect(await valuesOf(made!.location, 'employeeType')).toEqual(['locked']);
    await applyAll(change({ kind: 'user', verb: 'enable', ...at(made!) }));
    expect(await valuesOf(made!.location, 'employeeType')).toEqual(['active']);
    await applyAll(change({ kind: 'user', verb: 'disable', ...at(made!), enabled: false }));
    expect(await valuesOf(made!.location, 'employeeType')).toEqual(['locked']);
  });
});

describe('memberships', () => {
  test.each([
    ['groupOfNames', 'member', 'self'],
    ['groupOfNames', 'member', 'empty'],
    ['groupOfUniqueNames', 'uniqueMember', 'self'],
    ['groupOfNames', 'member', `cn=nobody,${suffix}`],
  ])(
    '%s: the placeholder in %s (%s) goes with the first member and comes back after the last',
    async (objectClass, attribute, placeholderMember) => {
      session = await openSession({ group: { writeObjectClasses: [objectClass], placeholderMember } });
      const [staff, a, b] = await applyAll(group('staff', [objectClass]), person('a'), person('b'));
      const filler = { self: staff!.location, empty: '' }[placeholderMember] ?? placeholderMember;
      expect(await valuesOf(staff!.location, attribute)).toEqual([filler]);
      await applyAll(membership('addMember', staff!, a!), membership('addMember', staff!, b!));
      expect(await valuesOf(staff!.location, attribute)).toEqual([a!.location, b!.location]);
      await applyAll(membership('removeMember', staff!, a!), membership('removeMember', staff!, b!));
      expect(await valuesOf(staff!.location, attribute)).toEqual([filler]);
      await applyAll(membership('addMember', staff!, b!));
      expect(await valuesOf(staff!.location, attribute)).toEqual([b!.location]);
      await applyAll(membership('removeMember', staff!, b!), membership('addMember', staff!, a!));
      expect(await valuesOf(staff!.location, attribute)).toEqual([a!.location]);
    },
  );

  test('posixGroup names its members by uid, in the case of the entry', async () => {
    const [posix, user] = await applyAll(group('p', ['posixGroup'], { gidNumber: ['7'] }), person('JDoe'));
    await applyAll(membership('addMember', posix!, user!));
    expect(await valuesOf(posix!.location, 'memberUid')).toEqual(['JDoe']);
    const remove = membership('removeMember', posix!, user!);
    await applyAll({ ...remove, member: { ...remove.member!, reference: 'uid:jdoe' } });
    expect(await valuesOf(posix!.location, 'memberUid')).toEqual([]);
  });

  test('among many, only the bad one fails', async () => {
    const [staff, ...people] = await applyAll(
      group('staff'),
      ...Array.from({ length: 700 }, (_, index) => person(`u${index}`)),
    );
    const adds = people.map((each) => membership('addMember', staff!, each));
    const bad = { ...adds[3]!, member: { ...adds[3]!.member!, location: 'u3' } };
    const outcomes = await apply(adds.with(3, bad));
    expect(outcomes.flatMap((outcome, index) => (outcome.ok ? [] : [[index, outcome.code]]))).toEqual([
      [3, 'TargetRejected'],
    ]);
    expect(await valuesOf(staff!.location, 'member')).toHaveLength(699);
  });

  test('members who are in the group already, be it by a name that nobody had, are in', async () => {
    const [staff, a] = await applyAll(group('staff'), person('a'));
    const dangling = `uid=b,${node}`;
    await server.addLdif(
      `dn: ${staff!.location}\nchangetype: modify\nadd: member\nmember: ${a!.location}\nmember: ${dangling}\n`,
    );
    const [b, c] = await applyAll(person('b'), person('c'));
    await applyAll(...[a, b, c].map((each) => membership('addMember', staff!, each!)));
    expect(await valuesOf(staff!.location, 'member')).toEqual([a!.location, dangling, c!.location]);
  });

  test('a group into which somebody else wrote since it was made is taken as it is', async () => {
    const [staff, a, b] = await applyAll(group('staff'), person('a'), person('b'));
    const { location } = staff!;
    await server.addLdif(`dn: ${location}\nchangetype: modify\nreplace: member\nmember: ${a!.location}\n`);
    await applyAll(membership('addMember', staff!, b!));
    expect(await valuesOf(location, 'member')).toEqual([a!.location, b!.location]);
    await applyAll(membership('removeMember', staff!, a!), membership('removeMember', staff!, b!));
    expect(await valuesOf(location, 'member')).toEqual([location]);
  });

  test('a member or a group that moved in this job is named as it is now', async () => {
    const [a, b, staff, user] = await applyAll(
      unit('a'),
      unit('b'),
      group('staff'),
      person('u', `ou=a,${node}`),
    );
    await applyAll(
      change({
        kind: 'organizationalUnit',
        verb: 'move',
        ...at(a!),
        name: 'ou=a',
        parentLocation: b!.location,
      }),
      change({
        kind: 'group',
        verb: 'move',
        ...at(staff!),
        name: 'cn=team',
        parentLocation: node,
        before: { cn: ['staff'] },
        set: { cn: ['team'] },
      }),
      membership('addMember', staff!, user!),
    );
    expect(await valuesOf(`cn=team,${node}`, 'member')).toEqual([`uid=u,ou=a,ou=b,${node}`]);
  });

  test('groups follow members that move, placeholders too', async () => {
    const [a, b, staff, empty, user, other] = await applyAll(
      unit('a'),
      unit('b'),
      group('staff'),
      group('empty'),
      person('u', `ou=a,${node}`),
      person('v'),
    );
    await applyAll(membership('addMember', staff!, user!), membership('addMember', staff!, other!));
    await applyAll(move('user', other!, 'uid=v', a!.location), move('group', empty!, 'cn=void', node));
    expect(await valuesOf(staff!.location, 'member')).toEqual([`uid=u,ou=a,${node}`, `uid=v,ou=a,${node}`]);
    expect(await valuesOf(`cn=void,${node}`, 'member')).toEqual([`cn=void,${node}`]);
    await applyAll(move('organizationalUnit', a!, 'ou=c', b!.location));
    expect(await valuesOf(staff!.location, 'member')).toEqual([
      `uid=u,ou=c,ou=b,${node}`,
      `uid=v,ou=c,ou=b,${node}`,
    ]);
  });

  test.each([['as it is made'], ['once more, after an interruption']])(
    'a group that takes the name of one that moves keeps its placeholder (%s)',
    async (how) => {
      const [old, staff] = await applyAll(unit('x'), group('staff'));
      const [left] = await applyAll({ ...group('inner'), parentLocation: old!.location });
      const changes = [
        move('organizationalUnit', old!, 'ou=y', node),
        unit('x'),
        move('group', staff!, 'cn=team', node),
        group('staff'),
        { ...group('inner'), parentLocation: old!.location },
      ];
      await applyAll(...changes);
      if (how !== 'as it is made') {
        session = await openSession();
        await apply(changes, true);
      }
      for (const { location } of [staff!, left!])
        expect(await valuesOf(location, 'member')).toEqual([location]);
      for (const dn of [`cn=team,${node}`, `cn=inner,ou=y,${node}`])
        expect(await valuesOf(dn, 'member')).toEqual([dn]);
    },
  );

  test('so do manager, secretary and owner, whoever holds them', async () => {
    const [a, boss] = await applyAll(unit('a'), person('boss'));
    const { location } = boss!;
    const named = { ...person('u'), set: { ...person('u').set, manager: [location], secretary: [location] } };
    await applyAll(named, group('staff', ['groupOfNames'], { owner: [location] }));
    const naming = async (): Promise<string[]> => [
      ...(await valuesOf(`uid=u,${node}`, 'manager')),
      ...(await valuesOf(`uid=u,${node}`, 'secretary')),
      ...(await valuesOf(`cn=staff,${node}`, 'owner')),
    ];
    await applyAll(move('user', boss!, 'uid=boss', a!.location));
    expect(new Set(await naming())).toEqual(new Set([`uid=boss,ou=a,${node}`]));
    await applyAll(move('organizationalUnit', a!, 'ou=c', node));
    expect(await naming()).toEqual(Array.from({ length: 3 }, () => `uid=boss,ou=c,${node}`));
  });

  test('who is not allowed to follow is named', async () => {
    await using strict = await startSlapd({
      dbnosync: true,
      extraConfig: `access to attrs=manager by * read
access to * by dn.exact="cn=writer,${suffix}" write by anonymous auth by * none
`,
    });
    await strict.addLdif(`dn: cn=writer,${suffix}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: writer
userPassword: secret

${ldifOf('boss')}
${ldifOf('U', `manager: uid=boss,${suffix}`, `secretary: uid=boss,${suffix}`)}
${ldifOf('free', `secretary: uid=boss,${suffix}`)}`);
    const writer = { bindDn: `cn=writer,${suffix}`, password: 'secret' };
    const endpoint = await openLdap(settingsOf(strict, writer));
    await session[Symbol.asyncDispose]();
    session = await endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
    const boss = { externalId: null, location: `uid=boss,${suffix}` };
    const renamed = change({
      kind: 'user',
      verb: 'move',
      ...boss,
      name: 'uid=chief',
      parentLocation: suffix,
    });
    expect(await applyOne(renamed)).toMatchObject({ ok: true, unfollowed: [`uid=u,${suffix}`] });
    const entries = await strict.entries();
    const naming = entries.map(({ attributes: { manager, secretary } }) =>
      [manager, secretary].flat().map(String),
    );
    expect(naming.filter((names) => names.some((name) => name.startsWith('uid=')))).toEqual([
      [`uid=boss,${suffix}`, `uid=chief,${suffix}`],
      ['undefined', `uid=chief,${suffix}`],
    ]);
  });

  test('removal finds the value however it is spelled', async () => {
    const [staff, user] = await applyAll(group('staff', ['groupOfUniqueNames']), person('U'));
    await applyAll(membership('addMember', staff!, user!));
    await server.addLdif(
      `dn: ${staff!.location}\nchangetype: modify\nreplace: uniqueMember\nuniqueMember: UID=u, ${node}#'01'B\n`,
    );
    await applyAll(membership('removeMember', staff!, user!));
    expect(await valuesOf(staff!.location, 'uniqueMember')).toEqual([staff!.location]);
  });

  test('members whom somebody else took out meanwhile are out, and the others go with them', async () => {
    const [staff, ...users] = await applyAll(group('staff'), person('a'), person('b'), person('c'));
    await applyAll(...users.map((user) => membership('addMember', staff!, user)));
    await server.addLdif(
      `dn: ${staff!.location}\nchangetype: modify\ndelete: member\nmember: ${users[0]!.location}\nmember: ${users[2]!.location}\n`,
    );
    await applyAll(...users.map((user) => membership('removeMember', staff!, user)));
    expect(await valuesOf(staff!.location, 'member')).toEqual([staff!.location]);
  });

  test('a member without a place in the target, and a group that is gone, fail alone', async () => {
    const [staff, user] = await applyAll(group('staff'), person('u'));
    const nowhere = membership('addMember', staff!, user!);
    const outcomes = await apply([
      { ...nowhere, member: { ...nowhere.member!, location: null, externalId: null } },
      { ...membership('addMember', staff!, user!), externalId: null, location: `cn=gone,${node}` },
      membership('addMember', staff!, user!),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code))).toEqual([
      'ReferenceNotFound',
      'NotFound',
      'ok',
    ]);
  });
});

describe('recovering', () => {
  test('a batch that was carried out already has the same outcomes and leaves the same directory', async () => {
    const [a, b, staff, user, gone, mover] = await applyAll(
      unit('a'),
      unit('b'),
      group('staff'),
      person('u'),
      person('gone'),
      person('m'),
    );
    await applyAll(membership('addMember', staff!, mover!));
    const batch = [
      person('new'),
      group('fresh'),
      change({
        kind: 'user',
        verb: 'move',
        ...at(mover!),
        name: 'uid=m2',
        parentLocation: a!.location,
        before: { uid: ['m'], sn: ['m'] },
        set: { uid: ['m2'], sn: ['M2'] },
      }),
      change({
        kind: 'organizationalUnit',
        verb: 'move',
        ...at(a!),
        name: 'ou=a2',
        parentLocation: b!.location,
        before: { ou: ['a'] },
        set: { ou: ['a2'] },
      }),
      change({ kind: 'user', verb: 'update', ...at(user!), before: { sn: ['u'] }, set: { sn: ['x'] } }),
      change({ kind: 'user', verb: 'delete', ...at(gone!) }),
      membership('addMember', staff!, user!),
      membership('removeMember', staff!, { ...mover!, reference: `uid=m2,ou=a2,ou=b,${node}` }),
    ];
    const first = await apply(batch);
    expect(first.every(({ ok }) => ok)).toBe(true);
    const before = contents(await server.entries());
    await session[Symbol.asyncDispose]();
    session = await openSession();
    const second = await apply(batch, true);
    expect(second.map(({ ok }) => ok)).toEqual(first.map(() => true));
    expect(second.slice(0, 2)).toEqual(first.slice(0, 2));
    expect(contents(await server.entries())).toEqual(before);
  });

  test('an entry of somebody else that stands in the way is no success', async () => {
    await applyAll({ ...person('u'), set: { ...person('u').set, sn: ['Other'] } });
    expect(await applyOne(person('u'), true)).toMatchObject({ ok: false, code: 'NameTaken' });
    expect(await applyOne(person('u'))).toMatchObject({ ok: false, code: 'NameTaken' });
  });

  test('cut off between any two operations and begun again, it ends in the same state', async () => {
    const people = Array.from({ length: 8 }, (_, index) => person(`p${index}`));
    const [staff] = await applyAll(group('staff'));
    for (let cut = 0; cut < people.length; cut += 2) {
      const part = people.slice(0, cut + 1);
      const outcomes = await apply(part, true);
      expect(outcomes.every(({ ok }) => ok)).toBe(true);
    }
    const all = await apply(people, true);
    const adds = all.map((each) => membership('addMember', staff!, each));
    await apply(adds.slice(0, 5));
    expect((await apply(adds, true)).every(({ ok }) => ok)).toBe(true);
    expect(await valuesOf(staff!.location, 'member')).toHaveLength(8);
  });
});

describe('the server as a whole', () => {
  test('one that is gone fails the batch, and the next batch connects again', async () => {
    await applyAll(person('before'));
    await server.halt('SIGKILL');
    try {
      const signal = new AbortController().signal;
      await expect(session.apply([person('during')], { recovering: false, signal })).rejects.toMatchObject({
        code: 'ConnectionFailed',
      });
    } finally {
      await server.resume();
    }
    expect((await applyOne(person('during'), true)).ok).toBe(true);
  });

  test('a cancelled batch throws and starts nothing more', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(
      session.apply([person('never')], { recovering: false, signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'Cancelled' });
    expect(await find(`uid=never,${node}`)).toBeUndefined();
  });
});

test('a request that is too long for the server fails alone, and says what to do', async () => {
  const globalConfig = 'sockbuf_max_incoming_auth 3000000\n';
  await using small = await startSlapd({ dbnosync: true, globalConfig });
  const endpoint = await openLdap(settingsOf(small));
  await using own = await endpoint.openTarget({ job: 'job', scopes: [{ node: suffix }] });
  const withPhoto = (uid: string, bytes: number): TargetChange => {
    const plain = person(uid, suffix);
    return { ...plain, set: { ...plain.set, jpegPhoto: [Buffer.alloc(bytes, 0xff)] } };
  };
  const changes = [person('a', suffix), withPhoto('huge', 4e6), withPhoto('large', 2e6), person('z', suffix)];
  const options = { recovering: false, signal: new AbortController().signal };
  const ordered = changes.map((made, ordinal) => ({ ...made, ordinal }));
  const outcomes = await own.apply(ordered, options);
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true, true]);
  expect(outcomes[1]).toMatchObject({
    code: 'TargetRejected',
    message: expect.stringMatching(/"uid=huge,dc=example,dc=com".* 4\.0 MB .*sockbuf_max_incoming_auth/),
  });
  const dns = (await small.entries()).map(({ dn }) => dn);
  expect(dns.toSorted()).toEqual([suffix, ...['a', 'large', 'z'].map((uid) => `uid=${uid},${suffix}`)]);
});

test('large requests go one at a time, each over a connection of its own', async () => {
  const settings = settingsOf(server);
  const connect = makeConnect(settings, { baseDirectory: '/', secret: () => undefined });
  const opened: LdapClient[] = [];
  let most = 0;
  const counting: typeof connect = async (signal) => {
    const client = await connect(signal);
    opened.push(client);
    most = Math.max(most, opened.filter(({ alive }) => alive).length);
    return client;
  };
  await using own = new LdapTargetSession(resolveShape(settings), [{ node }], counting);
  const photos = Array.from({ length: 6 }, (_, ordinal) => {
    const plain = person(`photo${ordinal}`);
    return { ...plain, ordinal, set: { ...plain.set, jpegPhoto: [Buffer.alloc(1_100_000, 0xff)] } };
  });
  const outcomes = await own.apply(photos, { recovering: false, signal: new AbortController().signal });
  expect(outcomes.map(({ ok }) => ok)).toEqual(photos.map(() => true));
  // With the session's own.
  expect([opened.length, most]).toEqual([7, 2]);
});

/** What is in the directory, without the server's own bookkeeping. */
function contents(entries: readonly DumpedEntry[]): unknown {
  return entries.map(({ dn, attributes }) => [
    dn,
    Object.entries(attributes)
      .filter(([name]) => !/^(modif|entryCSN|creat|structural)/.test(name))
      .map(([name, values]) => [name, values.map(String).sort()]),
  ]);
}
