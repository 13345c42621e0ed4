import { afterEach, describe, expect, test } from 'vitest';
import { type EntraWorld, makeEntraWorld } from '../../../../test/simulators/entra-world.ts';
import type { AttributeValue } from '../../directory/attributes.ts';
import type { Endpoint, TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';

let world: EntraWorld;
let endpoint: Endpoint;
let session: TargetSession;
let ordinal = 0;
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

async function start(
  options: Parameters<typeof makeEntraWorld>[0] = {},
  settings: Record<string, unknown> = {},
): Promise<void> {
  world = await makeEntraWorld(options);
  endpoint = await world.open(settings);
  await world.read(endpoint, { asTarget: true });
  session = await endpoint.openTarget({ job: 'job', scopes: [{ node: '' }] });
  world.graph.requests.reset();
}

type Given = Readonly<Record<string, string | readonly AttributeValue[]>>;
const lists = (given: Given): Record<string, readonly AttributeValue[]> =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]),
  );

function change(
  verb: TargetChange['verb'],
  kind: TargetChange['kind'],
  more: Partial<TargetChange>,
): TargetChange {
  ordinal += 1;
  const nothing = { externalId: null, location: null, parentLocation: null, name: null, set: {}, before: {} };
  return { ...nothing, ordinal, verb, kind, ...more };
}

/** A create as the engine makes it: mapped attributes, projected. */
function create(kind: 'user' | 'group', mapped: Given): TargetChange {
  const { name, attributes } = endpoint.project(kind, lists(mapped), null);
  return change('create', kind, { name, set: attributes, parentLocation: '' });
}

const ada = { userPrincipalName: 'ada@contoso.example', mailNickname: 'ada', displayName: 'Ada Lovelace' };

function member(verb: 'addMember' | 'removeMember', groupId: string, memberId: string): TargetChange {
  const reference = { externalId: memberId, location: memberId, alias: null, reference: memberId };
  return change(verb, 'membership', { externalId: groupId, member: { kind: 'user', ...reference } });
}

async function apply(
  changes: readonly TargetChange[],
  recovering = false,
): Promise<readonly TargetOutcome[]> {
  return session.apply(changes, { recovering, signal: new AbortController().signal });
}

async function applyOne(one: TargetChange, recovering = false): Promise<TargetOutcome> {
  return (await apply([one], recovering))[0]!;
}

