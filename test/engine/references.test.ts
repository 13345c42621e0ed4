import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { getDirectoryObject } from '../../server/src/app/directory.ts';
import { deleteUser } from '../../server/src/app/directory-writes/users.ts';
import { brief } from '../workbench.ts';
import { feedChanges } from './change-feed.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { SyncSettings, World } from './world.ts';

const boss = '/ou=people/uid=boss';
const ann = '/ou=people/uid=ann';
const cid = '/ou=people/uid=cid';

async function corpOf(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  corp.tree.add(ann, { manager: [boss] });
  corp.tree.add(boss);
  await world.ingress('corp');
  return corp;
}

/** The people of corp, and a target that has them. */
async function inStep(world: World): Promise<{ corp: MemorySystem; target: MemorySystem }> {
  const corp = await corpOf(world);
  const target = await world.system('target');
  await world.egress('target');
  for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
  return { corp, target };
}

/** A target in step, and in the directory somebody new whom one who moves has for their manager. */
async function annMovesToCid(world: World): Promise<MemorySystem> {
  const { corp, target } = await inStep(world);
  corp.tree.add(cid);
  corp.tree.set(ann, { manager: [cid] });
  corp.tree.move(ann, '/uid=ann');
  await world.run('corp-in');
  return target;
}

const refuseCid: MemorySystem['refuse'] = ({ name, verb }) =>
  verb === 'create' && name === 'uid=cid' ? 'no' : null;

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

/** A system whose references are what was written, whoever has the name now: no overlay keeps them in step. */
async function staticCorp(world: World, settings: SyncSettings = {}): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.referencesFollow = false;
  corp.tree.add('/ou=people');
  corp.tree.add(ann, { manager: [boss] });
  corp.tree.add(boss);
  corp.tree.add(cid);
  await world.ingress('corp', settings);
  await world.run('corp-in');
  return corp;
}

/** Whose manager is who, by user name. */
async function bosses(world: World): Promise<Record<string, string | undefined>> {
  const users = await listUsers(world);
  const nameOf = new Map(users.map(({ id, username }) => [id, username]));
  return Object.fromEntries(
    users.flatMap(({ username, attributes: { manager } }) =>
      manager?.[0] === undefined ? [] : [[username, nameOf.get(manager[0]) ?? 'nobody']],
    ),
  );
}

async function nothingIsLeft(world: World): Promise<void> {
  const again = await world.run('corp-in');
  expect([again.status, await told(world, again)]).toEqual(['success', []]);
}

async function listUsers(
  world: World,
): Promise<{ id: string; username: string; attributes: { manager?: string[] } }[]> {
  const { rows } = await sql<{ id: string; username: string; attributes: { manager?: string[] } }>`
    select id, username, attributes from directory_user where tenant_id = ${world.actor.tenantId}`.execute(
    world.app.store.db,
  );
  return rows;
}

