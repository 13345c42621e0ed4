import { expect, test } from 'vitest';
import { brief } from '../workbench.ts';
import { feedChanges } from './change-feed.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

const boss = '/ou=people/uid=boss';
const ann = '/ou=people/uid=ann';

async function corpOf(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  corp.tree.add(ann, { manager: [boss] });
  corp.tree.add(boss);
  await world.ingress('corp');
  return corp;
}

/** Who is whose manager in a system that was written, by path. */
function managers(system: MemorySystem): Record<string, readonly string[]> {
  const found: Record<string, readonly string[]> = {};
  for (const entry of system.tree.entries.values()) {
    const { manager = [] } = entry.attributes;
    if (manager.length > 0) found[system.tree.pathOf(entry)] = manager;
  }
  return found;
}

async function managersInDirectory(world: World): Promise<Record<string, string>> {
  const directory = (await world.directory()) as Record<string, { attributes: { manager?: string[] } }>;
  return Object.fromEntries(
    Object.entries(directory).flatMap(([path, { attributes }]) =>
      attributes.manager?.[0] === undefined ? [] : [[path, attributes.manager[0]]],
    ),
  );
}

describeWorlds('attributes that name other objects', (makeWorld) => {
  test('name them by id in the directory, whoever comes first', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=people/uid=cid', { manager: [ann.toUpperCase()] });
    expect((await world.run('corp-in')).status).toBe('success');
    const found = await managersInDirectory(world);
    expect(found[ann]).toMatch(/^user_/);
    expect(found['/ou=people/uid=cid']).toMatch(/^user_/);
    expect(found['/ou=people/uid=cid']).not.toBe(found[ann]);
    expect(brief((await world.run('corp-in')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('who is not there yet is named as soon as a run sees both', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.set(ann, { manager: ['/ou=people/uid=late'] });
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await managersInDirectory(world)).toEqual({});
    corp.tree.add('/ou=people/uid=late');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user create late', 'user update ann']);
    expect(Object.keys(await managersInDirectory(world))).toEqual([ann]);
  });

  test('are written to a target by what the objects go by there, also among those that are new', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.set(boss, { manager: [ann] });
    const target = await world.system('target');
    await world.egress('target');
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(job.status).toBe('success');
    expect(brief(job.statistics)).toMatchObject({ 'user created': '2/0/0', 'user updated': '2/0/0' });
    expect(managers(target)).toEqual({ [ann]: [boss], [boss]: [ann] });
    target.forgetCounts();
    expect((await world.run('target-out')).status).toBe('success');
    expect(target.verbs).toEqual([]);
  });

  test('follow a change, and go when nobody is named any more', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=people/uid=cid');
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    corp.tree.set(ann, { manager: ['/ou=people/uid=cid'] });
    await world.run('corp-in');
    expect(await told(world, await world.run('target-out'))).toEqual(['user update ann']);
    expect(managers(target)).toEqual({ [ann]: ['/ou=people/uid=cid'] });
    corp.tree.set(ann, { manager: [] });
    await world.run('corp-in');
    await world.run('target-out');
    expect(managers(target)).toEqual({});
  });

  test('what another hand wrote there is mended, and an equal name spelled otherwise is left', async () => {
    const world = await makeWorld();
    await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    target.forgetCounts();
    target.tree.set(ann, { manager: [boss.toUpperCase()] });
    await world.run('target-out');
    expect(target.verbs).toEqual([]);
    target.tree.set(ann, { manager: [ann] });
    await world.run('target-out');
    expect(managers(target)).toEqual({ [ann]: [boss] });
  });

  test('an object that is not in scope is not named', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=chiefs');
    corp.tree.add('/ou=chiefs/uid=top');
    corp.tree.set(boss, { manager: ['/ou=chiefs/uid=top'] });
    const target = await world.system('target');
    await world.egress('target', { scopes: [{ source: '/people', target: '/' }] });
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(job.status).toBe('success');
    expect(managers(target)).toEqual({ '/uid=ann': ['/uid=boss'] });
  });

  test('an object that could not be created is not named, and that is said', async () => {
    const world = await makeWorld();
    await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    await world.run('corp-in');
    target.refuse = ({ name, verb }) => (verb === 'create' && name === 'uid=boss' ? 'no' : null);
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual([
      'organizationalUnit create people',
      'user create ann',
      'user create boss failed TargetRejected',
      'user update ann skipped DependencyFailed',
    ]);
    target.refuse = () => null;
    await world.run('target-out');
    await world.run('target-out');
    expect(managers(target)).toEqual({ [ann]: [boss] });
  });

  test('an entry that is there gets whom the same run creates', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    corp.tree.add('/ou=people/uid=cid');
    corp.tree.set(ann, { manager: ['/ou=people/uid=cid'], title: ['clerk'] });
    corp.tree.set(boss, { manager: ['/ou=people/uid=cid'] });
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual(['user create cid', 'user update ann', 'user update boss']);
    expect(managers(target)).toEqual({
      [ann]: ['/ou=people/uid=cid'],
      [boss]: ['/ou=people/uid=cid'],
    });
    expect(target.tree.get(ann).attributes['title']).toEqual(['clerk']);
    expect(brief(job.statistics)).not.toHaveProperty('user same');
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('an entry that moves gets whom the same run creates as well', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    corp.tree.add('/ou=people/uid=cid');
    corp.tree.set(ann, { manager: ['/ou=people/uid=cid'] });
    corp.tree.move(ann, '/uid=ann');
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual(['user move ann', 'user create cid', 'user update ann']);
    expect(managers(target)).toEqual({ '/uid=ann': ['/ou=people/uid=cid'] });
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('an entry keeps whom it names until the one who comes in their place is there', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    corp.tree.add('/ou=people/uid=cid');
    corp.tree.set(ann, { manager: ['/ou=people/uid=cid'], title: ['clerk'] });
    await world.run('corp-in');
    target.refuse = ({ name, verb }) => (verb === 'create' && name === 'uid=cid' ? 'no' : null);
    const refused = ['user create cid failed TargetRejected', 'user update ann failed DependencyFailed'];
    expect(await told(world, await world.run('target-out'))).toEqual(refused);
    expect(managers(target)).toEqual({ [ann]: [boss] });
    expect(target.tree.get(ann).attributes['title']).toEqual(['clerk']);
    const waiting = ['user create cid failed TargetRejected', 'user update ann skipped DependencyFailed'];
    expect(await told(world, await world.run('target-out'))).toEqual(waiting);
    target.refuse = () => null;
    expect(await told(world, await world.run('target-out'))).toEqual(['user create cid', 'user update ann']);
    expect(managers(target)).toEqual({ [ann]: ['/ou=people/uid=cid'] });
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('entries that are bound together name each other, and are written only where they do not yet', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=people/uid=cid', { manager: [boss] });
    const target = await world.system('target');
    target.tree.add('/ou=people');
    target.tree.add(ann, { manager: [boss.toUpperCase()] });
    target.tree.add(boss);
    target.tree.add('/ou=people/uid=cid', { manager: [ann] });
    await world.egress('target', { match: ['username', 'path'] });
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual([
      'organizationalUnit bind people',
      'user bind ann',
      'user bind boss',
      'user bind cid',
      'user update cid',
    ]);
    expect(managers(target)).toEqual({ [ann]: [boss.toUpperCase()], '/ou=people/uid=cid': [boss] });
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('objects that vanished together are made anew with what they name', async () => {
    const world = await makeWorld();
    await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    await world.run('corp-in');
    await world.run('target-out');
    target.tree.remove(ann);
    target.tree.remove(boss);
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual(['user create ann', 'user create boss', 'user update ann']);
    expect(managers(target)).toEqual({ [ann]: [boss] });
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '2/0/0' });
  });

  test('a run of changes names who was there before', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    feedChanges(corp);
    await world.run('corp-in');
    corp.tree.add('/ou=people/uid=cid', { manager: [boss] });
    await world.run('corp-in');
    const found = await managersInDirectory(world);
    expect(found['/ou=people/uid=cid']).toBe(found[ann]);
  });
});