function idOf(outcome: TargetOutcome | undefined): string {
  if (outcome?.ok !== true || outcome.externalId === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.externalId;
}

async function make(kind: 'user' | 'group', mapped: Given): Promise<string> {
  return idOf(await applyOne(create(kind, mapped)));
}

const stored = (id: string) => world.graph.directory.get(id).properties;

describe('creating', () => {
  test('a person gets an enabled account with a password that must be changed', async () => {
    await start();
    const id = await make('user', { ...ada, jobTitle: 'Countess' });
    expect(stored(id)).toMatchObject({
      userPrincipalName: 'ada@contoso.example',
      mailNickname: 'ada',
      displayName: 'Ada Lovelace',
      surname: 'Lovelace',
      jobTitle: 'Countess',
      accountEnabled: true,
    });
    const [sent] = world.graph.requests.list({ method: 'POST', path: '/users' });
    expect(sent?.body).toMatchObject({ passwordProfile: { forceChangePasswordNextSignIn: true } });
    expect(JSON.stringify(world.replica.contents('user'))).not.toContain('password');
  });

  test('a group is a security group with a nickname of its own', async () => {
    await start();
    const made = await apply(
      [1, 2, 3].map(() => create('group', { displayName: 'Büro & Co', mailNickname: 'Büro & Co' })),
    );
    expect(made.map((outcome) => stored(idOf(outcome)))).toMatchObject(
      ['Buro..Co', 'Buro..Co2', 'Buro..Co3'].map((mailNickname) => ({
        displayName: 'Büro & Co',
        mailNickname: mailNickname.replace('..', '.'),
        mailEnabled: false,
        securityEnabled: true,
      })),
    );
  });

  test('the second person of one user principal name is a conflict, and the others go on', async () => {
    await start();
    const outcomes = await apply([
      create('user', ada),
      create('user', { ...ada, displayName: 'Thief' }),
      create('user', { userPrincipalName: 'ben@contoso.example', mailNickname: 'ben' }),
    ]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(outcomes[1]).toMatchObject({
      code: 'NameTaken',
      message: expect.stringContaining('ada@contoso.example') as string,
    });
  });

  test('is not sent again by an attempt that finds what the one before made', async () => {
    await start();
    const changes = [create('user', ada), create('group', { displayName: 'Team', mailNickname: 'Team' })];
    const ids = (await apply(changes)).map(idOf);
    session = await (await world.open()).openTarget({ job: 'job', scopes: [{ node: '' }] });
    // The copy of the process that was killed knows nothing of it.
    world.replica.written.splice(0);
    const again = await applyAfterLoss(changes, ids);
    expect(again.map(idOf)).toEqual(ids);
    expect(world.graph.directory.list('user')).toHaveLength(1);
    expect(world.graph.directory.list('group')).toHaveLength(1);
  });

  test('a stranger of the same name is not taken for what the attempt before made', async () => {
    await start();
    world.graph.directory.addUser({ userPrincipalName: 'ada@contoso.example', displayName: 'Somebody else' });
    expect(await applyOne(create('user', ada), true)).toMatchObject({ ok: false, code: 'NameTaken' });
  });

  test('is known again from the copy when what followed in the batch broke off', async () => {
    await start();
    const id = await make('user', { userPrincipalName: 'bo@contoso.example', mailNickname: 'bo' });
    const batch = [
      create('user', ada),
      create('group', { displayName: 'Team' }),
      change('update', 'user', { externalId: id, set: lists({ jobTitle: 'Analyst' }) }),
    ];
    world.graph.faults.plan({ fault: { kind: 'disconnect' }, path: /batch/, after: 1 });
    await expect(apply(batch)).rejects.toMatchObject({ code: 'ConnectionFailed' });
    session = await (await world.open()).openTarget({ job: 'job', scopes: [{ node: '' }] });
    expect((await apply(batch, true)).map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(world.graph.directory.list('user')).toHaveLength(2);
    expect(world.graph.directory.list('group')).toHaveLength(1);
    const [read] = Object.values((await world.read(endpoint)).objects).filter(({ name }) => name === 'Team');
    expect(Object.keys(read?.attributes ?? {}).filter((name) => name.includes('@'))).toEqual([]);
  });

  test.each(['user', 'group'] as const)(
    'a %s whose answer is lost is waited for, and not made twice',
    async (kind) => {
      await start({ behaviour: { hideNewObjectsFor: Infinity } });
      world.onWait = () => {
        if (world.waits.length === 3) world.graph.replicate();
      };
      const fault = { kind: 'status', status: 504, applied: true } as const;
      world.graph.faults.plan({ fault, path: /^\/(users|groups)$/, inBatch: true });
      const id = await make(kind, kind === 'user' ? ada : { displayName: 'Team' });
      expect(world.graph.directory.list(kind).map((made) => made.id)).toEqual([id]);
    },
  );

  test('a group of which there is no trace is sent again', async () => {
    await start();
    world.graph.faults.plan({ fault: { kind: 'status', status: 504 }, path: /^\/groups$/, inBatch: true });
    const id = await make('group', { displayName: 'Team' });
    expect(world.graph.directory.list('group').map((made) => made.id)).toEqual([id]);
  });

  test('an answer that is lost is no second account', async () => {
    await start();
    world.graph.faults.plan({
      fault: { kind: 'status', status: 504, applied: true },
      path: /^\/users$/,
      inBatch: true,
    });
    const id = await make('user', ada);
    expect(world.graph.directory.list('user').map((user) => user.id)).toEqual([id]);
  });
});

/** Forgets in the copy what was made, as a crash before it was told would. */
async function applyAfterLoss(changes: readonly TargetChange[], ids: readonly string[]) {
  const kinds = ['user', 'group'] as const;
  await world.replica.write(
    ids.map((externalId, index) => ({ verb: 'remove', kind: kinds[index]!, externalId })),
  );
  return apply(changes, true);
}

const rename = (externalId: string, name: string) =>
  change('move', 'user', { externalId, set: lists({ userPrincipalName: name }) });

describe('creating in a scope', () => {
  test.each(['group', 'administrativeUnit'] as const)('puts what is new into the %s', async (of) => {
    await start();
    const node = `${of}:${ofScope(of)}`;
    const batch = [create('user', ada), create('group', { displayName: 'Team' })];
    const ids = (await apply(batch.map((one) => ({ ...one, parentLocation: node })))).map(idOf);
    const { objects } = await world.read(endpoint, { scopes: [{ node }] });
    expect(Object.keys(objects)).toEqual(expect.arrayContaining(ids));
  });

  test('leaves nothing behind that cannot be put there', async () => {
    await start();
    const groups = world.graph.directory.list('group').length;
    const gone = 'group:00000000-0000-0000-0000-000000000000';
    const outcome = await applyOne({ ...create('group', { displayName: 'T' }), parentLocation: gone });
    expect(outcome).toMatchObject({ ok: false, code: 'NotFound' });
    expect(world.graph.directory.list('group')).toHaveLength(groups);
    expect(Object.keys((await world.read(endpoint)).objects)).toHaveLength(groups);
  });
});

function ofScope(of: 'group' | 'administrativeUnit'): string {
  const key = of === 'group' ? 'groups' : 'administrativeUnits';
  return world.graph.directory.seed({ [key]: [{ displayName: 'West' }] }).get('West') ?? '';
}

describe('changing', () => {
  test('sets and removes attributes, renames, disables and enables', async () => {
    await start();
    const id = await make('user', { ...ada, jobTitle: 'Countess', mobilePhone: '1' });
    const at = { externalId: id, location: id };
    const outcomes = await apply([
      change('update', 'user', { ...at, set: lists({ jobTitle: 'Analyst', mobilePhone: [] }) }),
      change('move', 'user', {
        ...at,
        set: lists({ userPrincipalName: 'a@contoso.example' }),
        enabled: false,
      }),
    ]);
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(stored(id)).toMatchObject({
      jobTitle: 'Analyst',
      mobilePhone: null,
      userPrincipalName: 'a@contoso.example',
      accountEnabled: false,
    });
    await apply([change('enable', 'user', { ...at, enabled: true })]);
    expect(stored(id)).toMatchObject({ accountEnabled: true });
  });

  test('names may pass from one person to the next in one batch', async () => {
    await start();
    const [one, two] = [
      await make('user', ada),
      await make('user', { userPrincipalName: 'two@contoso.example', mailNickname: 'two' }),
    ];
    const outcomes = await apply([rename(one, 'two@contoso.example'), rename(two, 'three@contoso.example')]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
    expect([stored(one), stored(two)]).toMatchObject([
      { userPrincipalName: 'two@contoso.example' },
      { userPrincipalName: 'three@contoso.example' },
    ]);
  });

  test('a manager is set, replaced and taken away by reference', async () => {
    await start();
    const boss = await make('user', { userPrincipalName: 'boss@contoso.example', mailNickname: 'boss' });
    const id = idOf(
      await applyOne({ ...create('user', ada), set: { ...create('user', ada).set, manager: [boss] } }),
    );
    expect(world.graph.directory.get(id).manager).toBe(boss);
    await apply([change('update', 'user', { externalId: id, set: { manager: [] } })]);
    expect(world.graph.directory.get(id).manager).toBeUndefined();
    expect(world.replica.contents('user')[id]).not.toHaveProperty('manager');
  });

  test('what is not there fails by itself', async () => {
    await start();
    const id = await make('user', ada);
    const ghost = '00000000-0000-0000-0000-000000000000';
    const outcomes = await apply([
      change('update', 'user', { externalId: ghost, set: lists({ jobTitle: 'x' }) }),
      change('update', 'user', { externalId: id, set: lists({ jobTitle: 'y' }) }),
    ]);
    expect(outcomes).toMatchObject([{ ok: false, code: 'NotFound' }, { ok: true }]);
  });
});

describe('deleting', () => {
  test('deletes, and what is gone already is done', async () => {
    await start();
    const id = await make('user', ada);
    const remove = change('delete', 'user', { externalId: id });
    expect(await applyOne(remove)).toMatchObject({ ok: true });
    expect(world.graph.directory.listDeleted('user')).toHaveLength(1);
    expect(await applyOne(remove, true)).toMatchObject({ ok: true });
    expect(world.replica.contents('user')).toEqual({});
  });

  test('suspends people and leaves groups alone where the connection says so', async () => {
    await start({}, { deletion: { user: 'suspend', group: 'do_nothing' } });
    const [id, team] = [await make('user', ada), await make('group', { displayName: 'Team' })];
    const outcomes = await apply([
      change('delete', 'user', { externalId: id }),
      change('delete', 'group', { externalId: team }),
    ]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
    expect(stored(id)).toMatchObject({ accountEnabled: false });
    expect(world.graph.directory.list('group')).toHaveLength(1);
  });
});

async function crowd(count: number): Promise<{ team: string; people: string[] }> {
  const people = Array.from({ length: count }, (_, index) =>
    create('user', { userPrincipalName: `p${index}@contoso.example`, mailNickname: `p${index}` }),
  );
  const made = await apply([...people, create('group', { displayName: 'Team' })]);
  world.graph.requests.reset();
  const ids = made.map(idOf);
  return { team: ids.at(-1)!, people: ids.slice(0, -1) };
}

describe('members', () => {
  test('are added twenty to a request and twenty requests to a batch', async () => {
    await start();
    const { team, people } = await crowd(45);
    const outcomes = await apply(people.map((id) => member('addMember', team, id)));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(world.graph.directory.get(team).members.toSorted()).toEqual(people.toSorted());
    expect(world.graph.requests.count({ method: 'PATCH' })).toBe(3);
    expect(world.graph.requests.count({ path: '/$batch' })).toBe(1);
  });

  test('are twenty to a write when the time is told that a plan takes', async () => {
    await start();
    expect(session.leastSeconds?.({ objects: 7, memberships: 45 })).toBe(7 + 3);
  });

  test('one who is a member already, or not there at all, spoils nothing for the others', async () => {
    await start();
    const { team, people } = await crowd(3);
    world.graph.directory.addMember(team, people[0]!);
    const ghost = '00000000-0000-0000-0000-000000000000';
    const outcomes = await apply([...people, ghost].map((id) => member('addMember', team, id)));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(world.graph.directory.get(team).members.toSorted()).toEqual(people.toSorted());
  });

  test('are removed, also those who are none any more', async () => {
    await start();
    const { team, people } = await crowd(2);
    world.graph.directory.addMember(team, people[0]!);
    const outcomes = await apply(people.map((id) => member('removeMember', team, id)));
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
    expect(world.graph.directory.get(team).members).toEqual([]);
  });
});

describe('what Graph does on the way', () => {
  test('throttled items of a batch are sent again, those alone, after the longest wait', async () => {
    await start({ behaviour: { batchReversesAnswers: true } });
    const throttled = { kind: 'status', status: 429, retryAfter: '1.5' } as const;
    world.graph.faults.plan({ fault: throttled, path: /^\/users$/, inBatch: true, times: 2, after: 1 });
    const people = [1, 2, 3, 4].map((index) =>
      create('user', { userPrincipalName: `p${index}@contoso.example`, mailNickname: `p${index}` }),
    );
    const outcomes = await apply(people);
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(outcomes.map((outcome) => stored(idOf(outcome))['mailNickname'])).toEqual([
      'p1',
      'p2',
      'p3',
      'p4',
    ]);
    expect(world.graph.requests.count({ method: 'POST', path: '/users' })).toBe(6);
    expect(world.waits).toEqual([1.5]);
  });

  test('an object that Graph does not know yet everywhere is waited for', async () => {
    await start({ behaviour: { hideNewObjectsFor: 2 } });
    const [person, team] = (await apply([create('user', ada), create('group', { displayName: 'Team' })])).map(
      idOf,
    );
    const outcomes = await apply([
      member('addMember', team!, person!),
      change('update', 'user', { externalId: person!, set: lists({ jobTitle: 'Analyst' }) }),
    ]);
    expect(outcomes).toMatchObject([{ ok: true }, { ok: true }]);
    expect(world.graph.directory.get(team!).members).toEqual([person]);
    expect(world.waits.length).toBeGreaterThan(0);
  });

  test('the next read has what was written, though delta queries do not tell it yet', async () => {
    await start();
    world.graph.withholdChanges();
    const id = await make('user', ada);
    const { objects } = await world.read(endpoint, { asTarget: true });
    expect(objects[id]).toMatchObject({ enabled: true, attributes: { displayName: ['Ada Lovelace'] } });
    world.graph.releaseChanges();
    expect(Object.keys((await world.read(endpoint)).objects)).toEqual([id]);
  });

  test('a batch that is cut off is for the engine to try again, and what it did is in the copy', async () => {
    await start();
    const id = await make('user', ada);
    world.graph.faults.plan({ fault: { kind: 'disconnect' }, path: /batch/, after: 1 });
    const batch = [
      change('update', 'user', { externalId: id, set: lists({ jobTitle: 'Analyst' }) }),
      create('group', { displayName: 'Team' }),
    ];
    await expect(apply(batch)).rejects.toMatchObject({ code: 'ConnectionFailed' });
    expect(world.replica.contents('user')[id]).toMatchObject({ jobTitle: 'Analyst' });
    expect((await apply(batch, true)).map(({ ok }) => ok)).toEqual([true, true]);
  });

  test('what never ends being unavailable is said of Graph, not of the object', async () => {
    await start();
    world.graph.faults.plan({
      fault: { kind: 'status', status: 503 },
      path: /^\/users$/,
      inBatch: true,
      times: 50,
    });
    await expect(apply([create('user', ada)])).rejects.toMatchObject({ code: 'ConnectionFailed' });
  });

  test('an item that asks to wait for long ends the attempt', async () => {
    await start();
    const fault = { kind: 'status', status: 429, retryAfter: '99999999' } as const;
    world.graph.faults.plan({ fault, path: /^\/users$/, inBatch: true });
    await expect(apply([create('user', ada)])).rejects.toMatchObject({ code: 'ConnectionFailed' });
    expect(world.waits).toEqual([]);
  });

  test.each([
    { kind: 'truncated', cut: 'json' },
    { kind: 'html', status: 200 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 200 },
  ] as const)('an answer to a batch that says nothing (%j) is for another attempt', async (fault) => {
    await start();
    const batch = [create('user', ada), create('group', { displayName: 'Team' })];
    world.graph.faults.plan({ fault, path: /batch/ });
    await expect(apply(batch)).rejects.toMatchObject({ code: 'ConnectionFailed' });
    session = await (await world.open()).openTarget({ job: 'job', scopes: [{ node: '' }] });
    expect((await apply(batch, true)).map(({ ok }) => ok)).toEqual([true, true]);
    expect(world.graph.directory.list('group')).toHaveLength(1);
  });

  test('a refusal is a row with what Graph says', async () => {
    await start();
    world.graph.faults.plan({
      fault: {
        kind: 'status',
        status: 403,
        code: 'Authorization_RequestDenied',
        message: 'Insufficient privileges',
      },
      path: /^\/users$/,
      inBatch: true,
    });
    expect(await applyOne(create('user', ada))).toMatchObject({
      ok: false,
      message: expect.stringContaining('User.ReadWrite.All') as string,
    });
  });
});