describeWorlds('attributes that name other objects', (makeWorld) => {
  test('name them by id in the directory, whoever comes first', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add(cid, { manager: [ann.toUpperCase()] });
    expect((await world.run('corp-in')).status).toBe('success');
    const found = await managersInDirectory(world);
    expect(found[ann]).toMatch(/^user_/);
    expect(found[cid]).toMatch(/^user_/);
    expect(found[cid]).not.toBe(found[ann]);
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
    // Each is one object to who reads the numbers, although two changes write it.
    const { 'user created': created, 'user updated': updated, 'user pushed': pushed } = brief(job.statistics);
    expect([created, updated, pushed]).toEqual(['2/0/0', undefined, '2/0/0']);
    expect(managers(target)).toEqual({ [ann]: [boss], [boss]: [ann] });
    target.forgetCounts();
    expect((await world.run('target-out')).status).toBe('success');
    expect(target.verbs).toEqual([]);
  });

  test('follow a change, and go when nobody is named any more', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add(cid);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    corp.tree.set(ann, { manager: [cid] });
    await world.run('corp-in');
    expect(await told(world, await world.run('target-out'))).toEqual(['user update ann']);
    expect(managers(target)).toEqual({ [ann]: [cid] });
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

  test('who comes into scope is named by those that were there, and who leaves it is named no more', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=chiefs');
    corp.tree.move(boss, '/ou=chiefs/uid=boss');
    corp.tree.set(ann, { manager: ['/ou=chiefs/uid=boss'] });
    const target = await world.system('target');
    target.tree.referencesFollow = false;
    await world.egress('target', { scopes: [{ source: '/people', target: '/' }] });
    await world.run('corp-in');
    await world.run('target-out');
    await world.run('target-out');
    expect(managers(target)).toEqual({});
    corp.tree.move('/ou=chiefs/uid=boss', boss);
    await world.run('corp-in');
    expect(await told(world, await world.run('target-out'))).toEqual(['user create boss', 'user update ann']);
    expect(managers(target)).toEqual({ '/uid=ann': ['/uid=boss'] });
    await world.run('target-out');
    corp.tree.move(boss, '/ou=chiefs/uid=boss');
    await world.run('corp-in');
    expect(await told(world, await world.run('target-out'))).toEqual(['user update ann', 'user delete boss']);
    expect(managers(target)).toEqual({});
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });

  test('an entry that the system does not let follow a move is said and tried again, until it is right', async () => {
    const world = await makeWorld();
    const { corp, target } = await inStep(world);
    target.tree.referencesFollow = false;
    target.refuse = ({ verb }) => (verb === 'update' ? 'no' : null);
    const moved = '/ou=people/uid=chief';
    corp.tree.move(boss, moved);
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(await world.messages(job.id)).toContain(
      `the system refused to let references follow what moved, in ${ann}: the next run tries again`,
    );
    expect((await world.run('target-out')).status).toBe('partial_success');
    target.refuse = () => null;
    expect(await told(world, await world.run('target-out'))).toEqual(['user update ann']);
    expect(managers(target)).toEqual({ [ann]: [moved] });
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });

  test('entries that another hand renamed are named by where they are', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add(cid, { manager: [boss] });
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out', 'target-out']) await world.run(name);
    target.tree.move(boss, '/ou=people/uid=zoe');
    target.tree.set(cid, { title: ['drift'] });
    target.tree.set(ann, { manager: [] });
    target.tree.add(boss, { mail: ['other@x.org'] });
    target.refuse = ({ verb }) => (verb === 'move' ? 'no' : null);
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual(
      expect.arrayContaining(['user update cid', 'user update ann', 'user move boss failed TargetRejected']),
    );
    const [updated] = target.writes.filter(({ set }) => set['title'] !== undefined);
    expect(Object.keys(updated?.set ?? {})).toEqual(['title']);
    expect(managers(target)).toEqual({
      [ann]: ['/ou=people/uid=zoe'],
      [cid]: ['/ou=people/uid=zoe'],
    });
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
    expect(brief(job.statistics)).toMatchObject({
      'user created': '1/1/0',
      'user updated': '0/0/1',
      'user pushed': '1/1/0',
    });
    target.refuse = () => null;
    await world.run('target-out');
    await world.run('target-out');
    expect(managers(target)).toEqual({ [ann]: [boss] });
  });

  test('an entry that is there gets whom the same run creates', async () => {
    const world = await makeWorld();
    const { corp, target } = await inStep(world);
    corp.tree.add(cid);
    corp.tree.set(ann, { manager: [cid], title: ['clerk'] });
    corp.tree.set(boss, { manager: [cid] });
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual(['user create cid', 'user update ann', 'user update boss']);
    expect(managers(target)).toEqual({
      [ann]: [cid],
      [boss]: [cid],
    });
    expect(target.tree.get(ann).attributes['title']).toEqual(['clerk']);
    expect(brief(job.statistics)).not.toHaveProperty('user same');
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('an entry that moves gets whom the same run creates as well', async () => {
    const world = await makeWorld();
    const target = await annMovesToCid(world);
    const job = await world.run('target-out');
    expect(await told(world, job)).toEqual(['user move ann', 'user create cid', 'user update ann']);
    expect(brief(job.statistics)).toMatchObject({ 'user updated': '1/0/0', 'user pushed': '2/0/0' });
    expect(managers(target)).toEqual({ '/uid=ann': [cid] });
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('an entry that moves and cannot get whom it names counts once, by what is missing', async () => {
    const world = await makeWorld();
    const target = await annMovesToCid(world);
    target.refuse = refuseCid;
    const job = await world.run('target-out');
    expect(brief(job.statistics)).toMatchObject({
      'user created': '0/1/0',
      'user updated': '0/0/1',
      'user pushed': '1/1/0',
    });
  });

  test('an entry keeps whom it names until the one who comes in their place is there', async () => {
    const world = await makeWorld();
    const { corp, target } = await inStep(world);
    corp.tree.add(cid);
    corp.tree.set(ann, { manager: [cid], title: ['clerk'] });
    await world.run('corp-in');
    target.refuse = refuseCid;
    const refused = ['user create cid failed TargetRejected', 'user update ann failed DependencyFailed'];
    expect(await told(world, await world.run('target-out'))).toEqual(refused);
    expect(managers(target)).toEqual({ [ann]: [boss] });
    expect(target.tree.get(ann).attributes['title']).toEqual(['clerk']);
    const waiting = ['user create cid failed TargetRejected', 'user update ann skipped DependencyFailed'];
    expect(await told(world, await world.run('target-out'))).toEqual(waiting);
    target.refuse = () => null;
    expect(await told(world, await world.run('target-out'))).toEqual(['user create cid', 'user update ann']);
    expect(managers(target)).toEqual({ [ann]: [cid] });
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user same': '3/0/0' });
  });

  test('entries that are bound together name each other, and are written only where they do not yet', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add(cid, { manager: [boss] });
    const target = await world.system('target');
    target.tree.add('/ou=people');
    target.tree.add(ann, { manager: [boss.toUpperCase()] });
    target.tree.add(boss);
    target.tree.add(cid, { manager: [ann] });
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
    expect(managers(target)).toEqual({ [ann]: [boss.toUpperCase()], [cid]: [boss] });
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
    corp.tree.add(cid, { manager: [boss] });
    await world.run('corp-in');
    const found = await managersInDirectory(world);
    expect(found[cid]).toBe(found[ann]);
  });

  test.each(['whole', 'changes'])(
    'who has the name now is named by those that did not change (read: %s)',
    async (read) => {
      const world = await makeWorld();
      const corp = await staticCorp(world);
      if (read === 'changes') {
        feedChanges(corp);
        await world.run('corp-in');
      }
      corp.tree.move(boss, '/ou=people/uid=old');
      corp.tree.move(cid, boss);
      const [old, next] = [corp.tree.get('/ou=people/uid=old'), corp.tree.get(boss)];
      corp.tree.assign(old, { uid: ['old'] });
      corp.tree.assign(next, { uid: ['next'] });
      const job = await world.run('corp-in');
      expect(job.status).toBe('success');
      expect(await bosses(world)).toEqual({ ann: 'next' });
      await nothingIsLeft(world);
    },
  );

  test('names that two people exchange', async () => {
    const world = await makeWorld();
    const corp = await staticCorp(world);
    corp.tree.set(cid, { manager: [boss] });
    corp.tree.add('/ou=people/uid=dan', { manager: [cid] });
    await world.run('corp-in');
    corp.tree.move(boss, '/ou=people/uid=x');
    corp.tree.move(cid, boss);
    corp.tree.move('/ou=people/uid=x', cid);
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await bosses(world)).toEqual({ ann: 'boss', boss: 'boss', dan: 'cid' });
    await nothingIsLeft(world);
  });

  test.each(['ignore', 'disable', 'delete'] as const)(
    'who comes later by the name of one who is gone is named (%s)',
    async (onMissing) => {
      const world = await makeWorld();
      const corp = await staticCorp(world, { onMissing });
      corp.tree.remove(boss);
      expect((await world.run('corp-in')).status).toBe('success');
      expect(await bosses(world)).toEqual(onMissing === 'delete' ? {} : { ann: 'boss' });
      await nothingIsLeft(world);
      corp.tree.add(boss, { uid: ['next'] });
      expect((await world.run('corp-in')).status).toBe('success');
      expect(await bosses(world)).toEqual({ ann: 'next' });
      await nothingIsLeft(world);
      // Whoever is read again names the one who is there, and not the one who is gone.
      corp.tree.set(ann, { title: ['x'] });
      await world.run('corp-in');
      expect(await bosses(world)).toEqual({ ann: 'next' });
    },
  );

  test('who has a name no more is named no more', async () => {
    const world = await makeWorld();
    const corp = await staticCorp(world);
    corp.tree.move(boss, '/ou=people/uid=old');
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await bosses(world)).toEqual({});
    await nothingIsLeft(world);
    corp.tree.move('/ou=people/uid=old', boss);
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await bosses(world)).toEqual({ ann: 'boss' });
    await nothingIsLeft(world);
  });

  test.each(['delete', 'disable', 'ignore'] as const)(
    'a new record that takes somebody over does not go by the name of the former one (onMissing: %s)',
    async (onMissing) => {
      const world = await makeWorld();
      const corp = await staticCorp(world, { onMissing });
      corp.tree.remove(boss);
      corp.tree.add('/uid=boss');
      await world.run('corp-in');
      expect(await bosses(world)).toEqual({});
      await nothingIsLeft(world);
      corp.tree.set(ann, { manager: ['/uid=boss'] });
      await world.run('corp-in');
      expect(await bosses(world)).toEqual({ ann: 'boss' });
    },
  );

  test('a group that a new record is bound to by its place is named as the one that it is', async () => {
    const world = await makeWorld();
    const corp = await staticCorp(world);
    corp.tree.add('/cn=staff');
    await world.run('corp-in');
    corp.tree.remove('/cn=staff');
    corp.tree.add('/cn=staff');
    corp.tree.set(ann, { manager: ['/cn=staff'] });
    await world.run('corp-in');
    const { rows } = await sql<{ id: string }>`
      select id from directory_group where tenant_id = ${world.actor.tenantId}`.execute(world.app.store.db);
    expect(await managersInDirectory(world)).toEqual({ [ann]: rows[0]?.id });
    await nothingIsLeft(world);
  });

  test('who is deleted by another hand, or with the record of another sync, is named no more', async () => {
    const world = await makeWorld();
    const corp = await staticCorp(world, { onMissing: 'ignore' });
    const hr = await world.system('hr');
    hr.tree.add('/uid=boss');
    await world.ingress('hr');
    await world.run('hr-in');
    corp.tree.remove(boss);
    await world.run('corp-in');
    expect(await bosses(world)).toEqual({ ann: 'boss' });
    hr.tree.remove('/uid=boss');
    await world.run('hr-in');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user update ann']);
    expect(await managersInDirectory(world)).toEqual({});
    corp.tree.set(ann, { manager: [cid] });
    await world.run('corp-in');
    const { id } = await getDirectoryObject(world.app, world.actor, 'user', 'cid');
    await deleteUser(world.app, world.actor, id);
    corp.tree.remove(cid);
    expect(await told(world, await world.run('corp-in'))).toEqual(['user update ann']);
    expect(await managersInDirectory(world)).toEqual({});
    await nothingIsLeft(world);
  });

  test('what is held of it is planned again until it is approved', async () => {
    const world = await makeWorld();
    const guard = { ...noGuard, blanked: { count: 0 } };
    const corp = await staticCorp(world, { guard });
    corp.tree.move(boss, '/ou=people/uid=old');
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    expect(await bosses(world)).toEqual({ ann: 'old' });
    const again = await world.run('corp-in');
    expect(await told(world, again)).toEqual(['user update ann skipped Held']);
    expect((await world.approve(again.id)).status).toBe('success');
    expect(await bosses(world)).toEqual({});
    await nothingIsLeft(world);
  });

  test('a dry run foretells it, and what another sync says of the person stands', async () => {
    const world = await makeWorld();
    const corp = await staticCorp(world);
    const hr = await world.system('hr');
    hr.tree.add('/uid=ann', { title: ['by hr'] });
    await world.ingress('hr');
    await world.run('hr-in');
    await world.run('corp-in');
    corp.tree.move(boss, '/ou=people/uid=old');
    corp.tree.add(boss, { uid: ['next'] });
    const planned = ['user create next', 'user move old', 'user update ann'];
    const foretold = await told(world, await world.run('corp-in', 'dryRun'));
    expect(foretold).toEqual(planned.map((line) => `${line} skipped DryRun`));
    expect(await told(world, await world.run('corp-in'))).toEqual(planned);
    expect(await bosses(world)).toEqual({ ann: 'next' });
    hr.tree.set('/uid=ann', { title: ['again'] });
    await world.run('hr-in');
    expect(await bosses(world)).toEqual({ ann: 'next' });
    await nothingIsLeft(world);
  });
});
