import { expect, test } from 'vitest';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { SyncSettings, World } from './world.ts';

/** Ten people, each with a mail address and a title, none read yet. */
async function tenPeople(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  for (let index = 0; index < 10; index += 1)
    corp.tree.add(`/uid=user${index}`, { mail: [`user${index}@x.org`], title: ['clerk'] });
  return corp;
}

/** The source shows an attribute of so many people no more. */
function hide(system: MemorySystem, attribute: string, people: number): void {
  for (let index = 0; index < people; index += 1) system.tree.set(`/uid=user${index}`, { [attribute]: [] });
}

const fromDefault = { guard: {} } satisfies SyncSettings;
const twoBlanked = { guard: { ...noGuard, blanked: { count: 2 } } } satisfies SyncSettings;

describeWorlds('the guard on emptied attributes', (makeWorld) => {
  test('holds a source that stops delivering mail, by default, and lets the rest through', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    await world.ingress('corp', fromDefault);
    await world.run('corp-in');
    const before = await world.directory();
    hide(corp, 'mail', 9);
    corp.tree.set('/uid=user9', { title: ['chief'] });
    corp.tree.add('/uid=new');
    const dry = await world.run('corp-in', 'dryRun');
    const held = await world.run('corp-in');
    const sentence =
      '9 of 10 linked objects of kind user would lose all values of an attribute: mail of 9 (90.0 % is more than 20 %)';
    expect(held).toMatchObject({ status: 'held', error: { code: 'GuardTripped', message: sentence } });
    expect(held.guard?.findings).toMatchObject([
      { kind: 'user', loss: 'blanked', destructive: 9, linked: 10 },
    ]);
    expect(dry.guard).toEqual(held.guard);
    expect((await world.messages(dry.id)).join()).toContain(sentence);
    expect(brief(held.statistics)).toEqual({ 'user created': '1/0/0', 'user updated': '1/0/9' });
    const skipped = (await world.changes(held.id)).filter(({ result }) => result === 'skipped');
    expect(new Set(skipped.map(({ error }) => `${error?.code} ${error?.message}`))).toEqual(
      new Set([`Held held by the guard: ${sentence}`]),
    );
    const after = await world.directory();
    expect(after['/uid=user0']).toEqual(before['/uid=user0']);
    expect(after['/uid=user9']).toMatchObject({ attributes: { title: ['chief'] } });
    expect(after).toHaveProperty('/uid=new');
  });

  test('holds the same again until it is approved, and approval applies exactly that', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    await world.ingress('corp', fromDefault);
    await world.run('corp-in');
    hide(corp, 'mail', 9);
    await world.run('corp-in');
    const held = await world.run('corp-in');
    expect(brief(held.statistics)).toMatchObject({ 'user updated': '0/0/9' });
    corp.tree.set('/uid=user9', { title: ['chief'] });
    const approved = await world.approve(held.id);
    expect(approved.status).toBe('success');
    expect(brief(approved.statistics)).toMatchObject({ 'user updated': '9/0/1' });
    expect((await world.directory())['/uid=user9']).toMatchObject({ attributes: { title: ['clerk'] } });
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('has nothing to hold once the source is whole again', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    await world.ingress('corp', fromDefault);
    await world.run('corp-in');
    hide(corp, 'mail', 10);
    await world.run('corp-in');
    for (let index = 0; index < 10; index += 1)
      corp.tree.set(`/uid=user${index}`, { mail: [`user${index}@x.org`] });
    const whole = await world.run('corp-in');
    expect(whole.status).toBe('success');
    expect(brief(whole.statistics)).toEqual({ 'user same': '10/0/0' });
  });

  test('holds everything where it is told to', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    await world.ingress('corp', { guard: { hold: 'all' } });
    await world.run('corp-in');
    const before = await world.directory();
    hide(corp, 'mail', 9);
    corp.tree.add('/uid=new');
    const held = await world.run('corp-in');
    expect(brief(held.statistics)).toMatchObject({ 'user created': '0/0/1', 'user updated': '0/0/9' });
    expect(await world.directory()).toEqual(before);
    expect((await world.approve(held.id)).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each([
    ['strictly more than the count trips', { count: 6 }, 6, 'success'],
    ['strictly more than the count trips', { count: 5 }, 6, 'held'],
    ['strictly more than the percentage trips', { percent: 60, floor: 0 }, 6, 'success'],
    ['strictly more than the percentage trips', { percent: 59, floor: 0 }, 6, 'held'],
    ['up to the floor the percentage is not looked at', { percent: 1, floor: 6 }, 6, 'success'],
    ['no limit at all', {}, 10, 'success'],
  ] as const)('%s: %j of %i', async (_, blanked, people, status) => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    await world.ingress('corp', { guard: { ...noGuard, blanked } });
    await world.run('corp-in');
    hide(corp, 'mail', people);
    expect((await world.run('corp-in')).status).toBe(status);
  });

  test('counts an object once, however many attributes it loses, also with a move or an enabling', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    corp.tree.get('/uid=user2').enabled = false;
    await world.ingress('corp', twoBlanked);
    await world.run('corp-in');
    hide(corp, 'mail', 2);
    hide(corp, 'title', 2);
    corp.tree.move('/uid=user1', '/uid=renamed');
    expect((await world.run('corp-in', 'dryRun')).guard).toMatchObject({ tripped: false });
    corp.tree.set('/uid=user2', { mail: [] });
    corp.tree.get('/uid=user2').enabled = true;
    const held = await world.run('corp-in');
    expect(held.error?.message).toContain('lose all values of an attribute: mail of 3, title of 2');
    expect(brief(held.statistics)).toMatchObject({ 'user updated': '0/0/3' });
    expect((await world.approve(held.id)).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('takes fewer values and other values for no loss', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    for (let index = 0; index < 10; index += 1)
      corp.tree.set(`/uid=user${index}`, { mail: [`user${index}@x.org`, `other${index}@x.org`] });
    await world.ingress('corp', fromDefault);
    await world.run('corp-in');
    for (let index = 0; index < 10; index += 1)
      corp.tree.set(`/uid=user${index}`, {
        mail: [index < 5 ? `user${index}@x.org` : `third${index}@x.org`],
      });
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('weighs units and groups too, each kind by itself', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const paths = ['/ou=a', '/ou=b', '/ou=c', '/cn=a', '/cn=b', '/cn=c'];
    for (const path of paths) corp.tree.add(path, { description: ['what it is for'] });
    await world.ingress('corp', twoBlanked);
    await world.run('corp-in');
    for (const path of paths.slice(0, 5)) corp.tree.set(path, { description: [] });
    const held = await world.run('corp-in');
    expect(held.guard?.findings).toMatchObject([{ kind: 'organizationalUnit', destructive: 3 }]);
    expect(brief(held.statistics)).toMatchObject({
      'organizationalUnit updated': '0/0/3',
      'group updated': '0/0/2',
    });
    expect((await world.approve(held.id)).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('holds what a first run would empty of people it finds there, binds them and comes back to them', async () => {
    const world = await makeWorld();
    const corp = await tenPeople(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const target = await world.system('target');
    for (let index = 0; index < 10; index += 1)
      target.tree.add(`/uid=user${index}`, { mail: [`user${index}@x.org`], phoneNumber: ['1'] });
    await world.egress('target', fromDefault);
    const held = await world.run('target-out');
    expect(held.error?.message).toContain('10 of 10 linked objects of kind user would lose');
    expect(brief(held.statistics)).toMatchObject({ 'user binded': '10/0/0', 'user updated': '0/0/10' });
    expect(target.tree.get('/uid=user0').attributes).toHaveProperty('phoneNumber');
    const again = await world.run('target-out');
    expect(brief(again.statistics)).toEqual({ 'user updated': '0/0/10', 'user pushed': '0/0/10' });
    expect((await world.approve(again.id)).status).toBe('success');
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });
});
