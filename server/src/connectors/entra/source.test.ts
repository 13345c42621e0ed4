import { afterEach, describe, expect, test } from 'vitest';
import { type EntraWorld, makeEntraWorld } from '../../../../test/simulators/entra-world.ts';

let world: EntraWorld;
afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

type Options = Parameters<typeof makeEntraWorld>[0];

const person = (name: string, more = {}) => ({
  userPrincipalName: `${name}@contoso.example`,
  displayName: name,
  department: 'Sales',
  ...more,
});

/** Five people, of whom one is a guest and one disabled; a group, and one that has it as a member. */
async function company(options: Options = {}): Promise<{ id: (name: string) => string }> {
  world = await makeEntraWorld(options);
  const ids = world.graph.directory.seed({
    users: [
      person('ann', { jobTitle: 'Boss', mail: 'ann@contoso.example', businessPhones: ['+1 5'] }),
      person('ben', { manager: 'ann@contoso.example', accountEnabled: false }),
      person('cid', { department: 'Support' }),
      person('dee', { userType: 'Guest' }),
      person('eve'),
    ],
    groups: [
      { displayName: 'Team', members: ['ben@contoso.example', 'cid@contoso.example'] },
      { displayName: 'All', members: ['Team', 'ann@contoso.example'] },
    ],
    administrativeUnits: [{ displayName: 'West', members: ['dee@contoso.example', 'Team'] }],
  });
  return { id: (name) => ids.get(`${name}@contoso.example`) ?? ids.get(name) ?? '' };
}

function names(objects: Record<string, { name: string }>): string[] {
  return Object.values(objects)
    .map(({ name }) => name.replace('@contoso.example', ''))
    .toSorted();
}

const everybody = ['All', 'Team', 'ann', 'ben', 'cid', 'dee', 'eve'];

