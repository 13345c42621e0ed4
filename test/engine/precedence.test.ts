import { expect, test } from 'vitest';
import { deleteSync } from '../../server/src/app/syncs.ts';
import { updateTenantPrecedence } from '../../server/src/store/queries/tenant.ts';
import { brief } from '../workbench.ts';
import { amendRead, withContents } from './amended-read.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { SyncSettings, World } from './world.ts';

/** Two systems that know one person; hr comes first. */
async function twoSources(
  world: World,
  settings: SyncSettings = {},
): Promise<{ hr: MemorySystem; corp: MemorySystem }> {
  const hr = await world.system('hr');
  const corp = await world.system('corp');
  hr.tree.add('/uid=ann', { mail: ['ann@x.org'], title: ['by hr'] });
  corp.tree.add('/uid=ann', { mail: ['ann@x.org'], title: ['by corp'], phoneNumber: ['1'] });
  await world.ingress('hr', settings);
  await world.ingress('corp', settings);
  await world.run('hr-in');
  return { hr, corp };
}

async function ann(world: World): Promise<unknown> {
  return (await world.directory())['/uid=ann'];
}

describeWorlds('several sources of one person', (makeWorld, store) => {
  test('each attribute comes from the first sync that has it', async () => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world);
    const job = await world.run('corp-in');
    expect((await told(world, job)).join()).toEqual(['user bind ann', 'user update ann'].join());
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by hr'], phoneNumber: ['1'] } });
    corp.tree.set('/uid=ann', { title: ['corp again'] });
    await world.run('corp-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by hr'] } });
    hr.tree.set('/uid=ann', { title: [] });
    await world.run('hr-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['corp again'] } });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
  });

  test.each(['/ou=sales', '/cn=sales'])(
    'what one sync gave stays when another finds %s by its path',
    async (path) => {
      const world = await makeWorld();
      const hr = await world.system('hr');
      const corp = await world.system('corp');
      hr.tree.add(path, { description: ['by hr'] });
      corp.tree.add(path);
      await world.ingress('hr');
      await world.ingress('corp');
      await world.run('hr-in');
      expect(await told(world, await world.run('corp-in'))).toEqual([expect.stringMatching(/ bind sales$/)]);
      expect((await world.directory())[path]).toMatchObject({ attributes: { description: ['by hr'] } });
      hr.tree.set(path, { description: [] });
      corp.tree.set(path, { description: ['by corp'] });
      await world.run('corp-in');
      await world.run('hr-in');
      expect((await world.directory())[path]).toMatchObject({ attributes: { description: ['by corp'] } });
    },
  );

  test('the order in which the syncs run does not matter', async () => {
    const world = await makeWorld();
    const hr = await world.system('hr');
    const corp = await world.system('corp');
    hr.tree.add('/uid=ann', { mail: ['ann@x.org'], title: ['by hr'] });
    corp.tree.add('/uid=ann', { mail: ['ann@x.org'], title: ['by corp'], phoneNumber: ['1'] });
    await world.ingress('hr');
    await world.ingress('corp');
    await world.run('corp-in');
    await world.run('hr-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by hr'], phoneNumber: ['1'] } });
  });

  test('precedence by attribute goes before the order of the syncs', async () => {
    const world = await makeWorld();
    await updateTenantPrecedence(store().db, world.actor.tenantId, { title: ['corp-in'] });
    const { hr } = await twoSources(world);
    await world.run('corp-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by corp'] } });
    hr.tree.set('/uid=ann', { title: ['hr again'] });
    await world.run('hr-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by corp'] } });
  });

  test('another precedence is in force with the next run, and what a sync gave whose values went first goes with it', async () => {
    const world = await makeWorld();
    await twoSources(world);
    await world.run('corp-in');
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
    await updateTenantPrecedence(store().db, world.actor.tenantId, { title: ['corp-in'] });
    expect(await told(world, await world.run('hr-in'))).toEqual(['user update ann']);
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by corp'], phoneNumber: ['1'] } });
    await updateTenantPrecedence(store().db, world.actor.tenantId, {});
    expect(await told(world, await world.run('hr-in'))).toEqual(['user update ann']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by hr'] } });
    await deleteSync(world.app, world.actor, 'hr-in');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user update ann']);
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by corp'] } });
  });

  test('an account that the first sync enables is not disabled by one after it, not even when that one is new', async () => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world);
    corp.tree.get('/uid=ann').enabled = false;
    expect(await told(world, await world.run('corp-in'))).toEqual(['user bind ann', 'user update ann']);
    expect(await ann(world)).not.toHaveProperty('enabled');
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
    hr.tree.get('/uid=ann').enabled = false;
    expect(await told(world, await world.run('hr-in'))).toEqual(['user disable ann']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await ann(world)).toMatchObject({ enabled: false });
  });

  test('account states may come from another sync than attributes', async () => {
    const world = await makeWorld();
    await updateTenantPrecedence(store().db, world.actor.tenantId, { $enabled: ['corp-in'] });
    const { corp } = await twoSources(world);
    corp.tree.get('/uid=ann').enabled = false;
    await world.run('corp-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by hr'] }, enabled: false });
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
  });

  test('what is frozen of the first sync says whether the account is enabled', async () => {
    const world = await makeWorld();
    const { corp } = await twoSources(world);
    await world.run('corp-in');
    corp.tree.get('/uid=ann').enabled = false;
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await ann(world)).not.toHaveProperty('enabled');
  });

  test('a first sync whose record says nothing of the account leaves it to the one after it once it was read again', async () => {
    const world = await makeWorld();
    const [hr, corp] = [await world.system('hr'), await world.system('corp')];
    for (const { tree } of [hr, corp]) tree.add('/uid=ann', { mail: ['ann@x.org'] });
    amendRead(hr, (entry) => [withContents(entry, { enabled: undefined })]);
    corp.tree.get('/uid=ann').enabled = false;
    for (const name of ['hr', 'corp']) await world.ingress(name);
    await world.run('hr-in');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user bind ann']);
    expect(await told(world, await world.run('hr-in'))).toEqual(['user disable ann']);
    for (const name of ['corp-in', 'hr-in']) expect(await told(world, await world.run(name))).toEqual([]);
  });

  test('a first sync that knows no account states leaves them to the one after it', async () => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world);
    Object.assign(hr.capabilities, { disable: false });
    corp.tree.get('/uid=ann').enabled = false;
    await world.run('corp-in');
    expect(await ann(world)).toMatchObject({ enabled: false });
  });

  test.each(['delete', 'disable'] as const)(
    'the account state that the others tell counts when the record of the first sync goes (%s)',
    async (onMissing) => {
      const world = await makeWorld();
      const { hr, corp } = await twoSources(world, { onMissing });
      corp.tree.set('/uid=ann', { title: ['by hr'], phoneNumber: [] });
      corp.tree.get('/uid=ann').enabled = false;
      await world.run('corp-in');
      expect(await ann(world)).not.toHaveProperty('enabled');
      const copy = hr.tree.copy();
      hr.tree.remove('/uid=ann');
      const gone = await world.run('hr-in');
      expect(await told(world, gone)).toEqual(['user disable ann']);
      for (const name of ['hr-in', 'corp-in']) expect(await told(world, await world.run(name))).toEqual([]);
      await world.undo(gone.id);
      expect(await ann(world)).not.toHaveProperty('enabled');
      expect(await told(world, await world.run('hr-in'))).toEqual(['user disable ann']);
      hr.tree.restore(copy);
      expect(await told(world, await world.run('hr-in'))).toEqual(['user enable ann']);
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
    },
  );

  test.each(['delete', 'disable'] as const)('%s waits for the last live link', async (onMissing) => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world, { onMissing });
    await world.run('corp-in');
    hr.tree.remove('/uid=ann');
    const first = await world.run('hr-in');
    expect(await told(world, first)).toEqual(['user update ann']);
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by corp'] } });
    expect(await ann(world)).not.toHaveProperty('enabled');
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
    const copy = corp.tree.copy();
    corp.tree.remove('/uid=ann');
    const last = await world.run('corp-in');
    expect(await told(world, last)).toEqual([`user ${onMissing} ann`]);
    if (onMissing === 'delete') expect(await world.directory()).toEqual({});
    else expect(await ann(world)).toMatchObject({ enabled: false });
    corp.tree.restore(copy);
    const back = await world.run('corp-in');
    expect(back.status).toBe('success');
    expect(await ann(world)).not.toHaveProperty('enabled');
  });

  test('the winner that comes back takes its attributes again', async () => {
    const world = await makeWorld();
    const { hr } = await twoSources(world, { onMissing: 'disable' });
    await world.run('corp-in');
    const copy = hr.tree.copy();
    hr.tree.remove('/uid=ann');
    await world.run('hr-in');
    hr.tree.restore(copy);
    await world.run('hr-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['by hr'], phoneNumber: ['1'] } });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
  });

  test('what changed while the other one was gone is not forgotten when that one comes back', async () => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world, { onMissing: 'disable' });
    hr.tree.set('/uid=ann', { title: [] });
    for (const name of ['hr-in', 'corp-in']) await world.run(name);
    const copy = hr.tree.copy();
    hr.tree.remove('/uid=ann');
    await world.run('hr-in');
    corp.tree.set('/uid=ann', { title: ['new'], phoneNumber: [] });
    await world.run('corp-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['new'] } });
    hr.tree.restore(copy);
    await world.run('hr-in');
    expect(await ann(world)).toEqual({ attributes: { mail: ['ann@x.org'], title: ['new'], uid: ['ann'] } });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('what was said while the other was away counts when it comes back', async () => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world);
    await world.run('corp-in');
    const copy = corp.tree.copy();
    corp.tree.remove('/uid=ann');
    await world.run('corp-in');
    hr.tree.set('/uid=ann', { title: ['hr again'] });
    await world.run('hr-in');
    corp.tree.restore(copy);
    await world.run('corp-in');
    expect(await ann(world)).toMatchObject({ attributes: { title: ['hr again'], phoneNumber: ['1'] } });
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
  });

  test('the loser that goes is missed by nobody, and what it alone gave goes with it', async () => {
    const world = await makeWorld();
    const { corp } = await twoSources(world);
    await world.run('corp-in');
    corp.tree.remove('/uid=ann');
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toEqual({ 'user updated': '1/0/0' });
    expect(await ann(world)).toEqual({ attributes: { mail: ['ann@x.org'], title: ['by hr'], uid: ['ann'] } });
  });

  test('a membership goes when the last sync that gives it stops', async () => {
    const world = await makeWorld();
    const { hr, corp } = await twoSources(world);
    hr.tree.add('/cn=staff', {}, ['/uid=ann']);
    corp.tree.add('/cn=staff', {}, ['/uid=ann']);
    await world.run('hr-in');
    const bound = await world.run('corp-in');
    expect(brief(bound.statistics)).toMatchObject({ 'group binded': '1/0/0', 'membership binded': '1/0/0' });
    hr.tree.removeMember('/cn=staff', '/uid=ann');
    await world.run('hr-in');
    expect((await world.directory())['/cn=staff']).toMatchObject({ members: ['/uid=ann'] });
    corp.tree.removeMember('/cn=staff', '/uid=ann');
    await world.run('corp-in');
    expect((await world.directory())['/cn=staff']).toMatchObject({ members: [] });
  });

  test.each(['delete', 'disable'] as const)(
    'a group that one of two syncs loses keeps what the other gives (%s)',
    async (onMissing) => {
      const world = await makeWorld();
      const [hr, corp] = [await world.system('hr'), await world.system('corp')];
      for (const { tree } of [hr, corp])
        for (const name of ['ann', 'bob', 'cid']) tree.add(`/uid=${name}`, { mail: [`${name}@x.org`] });
      hr.tree.add('/cn=staff', {}, ['/uid=ann', '/uid=bob']);
      corp.tree.add('/cn=staff', {}, ['/uid=bob', '/uid=cid', '/uid=nobody']);
      await world.ingress('hr', { onMissing });
      await world.ingress('corp', { onMissing, guard: { ...noGuard, membership: { count: 0 } } });
      for (const name of ['hr-in', 'corp-in']) await world.run(name);
      corp.tree.remove('/cn=staff');
      expect((await world.run('corp-in')).status).toBe('held');
      const held = await world.run('corp-in');
      expect(brief(held.statistics)).toMatchObject({ 'membership deleted': '0/0/1' });
      await world.approve(held.id);
      expect((await world.directory())['/cn=staff']).toMatchObject({ members: ['/uid=ann', '/uid=bob'] });
      const again = await world.run('corp-in');
      expect([again.status, again.note, await told(world, again)]).toEqual(['success', null, []]);
      hr.tree.removeMember('/cn=staff', '/uid=bob');
      expect(await told(world, await world.run('hr-in'))).toEqual(['membership removeMember staff < bob']);
      corp.tree.add('/cn=staff', {}, ['/uid=cid']);
      await world.run('corp-in');
      expect((await world.directory())['/cn=staff']).toMatchObject({ members: ['/uid=ann', '/uid=cid'] });
    },
  );

  test('a second sync that adds nothing writes nothing', async () => {
    const world = await makeWorld();
    const hr = await world.system('hr');
    const corp = await world.system('corp');
    for (const system of [hr, corp]) {
      system.tree.add('/ou=people');
      system.tree.add('/ou=people/uid=ann', { mail: ['ann@x.org'] });
    }
    await world.ingress('hr');
    await world.ingress('corp');
    await world.run('hr-in');
    expect(await told(world, await world.run('corp-in'))).toEqual([
      'organizationalUnit bind people',
      'user bind ann',
    ]);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await told(world, await world.run('hr-in'))).toEqual([]);
  });
});
