import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { removeMembers } from '../../server/src/app/directory-writes/memberships.ts';
import { brief } from '../workbench.ts';
import { feedChanges } from './change-feed.ts';
import type { Asked } from './change-feed.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { SyncSettings, World } from './world.ts';

async function corpOf(
  world: World,
  settings: SyncSettings = {},
): Promise<{ corp: MemorySystem; asked: Asked }> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob', 'cid', 'dan', 'eve']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  const asked = feedChanges(corp);
  await world.ingress('corp', settings);
  await world.run('corp-in');
  corp.forgetCounts();
  return { corp, asked };
}

async function groupOf(world: World, name: string): Promise<{ id: string; members: string[] }> {
  const { rows } = await sql<{ id: string; members: string[] }>`
    select g.id, array(select member_id from membership m where m.group_id = g.id order by 1) as members
    from directory_group g where g.tenant_id = ${world.actor.tenantId} and g.name = ${name}`.execute(
    world.app.store.db,
  );
  return rows[0] as { id: string; members: string[] };
}

describeWorlds('a run of changes', (makeWorld) => {
  test('reads what changed since the run before, and counts nothing else', async () => {
    const world = await makeWorld();
    const { corp, asked } = await corpOf(world);
    corp.tree.set('/ou=people/uid=ann', { title: ['chief'] });
    corp.tree.add('/ou=people/uid=fay');
    const job = await world.run('corp-in');
    expect(asked).toEqual([null, 0]);
    expect(job).toMatchObject({ status: 'success', complete: true, note: null });
    expect(brief(job.statistics)).toEqual({ 'user created': '1/0/0', 'user updated': '1/0/0' });
    expect((await world.run('corp-in')).statistics).toMatchObject({ user: { same: { total: 0 } } });
    expect(asked).toEqual([null, 0, 1]);
    expect(Object.keys(await world.directory())).toHaveLength(8);
  });

  test('believes that gone what it is told of, and nothing else', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world);
    corp.tree.remove('/ou=people/uid=cid');
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual(['user delete cid']);
    expect(Object.keys(await world.directory())).toEqual([
      '/cn=staff',
      '/ou=people',
      '/ou=people/uid=ann',
      '/ou=people/uid=bob',
      '/ou=people/uid=dan',
      '/ou=people/uid=eve',
    ]);
  });

  test('binds one who is made anew in place of one who is gone', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world);
    corp.tree.remove('/ou=people/uid=cid');
    corp.tree.add('/ou=people/uid=cid', { title: ['back'] });
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toEqual({ 'user binded': '1/0/0', 'user updated': '1/0/0' });
    expect(job.status).toBe('success');
  });

  test('adds and takes away the members that a group got and lost', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world);
    corp.tree.add('/ou=people/uid=fay');
    const staff = corp.tree.get('/cn=staff');
    staff.members = ['/ou=people/uid=bob', '/ou=people/uid=fay', '/ou=people/uid=later'];
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual([
      'user create fay',
      'membership addMember staff < fay',
      'membership addMember staff < /ou=people/uid=later skipped ReferenceNotFound',
      'membership removeMember staff < ann',
    ]);
    corp.tree.add('/ou=people/uid=later');
    staff.members = ['/ou=people/uid=bob', '/ou=people/uid=later'];
    expect(await told(world, await world.run('corp-in'))).toEqual([
      'user create later',
      'membership addMember staff < later',
      'membership removeMember staff < fay',
    ]);
    expect((await world.directory())['/cn=staff']).toMatchObject({
      members: ['/ou=people/uid=bob', '/ou=people/uid=later'],
    });
  });

  test.each(['a member besides', 'another description'])(
    'a member that somebody took out of the directory comes back though the group changed since: %s',
    async (what) => {
      const world = await makeWorld();
      const { corp } = await corpOf(world);
      const { id: groupId, members } = await groupOf(world, 'staff');
      await removeMembers(world.app, world.actor, groupId, members.slice(0, 1));
      const staff = corp.tree.get('/cn=staff');
      if (what === 'a member besides') corp.tree.addMember('/cn=staff', '/ou=people/uid=cid');
      else corp.tree.assign(staff, { description: ['all'] });
      expect((await world.run('corp-in')).status).toBe('success');
      expect((await world.run('corp-in', 'apply', { full: true })).status).toBe('success');
      expect((await world.directory())['/cn=staff']).toMatchObject({ members: staff.members });
    },
  );

  test('a member that two sources had goes once both have lost it', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world);
    const branch = await world.system('branch');
    branch.tree.add('/ou=people');
    branch.tree.add('/ou=people/uid=ann');
    branch.tree.add('/cn=staff', {}, ['/ou=people/uid=ann']);
    await world.ingress('branch');
    await world.run('branch-in');
    corp.tree.removeMember('/cn=staff', '/ou=people/uid=ann');
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    branch.tree.removeMember('/cn=staff', '/ou=people/uid=ann');
    expect(await told(world, await world.run('branch-in'))).toEqual(['membership removeMember staff < ann']);
  });

  test('a member who was made anew counts once, and who takes the old name is no member', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world);
    corp.tree.move('/ou=people/uid=ann', '/uid=ann');
    await world.run('corp-in');
    const whole = await world.run('corp-in', 'apply', { full: true });
    expect(brief(whole.statistics)).toMatchObject({ 'membership same': '2/0/0' });
    corp.tree.add('/ou=people/uid=ann2');
    corp.tree.move('/ou=people/uid=ann2', '/ou=people/uid=ann');
    corp.tree.set('/ou=people/uid=ann', { uid: ['second'] });
    expect(await told(world, await world.run('corp-in'))).toEqual(['user create second']);
  });

  test('a reference that a group loses while it waits is forgotten', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world);
    const staff = corp.tree.get('/cn=staff');
    staff.members = [...staff.members, '/ou=people/uid=later'];
    expect((await world.run('corp-in')).note).toContain('/ou=people/uid=later');
    staff.members = staff.members.filter((member) => !member.endsWith('later'));
    expect((await world.run('corp-in')).note).toBeNull();
    corp.tree.add('/ou=people/uid=later');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user create later']);
  });

  test('goes on, and looks again at what failed until that succeeds', async () => {
    const world = await makeWorld();
    const { corp, asked } = await corpOf(world);
    corp.tree.set('/ou=people/uid=ann', { title: ['chief'] });
    corp.broken.add(corp.tree.get('/ou=people/uid=ann').id);
    expect((await world.run('corp-in')).status).toBe('failed');
    corp.tree.add('/ou=people/uid=fay');
    const partial = await world.run('corp-in');
    expect(partial.status).toBe('partial_success');
    expect(await told(world, partial)).toEqual([
      'user create fay',
      `user update ${corp.tree.get('/ou=people/uid=ann').id} failed InvalidRecord`,
    ]);
    corp.broken.clear();
    expect(await told(world, await world.run('corp-in'))).toEqual(['user update ann']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(asked).toEqual([null, 0, 1, 2, 3]);
  });

  test('a run of everything in which something fails is followed by runs of changes all the same', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const asked = feedChanges(corp);
    for (const name of ['ann', 'bob']) corp.tree.add(`/uid=${name}`);
    corp.broken.add(corp.tree.get('/uid=ann').id);
    await world.ingress('corp');
    expect((await world.run('corp-in')).status).toBe('partial_success');
    corp.tree.remove('/uid=ann');
    corp.tree.add('/uid=cid');
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual(['user create cid']);
    expect(asked).toEqual([null, 0]);
  });

  test('what changed back while a plan was held is changed back', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world, { guard: { ...noGuard, membership: { count: 0 } } });
    const staff = corp.tree.get('/cn=staff');
    staff.members = ['/ou=people/uid=bob', '/ou=people/uid=cid'];
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    staff.members = ['/ou=people/uid=ann', '/ou=people/uid=cid'];
    expect((await world.run('corp-in')).status).toBe('held');
    staff.members = ['/ou=people/uid=ann', '/ou=people/uid=bob'];
    await world.ingress('corp', { guard: noGuard });
    expect((await world.run('corp-in')).status).toBe('success');
    expect((await world.directory())['/cn=staff']).toMatchObject({
      members: ['/ou=people/uid=ann', '/ou=people/uid=bob'],
    });
  });

  test('everything is read again once the mapping has changed', async () => {
    const world = await makeWorld();
    const { asked } = await corpOf(world);
    await world.ingress('corp', { map: { user: { title: { value: 'all' } } } });
    expect(brief((await world.run('corp-in')).statistics)).toMatchObject({ 'user updated': '5/0/0' });
    expect(asked).toEqual([null, null]);
  });

  test('everything is read again once who is gone shall be treated otherwise', async () => {
    const world = await makeWorld();
    const { corp, asked } = await corpOf(world, { onMissing: 'ignore' });
    corp.tree.remove('/ou=people/uid=ann');
    expect(await told(world, await world.run('corp-in'))).toEqual(['membership removeMember staff < ann']);
    await world.ingress('corp', { onMissing: 'delete' });
    expect(await told(world, await world.run('corp-in'))).toEqual(['user delete ann']);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    await world.run('corp-in');
    expect(asked).toEqual([null, 0, null, 2]);
  });

  test('everything is read again when somebody asks for it, and when such a plan is approved', async () => {
    const world = await makeWorld();
    const { corp, asked } = await corpOf(world, { guard: { ...noGuard, user: { count: 0 } } });
    corp.tree.remove('/ou=people/uid=cid');
    const held = await world.run('corp-in', 'apply', { full: true });
    expect(held).toMatchObject({ status: 'held', changesOnly: false });
    expect((await world.approve(held.id)).status).toBe('success');
    expect(asked).toEqual([null, null, null]);
    expect(await world.directory()).not.toHaveProperty('/ou=people/uid=cid');
  });

  test('what goes one by one trips the guard as what goes together', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world, { guard: { ...noGuard, user: { count: 2 } } });
    for (const name of ['cid', 'dan']) {
      corp.tree.remove(`/ou=people/uid=${name}`);
      expect((await world.run('corp-in')).status).toBe('success');
    }
    corp.tree.remove('/ou=people/uid=eve');
    const held = await world.run('corp-in');
    expect(held).toMatchObject({ status: 'held', error: { code: 'GuardTripped' } });
    const approved = await world.approve(held.id);
    expect(await told(world, approved)).toEqual(['user delete eve']);
    expect((await world.run('corp-in')).status).toBe('success');
    corp.tree.remove('/ou=people/uid=ann');
    expect((await world.run('corp-in')).status).toBe('success');
  });

  test('a run of everything is not weighed down by what went before', async () => {
    const world = await makeWorld();
    const { corp } = await corpOf(world, { guard: { ...noGuard, user: { count: 2 } } });
    for (const name of ['cid', 'dan']) {
      corp.tree.remove(`/ou=people/uid=${name}`);
      await world.run('corp-in');
    }
    await world.ingress('corp', {
      guard: { ...noGuard, user: { count: 2 } },
      map: { user: { title: { value: 'all' } } },
    });
    corp.tree.remove('/ou=people/uid=eve');
    expect((await world.run('corp-in')).status).toBe('success');
  });
});
