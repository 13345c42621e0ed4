import { expect, test } from 'vitest';
import { getDirectoryObject } from '../../server/src/app/directory.ts';
import { getJob } from '../../server/src/app/jobs.ts';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { SyncSettings, World } from './world.ts';

/** Ten people of whom the first three are in a group, all read once. */
async function tenPeople(
  world: World,
  guard: NonNullable<SyncSettings['guard']>,
  settings: SyncSettings = {},
): Promise<MemorySystem> {
  const corp = await world.system('corp');
  for (let index = 0; index < 10; index += 1) corp.tree.add(`/uid=user${index}`);
  corp.tree.add('/cn=staff', {}, ['/uid=user0', '/uid=user1', '/uid=user2']);
  await world.ingress('corp', { guard, ...settings });
  await world.run('corp-in');
  return corp;
}

const oneUser = { ...noGuard, user: { count: 1 } };

describeWorlds('the guard', (makeWorld) => {
  test('holds the deletions, lets the rest through, and says so', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser);
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.set('/uid=user9', { title: ['new'] });
    const held = await world.run('corp-in');
    expect(held).toMatchObject({ status: 'held', error: { code: 'GuardTripped' } });
    expect(brief(held.statistics)).toEqual({
      'user updated': '1/0/0',
      'user deleted': '0/0/2',
      'user same': '7/0/0',
      'group same': '1/0/0',
      'membership deleted': '0/0/2',
      'membership same': '1/0/0',
    });
    const skipped = (await world.changes(held.id)).filter(({ result }) => result === 'skipped');
    expect(skipped.map(({ error }) => error?.code)).toEqual(['Held', 'Held', 'Held', 'Held']);
    const directory = await world.directory();
    expect(directory).toHaveProperty('/uid=user0');
    expect(directory['/cn=staff']).toMatchObject({ members: ['/uid=user0', '/uid=user1', '/uid=user2'] });
    expect(directory['/uid=user9']).toMatchObject({ attributes: { title: ['new'] } });
  });

  test('approval applies exactly what was held', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser);
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    const held = await world.run('corp-in');
    corp.tree.add('/uid=later');
    const approved = await world.approve(held.id);
    expect(approved.status).toBe('success');
    expect(brief(approved.statistics)).toMatchObject({
      'user deleted': '2/0/0',
      'membership deleted': '2/0/0',
    });
    expect(await world.directory()).not.toHaveProperty('/uid=later');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a held deletion of a group can be approved although its members moved in the same run', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { group: { count: 0 } });
    corp.tree.referencesFollow = false;
    corp.tree.add('/ou=people');
    corp.tree.remove('/cn=staff');
    corp.tree.move('/uid=user0', '/ou=people/uid=user0');
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    const approved = await world.approve(held.id);
    expect(approved).toMatchObject({ status: 'success', error: null });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each(['approved', 'back'])(
    'whoever names somebody to be deleted names nobody until that is (%s)',
    async (end) => {
      const world = await makeWorld();
      const corp = await tenPeople(world, { user: { count: 0 } });
      const leaver = corp.tree.get('/uid=user5');
      corp.tree.addMember('/cn=staff', '/uid=user5');
      corp.tree.set('/uid=user9', { title: ['new'], manager: ['/uid=user5'] });
      corp.hidden = (entry) => entry === leaver;
      const held = await world.run('corp-in');
      expect(await told(world, held)).toEqual([
        'user update user9',
        'membership addMember staff < /uid=user5 skipped ReferenceNotFound',
        'user delete user5 skipped Held',
      ]);
      if (end === 'approved') {
        expect(await world.approve(held.id)).toMatchObject({ status: 'success', error: null });
        expect(await world.directory()).not.toHaveProperty('/uid=user5');
      }
      corp.hidden = () => false;
      await world.run('corp-in');
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
      const { id } = await getDirectoryObject(world.app, world.actor, 'user', 'user5');
      expect(await world.directory()).toMatchObject({
        '/cn=staff': { members: expect.arrayContaining(['/uid=user5']) },
        '/uid=user9': { attributes: { manager: [id] } },
      });
    },
  );

  test('approval is refused when the source moved', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser);
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    const held = await world.run('corp-in');
    corp.tree.remove('/uid=user5');
    const refused = await world.approve(held.id);
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'PlanMoved' } });
    expect(await world.directory()).toHaveProperty('/uid=user0');
    await expect(world.approve(held.id)).rejects.toMatchObject({
      code: 'PlanSuperseded',
      message: expect.stringContaining(`job ${refused.id} has the status failed`),
      remedy: expect.stringContaining('Run the sync again'),
    });
  });

  test('approval is refused when the target moved', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser);
    for (const index of [5, 6]) corp.tree.remove(`/uid=user${index}`);
    const held = await world.run('corp-in');
    const hr = await world.system('hr');
    hr.tree.add('/uid=user5', { title: ['touched'] });
    await world.ingress('hr');
    await world.run('hr-in');
    const refused = await world.approve(held.id);
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'PlanMoved' } });
    expect(await world.directory()).toHaveProperty('/uid=user6');
  });

  test('a newer run supersedes a held plan and holds it again', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser);
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    const first = await world.run('corp-in');
    const second = await world.run('corp-in');
    expect(second.status).toBe('held');
    expect(brief(second.statistics)).toMatchObject({
      'user deleted': '0/0/2',
      'membership deleted': '0/0/2',
    });
    await expect(world.approve(first.id)).rejects.toMatchObject({ code: 'PlanSuperseded' });
    const plan = async ({ id }: { id: string }) => (await getJob(world.app, world.actor, id)).heldPlan;
    expect(await plan(first)).toMatchObject({ state: 'superseded', jobId: second.id });
    expect(await plan(second)).toMatchObject({ state: 'waiting' });
    const approved = await world.approve(second.id);
    expect(approved.status).toBe('success');
    await expect(world.approve(second.id)).rejects.toThrow(`has been approved: job ${approved.id}`);
    expect(await plan(first)).toMatchObject({ state: 'superseded', jobId: second.id });
    // A run after it changes nothing about who approved it.
    await world.run('corp-in');
    expect(await plan(second)).toMatchObject({
      state: 'approved',
      jobId: approved.id,
      account: 'administrator',
    });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('hold all holds everything, and approval applies everything', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { ...oneUser, hold: 'all' });
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.add('/uid=new');
    corp.tree.addMember('/cn=staff', '/uid=new');
    const before = await world.directory();
    const held = await world.run('corp-in');
    expect(brief(held.statistics)).toMatchObject({ 'user created': '0/0/1', 'membership created': '0/0/1' });
    expect(await world.directory()).toEqual(before);
    const approved = await world.approve(held.id);
    expect(approved.status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('whoever was made anew is not among the same while the tie to the new one is held', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, noGuard);
    await world.system('target');
    await world.egress('target', { guard: { ...noGuard, user: { count: 0 }, hold: 'all' } });
    await world.run('target-out');
    corp.tree.remove('/uid=user0');
    await world.run('corp-in');
    corp.tree.remove('/uid=user9');
    corp.tree.add('/uid=user0');
    corp.tree.addMember('/cn=staff', '/uid=user0');
    await world.run('corp-in');
    const held = await world.run('target-out');
    expect(held.status).toBe('held');
    expect(brief(held.statistics)).toMatchObject({ 'user same': '8/0/0', 'membership same': '2/0/0' });
  });

  test('a group that an approval makes is joined by who was not there yet', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { ...oneUser, hold: 'all' });
    for (const index of [8, 9]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.add('/cn=new', {}, ['/uid=user3', '/uid=late']);
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    expect((await world.approve(held.id)).status).toBe('success');
    corp.tree.add('/uid=late');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('hold all holds people who name each other, and approval applies them', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { ...oneUser, hold: 'all' });
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.add('/uid=boss', { manager: ['/uid=user5'] });
    corp.tree.add('/uid=new', { manager: ['/uid=boss'] });
    corp.tree.set('/uid=user4', { manager: ['/uid=new', '/uid=user5'] });
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    const approved = await world.approve(held.id);
    expect([approved.status, approved.error]).toEqual(['success', null]);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    for (const index of [2, 3]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.add('/uid=other');
    corp.tree.set('/uid=user4', { manager: ['/uid=other', '/uid=user5'] });
    const another = await world.run('corp-in');
    corp.tree.set('/uid=user4', { manager: ['/uid=new', '/uid=other'] });
    expect((await world.approve(another.id)).error).toMatchObject({ code: 'PlanMoved' });
  });

  test('what is held of a person who gets a new manager can be approved', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { ...oneUser });
    corp.tree.add('/uid=boss');
    for (const index of [0, 1]) {
      corp.tree.get(`/uid=user${index}`).enabled = false;
      corp.tree.set(`/uid=user${index}`, { manager: ['/uid=boss'] });
    }
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    const approved = await world.approve(held.id);
    expect([approved.status, approved.error]).toEqual(['success', null]);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('memberships have a limit of their own; what is held is held again though the group is not touched again', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { ...noGuard, membership: { percent: 50, floor: 0 } });
    for (const index of [0, 1]) corp.tree.removeMember('/cn=staff', `/uid=user${index}`);
    for (let round = 0; round < 2; round += 1) {
      const held = await world.run('corp-in');
      expect(held.status).toBe('held');
      expect(brief(held.statistics)).toMatchObject({ 'membership deleted': '0/0/2' });
    }
    const held = await world.run('corp-in');
    expect((await world.approve(held.id)).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each([
    ['strictly more than the count trips', { count: 3 }, 3, 'success'],
    ['strictly more than the count trips', { count: 2 }, 3, 'held'],
    ['strictly more than the percentage trips', { percent: 30, floor: 0 }, 3, 'success'],
    ['strictly more than the percentage trips', { percent: 29, floor: 0 }, 3, 'held'],
    ['up to the floor the percentage is not looked at', { percent: 1, floor: 3 }, 3, 'success'],
  ] as const)('%s: %j of %i', async (_, user, count, status) => {
    const world = await makeWorld();
    const corp = await tenPeople(world, { ...noGuard, user });
    for (let index = 0; index < count; index += 1) corp.tree.remove(`/uid=user${index + 5}`);
    expect((await world.run('corp-in')).status).toBe(status);
  });

  test('disabling counts as taking away', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser, { onMissing: 'disable' });
    for (const index of [5, 6]) corp.tree.remove(`/uid=user${index}`);
    const held = await world.run('corp-in');
    expect(brief(held.statistics)).toMatchObject({ 'user updated': '0/0/2' });
    expect((await world.approve(held.id)).status).toBe('success');
    expect((await world.directory())['/uid=user5']).toMatchObject({ enabled: false });
  });

  test('approval leaves ordinary updates to the next run', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, oneUser);
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    const held = await world.run('corp-in');
    corp.tree.set('/uid=user9', { title: ['new'] });
    corp.tree.addMember('/cn=staff', '/uid=user9');
    const approved = await world.approve(held.id);
    expect(approved.note).toBe('2 changes that are not a part of the approved plan are left to the next run');
    expect(await told(world, approved)).toContain('user update user9 skipped NotApproved');
    expect(brief(approved.statistics)).toEqual({
      'user updated': '0/0/1',
      'user deleted': '2/0/0',
      'user same': '7/0/0',
      'group same': '1/0/0',
      'membership created': '0/0/1',
      'membership deleted': '2/0/0',
      'membership same': '1/0/0',
    });
    expect((await world.directory())['/uid=user9']).not.toHaveProperty('attributes.title');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each(['update', 'move'] as const)(
    'a disable that goes along with a change of the object (%s) counts',
    async (verb) => {
      const world = await makeWorld();
      const corp = await tenPeople(world, oneUser);
      for (const index of [5, 6]) {
        const path = `/uid=user${index}`;
        corp.tree.get(path).enabled = false;
        corp.tree.set(path, { title: ['left'] });
        if (verb === 'move') corp.tree.move(path, `/uid=left${index}`);
      }
      const held = await world.run('corp-in');
      expect(held.status).toBe('held');
      expect(brief(held.statistics)).toMatchObject({ 'user updated': '0/0/2' });
      expect((await world.directory())['/uid=user5']).not.toHaveProperty('enabled');
      expect((await world.approve(held.id)).status).toBe('success');
      expect(await world.directory()).toEqual(corp.tree.snapshot());
    },
  );

  test('what is held of a person whom the run binds is held by the next run as well', async () => {
    const world = await makeWorld();
    const [corp, hr] = [await world.system('corp'), await world.system('hr')];
    for (const system of [corp, hr])
      for (let index = 0; index < 3; index += 1)
        system.tree.add(`/uid=user${index}`, { mail: [`user${index}@x.org`] });
    for (let index = 0; index < 3; index += 1) corp.tree.get(`/uid=user${index}`).enabled = false;
    await world.ingress('corp', { guard: oneUser });
    await world.ingress('hr');
    await world.run('hr-in');
    expect(brief((await world.run('corp-in')).statistics)).toEqual({
      'user binded': '3/0/0',
      'user updated': '0/0/3',
    });
    const again = await world.run('corp-in');
    expect(brief(again.statistics)).toEqual({ 'user updated': '0/0/3' });
    expect((await world.approve(again.id)).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('holds and approves on egress as well', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world, noGuard);
    const target = await world.system('target');
    await world.egress('target', { guard: oneUser });
    await world.run('target-out');
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.add('/uid=new');
    await world.run('corp-in');
    const held = await world.run('target-out');
    expect(held.status).toBe('held');
    expect(brief(held.statistics)).toMatchObject({ 'user created': '1/0/0', 'user deleted': '0/0/2' });
    const deletion = (await world.changes(held.id)).find(({ verb }) => verb === 'delete');
    expect(deletion?.sentence, 'where it is says its label').toMatch(/^delete user "[^"]*user0"; skipped/);
    const again = await world.run('target-out');
    expect(brief(again.statistics)).toMatchObject({ 'user deleted': '0/0/2', 'membership deleted': '0/0/2' });
    target.tree.set('/uid=user0', { title: ['moved'] });
    expect(await world.approve(again.id)).toMatchObject({ status: 'failed', error: { code: 'PlanMoved' } });
    const third = await world.run('target-out');
    expect((await world.approve(third.id)).status).toBe('success');
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('approval on egress is not refused for what the held job itself moved', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const target = await world.system('target');
    corp.tree.add('/ou=sales');
    const people = [0, 1, 2].map((index) => `/ou=sales/uid=user${index}`);
    for (const path of people) corp.tree.add(path);
    corp.tree.add('/cn=staff', {}, people);
    corp.tree.add('/cn=all', {}, ['/cn=staff']);
    await world.ingress('corp');
    await world.egress('target', { guard: { ...noGuard, membership: { count: 1 } } });
    await world.run('corp-in');
    await world.run('target-out');
    for (const path of people.slice(0, 2)) corp.tree.removeMember('/cn=staff', path);
    corp.tree.removeMember('/cn=all', '/cn=staff');
    corp.tree.move('/ou=sales', '/ou=trade');
    corp.tree.move('/cn=staff', '/cn=team');
    await world.run('corp-in');
    const held = await world.run('target-out');
    expect(held.status).toBe('held');
    expect(brief(held.statistics)).toMatchObject({
      'organizationalUnit updated': '1/0/0',
      'group updated': '1/0/0',
    });
    expect(await world.approve(held.id)).toMatchObject({ status: 'success', error: null });
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('approval on egress is not refused where who goes names somebody whom the held job moved', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const target = await world.system('target');
    corp.tree.add('/ou=sales');
    corp.tree.add('/ou=sales/uid=boss');
    for (const index of [0, 1]) corp.tree.add(`/uid=user${index}`, { manager: ['/ou=sales/uid=boss'] });
    await world.ingress('corp');
    await world.egress('target', { guard: oneUser });
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    for (const index of [0, 1]) corp.tree.remove(`/uid=user${index}`);
    corp.tree.move('/ou=sales', '/ou=trade');
    await world.run('corp-in');
    const held = await world.run('target-out');
    expect(await told(world, held)).toContain('organizationalUnit move trade');
    expect(held.status).toBe('held');
    expect(await world.approve(held.id)).toMatchObject({ status: 'success', error: null });
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('approval on ingress is not refused for what the held job itself moved', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/ou=sales');
    const people = [0, 1, 2].map((index) => `/ou=sales/uid=user${index}`);
    for (const path of people) corp.tree.add(path);
    corp.tree.add('/ou=sales/cn=staff', {}, people);
    await world.ingress('corp', { guard: oneUser });
    await world.run('corp-in');
    for (const path of people.slice(0, 2)) corp.tree.remove(path);
    corp.tree.move('/ou=sales', '/ou=trade');
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    expect(brief(held.statistics)).toMatchObject({ 'organizationalUnit updated': '1/0/0' });
    expect(await world.approve(held.id)).toMatchObject({ status: 'success', error: null });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });
});