describe('reading a tenant', () => {
  test('gives people with state and attributes, and groups with members', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    const user = ['jobTitle', 'businessPhones', 'manager', 'userType'];
    const { objects, end } = await world.read(endpoint, { user });
    expect(end).toMatchObject({ complete: true, position: world.replica.sequence });
    expect(names(objects)).toEqual(everybody);
    expect(objects[id('ann')]).toMatchObject({
      reference: id('ann'),
      enabled: true,
      parents: [],
      attributes: { jobTitle: ['Boss'], businessPhones: ['+1 5'], mail: ['ann@contoso.example'] },
    });
    expect(objects[id('ben')]).toMatchObject({ enabled: false, attributes: { manager: [id('ann')] } });
    expect(objects[id('dee')]?.attributes['userType']).toEqual(['Guest']);
    expect(objects[id('Team')]?.members).toEqual([id('ben'), id('cid')].toSorted());
    expect(objects[id('All')]?.members).toEqual([id('ann'), id('Team')].toSorted());
  });

  test('costs two requests when nothing has changed, and gives the same fingerprints', async () => {
    await company();
    const endpoint = await world.open();
    await world.read(endpoint);
    const before = world.replica.sequence;
    world.graph.requests.reset();
    const { objects } = await world.read(endpoint);
    expect(names(objects)).toEqual(everybody);
    expect(world.graph.requests.summary()).toEqual({ 'GET /users/delta': 1, 'GET /groups/delta': 1 });
    const changed = await world.read(endpoint, { since: before + 2 });
    expect(changed).toMatchObject({ objects: {}, gone: [], end: { changesOnly: true } });
  });

  test.each<[string, NonNullable<Options>['behaviour']]>([
    [
      'small pages in any order, with objects and members told several times',
      {
        deltaPageSize: 2,
        deltaMembersPerObject: 1,
        deltaEmptyPages: 2,
        deltaRepeatsObjects: true,
        deltaShuffleSeed: 7,
      },
    ],
    [
      'rounds told twice and changed properties only',
      { deltaReplays: true, deltaChangedPropertiesOnly: true },
    ],
    ['deleted objects told at first', { deltaTellsDeletedAtFirst: true }],
  ])('comes to the same with %s', async (_name, behaviour) => {
    const { id } = await company({ behaviour: behaviour ?? {} });
    const endpoint = await world.open();
    const options = { user: ['jobTitle', 'department'] };
    await world.read(endpoint, options);
    world.graph.directory.update(id('ann'), { jobTitle: null });
    world.graph.directory.update(id('cid'), { displayName: 'Sid' });
    world.graph.directory.removeMember(id('Team'), id('ben'));
    world.graph.directory.addMember(id('Team'), id('eve'));
    world.graph.directory.delete(id('dee'));
    for (let round = 0; round < 2; round += 1) {
      const { objects } = await world.read(endpoint, options);
      expect(names(objects)).toEqual(everybody.filter((name) => name !== 'dee'));
      expect(objects[id('ann')]?.attributes['jobTitle']).toBeUndefined();
      expect(objects[id('ann')]?.attributes['department']).toEqual(['Sales']);
      expect(objects[id('cid')]?.attributes['displayName']).toEqual(['Sid']);
      expect(objects[id('Team')]?.members).toEqual([id('cid'), id('eve')].toSorted());
    }
  });

  test('tells what changed since a position: changed, gone, members', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    const { end } = await world.read(endpoint);
    world.graph.directory.update(id('ann'), { displayName: 'Anna' });
    world.graph.directory.addMember(id('Team'), id('eve'));
    world.graph.directory.delete(id('dee'));
    const { objects, gone, end: after } = await world.read(endpoint, { since: end.position });
    expect(Object.keys(objects).toSorted()).toEqual([id('ann'), id('Team')].toSorted());
    expect(objects[id('Team')]?.memberChanges).toEqual({ added: [id('eve')], removed: [] });
    expect(gone).toEqual([id('dee')]);
    expect(after).toMatchObject({ complete: true, changesOnly: true });
  });

  test('somebody deleted is gone, and back when restored', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    await world.read(endpoint);
    world.graph.directory.delete(id('eve'));
    expect(names((await world.read(endpoint)).objects)).not.toContain('eve');
    world.graph.directory.restore(id('eve'));
    expect(names((await world.read(endpoint)).objects)).toEqual(everybody);
  });

  test('goes on where it was cut off', async () => {
    await company({ behaviour: { deltaPageSize: 2 } });
    const endpoint = await world.open();
    let pages = 0;
    world.replica.beforeWrite = () => {
      pages += 1;
      if (pages === 3) throw new Error('the process was killed');
    };
    await expect(world.read(endpoint)).rejects.toThrow('killed');
    expect(world.replica.whole).toBe(false);
    world.graph.requests.reset();
    const { objects } = await world.read(await world.open());
    expect(names(objects)).toEqual(everybody);
    // Of three pages of users two were kept.
    expect(world.graph.requests.count({ path: '/users/delta' })).toBe(1);
  });

  test.each(['killed', 'expired'])(
    'reads everything again when the place is %s, and removes only what is gone',
    async (how) => {
      const { id } = await company({ behaviour: { deltaPageSize: 2 } });
      const endpoint = await world.open();
      const options = { user: ['jobTitle'] };
      await world.read(endpoint, options);
      world.graph.directory.purge(id('eve'));
      world.graph.directory.update(id('ann'), { jobTitle: null });
      world.graph.directory.removeMember(id('Team'), id('ben'));
      if (how === 'killed') world.graph.killDeltaTokens();
      else world.graph.advanceClock(8 * 24 * 3600);
      const seen: number[] = [];
      world.replica.beforeWrite = () => void seen.push(Object.keys(world.replica.contents('user')).length);
      const { objects, end } = await world.read(endpoint, options);
      expect(end.complete).toBe(true);
      expect(names(objects)).toEqual(everybody.filter((name) => name !== 'eve'));
      expect(objects[id('ann')]?.attributes['jobTitle']).toBeUndefined();
      expect(objects[id('Team')]?.members).toEqual([id('cid')]);
      // Nobody went before the end of the round.
      expect(Math.min(...seen)).toBe(5);
    },
  );

  test('reads everything again after a week, for what was never told', async () => {
    await company();
    const endpoint = await world.open();
    await world.read(endpoint);
    // Somebody who was told of once and whose end was not.
    await world.replica.write([
      { verb: 'merge', kind: 'user', externalId: 'ghost', attributes: { id: 'ghost' } },
    ]);
    expect((await world.read(endpoint)).objects).toHaveProperty('ghost');
    const cursor = world.replica.cursor as { wholeAt: number };
    cursor.wholeAt -= 7 * 24 * 3600 * 1000;
    expect((await world.read(endpoint)).objects).not.toHaveProperty('ghost');
  });

  test('begins anew when the place dies in the middle of a whole round', async () => {
    await company({ behaviour: { deltaPageSize: 2 } });
    const endpoint = await world.open();
    world.graph.faults.plan({
      fault: { kind: 'status', status: 410, code: 'resyncRequired' },
      path: /delta/,
      after: 1,
    });
    const { objects, end } = await world.read(endpoint);
    expect(end.complete).toBe(true);
    expect(names(objects)).toEqual(everybody);
  });

  test.each(['same', 'fresh'] as const)(
    'does not follow endless next links (%s)',
    async (endlessNextLinks) => {
      await company({ behaviour: { endlessNextLinks } });
      const endpoint = await world.open();
      const { objects, end } = await world.read(endpoint);
      expect(objects).toEqual({});
      expect(end).toMatchObject({
        complete: false,
        reason: expect.stringContaining('Microsoft Graph sent') as string,
      });
      expect(world.graph.requests.count({ path: '/users/delta' })).toBeLessThan(150);
      world.graph.behaviour.endlessNextLinks = undefined;
      expect(names((await world.read(endpoint)).objects)).toEqual(everybody);
    },
  );

  test.each([2, 200])(
    'sends nothing to another origin that a link names, and forgets it (pages of %i)',
    async (deltaPageSize) => {
      await company({ behaviour: { deltaPageSize, linkOrigin: 'https://127.0.0.1:1' } });
      const endpoint = await world.open();
      await expect(world.read(endpoint)).rejects.toMatchObject({ code: 'ProtocolError' });
      world.graph.behaviour.linkOrigin = undefined;
      expect(names((await world.read(endpoint)).objects)).toEqual(everybody);
    },
  );

  test.each([400, 404])('begins anew when Graph answers its own link with %i', async (status) => {
    await company();
    const endpoint = await world.open();
    await world.read(endpoint);
    world.graph.faults.plan({ fault: { kind: 'status', status, code: 'whatever' }, path: /delta/ });
    expect(names((await world.read(endpoint)).objects)).toEqual(everybody);
  });

  test('reads everything again when more attributes are wanted, and keeps those of other syncs', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    await world.read(endpoint, { user: ['jobTitle'] });
    world.graph.requests.reset();
    const { objects } = await world.read(endpoint, { user: ['department'] });
    expect(objects[id('ann')]?.attributes).toMatchObject({ department: ['Sales'], jobTitle: ['Boss'] });
    await world.read(endpoint, { user: ['jobTitle'] });
    expect(world.graph.requests.count({ path: '/users/delta' })).toBe(2);
  });

  test('survives throttling, expired tokens and broken connections', async () => {
    await company();
    const endpoint = await world.open();
    world.graph.faults.plan({ fault: { kind: 'status', status: 429, retryAfter: '2.128' } });
    world.graph.faults.plan({ fault: { kind: 'expiredToken' }, after: 1 });
    world.graph.faults.plan({ fault: { kind: 'disconnect' }, after: 2 });
    world.graph.faults.plan({ fault: { kind: 'status', status: 503 }, after: 3 });
    const { objects } = await world.read(endpoint);
    expect(names(objects)).toEqual(everybody);
    expect(world.waits).toContain(2.128);
    expect(world.graph.requests.tokens).toBe(2);
  });

  test('what the application may not read is said with its remedy', async () => {
    await company();
    const endpoint = await world.open();
    world.graph.faults.plan({ fault: { kind: 'status', status: 403, code: 'Authorization_RequestDenied' } });
    await expect(world.read(endpoint)).rejects.toMatchObject({
      code: 'AuthenticationRejected',
      remedy: expect.stringContaining('User.Read.All') as string,
    });
  });
});

