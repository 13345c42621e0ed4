import { expect, test } from 'vitest';
import { getConnection } from '../../server/src/app/connections.ts';
import { getDirectoryObject } from '../../server/src/app/directory.ts';
import { addMembers, removeMembers } from '../../server/src/app/directory-writes/memberships.ts';
import { createUser, deleteUser, updateUser } from '../../server/src/app/directory-writes/users.ts';
import { bindUser, unbindUser } from '../../server/src/app/user-links.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

async function idOf(world: World, kind: 'user' | 'group', name: string): Promise<string> {
  return (await getDirectoryObject(world.app, world.actor, kind, name)).id;
}

async function connectionId(world: World): Promise<string> {
  const { links } = await getDirectoryObject(world.app, world.actor, 'user', 'bob');
  expect(links).toHaveLength(1);
  return (await getConnection(world.app, world.actor, links[0]?.connection ?? '')).id;
}

async function corpRead(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  for (const name of ['ann', 'bob']) corp.tree.add(`/uid=${name}`, { mail: [`${name}@x`] });
  corp.tree.add('/cn=staff', {}, ['/uid=ann', '/uid=bob']);
  await world.ingress('corp');
  await world.run('corp-in');
  return corp;
}

describeWorlds('what people write and what syncs write', (makeWorld) => {
  test('the next run restores what its source says, and then nothing more', async () => {
    const world = await makeWorld();
    const corp = await corpRead(world);
    const { app, actor } = world;
    const [ann, bob] = [await idOf(world, 'user', 'ann'), await idOf(world, 'user', 'bob')];
    const staff = await idOf(world, 'group', 'staff');
    await updateUser(app, actor, ann, { username: 'anna', attributes: { mail: ['other@x'] } });
    await removeMembers(app, actor, staff, [ann]);
    await deleteUser(app, actor, bob);
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('what no source gives stays as people made it', async () => {
    const world = await makeWorld();
    await corpRead(world);
    const { app, actor } = world;
    const own = await createUser(app, actor, { username: 'own', attributes: { mail: ['own@x'] } });
    const staff = await idOf(world, 'group', 'staff');
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    await addMembers(app, actor, staff, { kind: 'user', ids: [own.id] });
    await world.run('corp-in');
    expect(await getDirectoryObject(app, actor, 'user', 'own')).toMatchObject({ links: [] });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('a user is found by values that were written directly', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    await world.ingress('corp', { match: ['mail'] });
    await world.run('corp-in');
    const { app, actor } = world;
    const carl = await createUser(app, actor, { username: 'carl', attributes: { mail: ['old@x'] } });
    await updateUser(app, actor, carl.id, { attributes: { mail: ['Carl@X'] } });
    corp.tree.add('/uid=carl', { mail: ['carl@x'] });
    await world.run('corp-in');
    expect((await getDirectoryObject(app, actor, 'user', 'carl')).links).toHaveLength(1);
    expect(await idOf(world, 'user', 'carl')).toBe(carl.id);
  });

  test('what is deleted directly is deleted in the target, what is made there is made', async () => {
    const world = await makeWorld();
    const { app, actor } = world;
    const out = await world.system('target');
    await world.egress('target');
    const ann = await createUser(app, actor, { username: 'ann' });
    await createUser(app, actor, { username: 'bob' });
    await world.run('target-out');
    await deleteUser(app, actor, ann.id);
    expect(await told(world, await world.run('target-out'))).toEqual(['user delete /uid=ann']);
    expect(Object.keys(out.tree.snapshot())).toEqual(['/uid=bob']);
  });

  test('a user bound to a record that is yet to come is that record when it comes, and is not missed before', async () => {
    const world = await makeWorld();
    const corp = await corpRead(world);
    const { app, actor } = world;
    const user = await createUser(app, actor, { username: 'waiting' });
    const entry = corp.tree.add('/uid=late');
    corp.tree.drop(entry);
    const address = { userId: user.id, connectionId: await connectionId(world), externalId: entry.id };
    await bindUser(app, actor, address);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    corp.tree.entries.set(entry.id, entry);
    await world.run('corp-in');
    expect(await idOf(world, 'user', 'late')).toBe(user.id);
    await unbindUser(app, actor, address);
    await getDirectoryObject(app, actor, 'user', 'late');
  });
});