describe('scopes', () => {
  test('a group is itself, its members and those of the groups in it', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    const all = await world.read(endpoint, { scopes: [{ node: `group:${id('All')}` }] });
    expect(names(all.objects)).toEqual(['All', 'Team', 'ann', 'ben', 'cid']);
    expect(all.end.position).toBeUndefined();
    const team = await world.read(endpoint, { scopes: [{ node: `group:${id('Team')}` }] });
    expect(names(team.objects)).toEqual(['Team', 'ben', 'cid']);
  });

  test('an administrative unit is its members', async () => {
    const { id } = await company();
    const { objects } = await world.read(await world.open(), {
      scopes: [{ node: `administrativeUnit:${id('West')}` }],
    });
    expect(names(objects)).toEqual(['Team', 'dee']);
  });

  test('an administrative unit whose members do not come to an end makes the read incomplete', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    world.replica.beforeWrite = (_changes, progress) => {
      if ((progress?.cursor as { at: unknown } | undefined)?.at === null)
        world.graph.behaviour.endlessNextLinks = 'fresh';
    };
    const scopes = [{ node: `administrativeUnit:${id('West')}` }];
    expect(await world.read(endpoint, { scopes })).toMatchObject({ objects: {}, end: { complete: false } });
  });

  test('an answer without members is not an empty administrative unit', async () => {
    const { id } = await company();
    world.graph.faults.plan({ fault: { kind: 'status', status: 200 }, path: /administrativeUnits/ });
    const scopes = [{ node: `administrativeUnit:${id('West')}` }];
    await expect(world.read(await world.open(), { scopes })).rejects.toMatchObject({ code: 'ProtocolError' });
  });

  test('a filter is for people, unless it names groups', async () => {
    await company();
    const endpoint = await world.open();
    const filtered = async (filter: string) =>
      names((await world.read(endpoint, { scopes: [{ node: '/', filter }] })).objects);
    expect(await filtered("department eq 'support'")).toEqual(['All', 'Team', 'cid']);
    expect(await filtered("users: userType eq 'Guest'; groups: displayName eq 'All'")).toEqual([
      'All',
      'dee',
    ]);
  });

  test('who no longer meets the filter is gone from a read of changes', async () => {
    const { id } = await company();
    const endpoint = await world.open();
    const scopes = [{ node: '/', filter: "department eq 'Support'" }];
    const { end } = await world.read(endpoint, { scopes });
    world.graph.directory.update(id('cid'), { department: 'Sales' });
    expect((await world.read(endpoint, { scopes, since: end.position })).gone).toEqual([id('cid')]);
  });

  test('a group that there is not is refused', async () => {
    await company();
    const node = 'group:00000000-0000-0000-0000-000000000000';
    await expect(world.read(await world.open(), { scopes: [{ node }] })).rejects.toMatchObject({
      code: 'NotFound',
    });
  });

  test('guests and service accounts are left out where the connection says so', async () => {
    await company();
    world.graph.directory.addUser({
      userPrincipalName: 'Sync_DC1_abc@contoso.onmicrosoft.com',
      displayName: 'On-Premises Directory Synchronization Service Account',
    });
    const endpoint = await world.open({ includeGuests: false, excludeServiceAccounts: true });
    expect(names((await world.read(endpoint)).objects)).toEqual(everybody.filter((name) => name !== 'dee'));
  });
});
