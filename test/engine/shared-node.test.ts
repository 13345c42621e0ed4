import { expect, test } from 'vitest';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import { hookedStore } from './hooked-store.ts';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, told } from './world.ts';
import type { SyncSettings, World } from './world.ts';

/** Two departments of the directory, both written under one node of the target. */
async function departments(
  world: World,
  settings: SyncSettings = {},
): Promise<{ corp: MemorySystem; target: MemorySystem; both(): Promise<string[]> }> {
  const corp = await world.system('corp');
  const target = await world.system('target');
  for (const name of ['east', 'west', 'other']) corp.tree.add(`/ou=${name}`);
  corp.tree.add('/ou=east/ou=sales');
  corp.tree.add('/ou=east/uid=ann');
  corp.tree.add('/ou=east/ou=sales/uid=bob');
  corp.tree.add('/ou=west/ou=plant');
  corp.tree.add('/ou=west/uid=cid');
  corp.tree.add('/ou=west/ou=plant/uid=dan');
  corp.tree.add('/ou=other/uid=eve');
  corp.tree.add('/ou=west/cn=all', {}, ['/ou=east/uid=ann', '/ou=west/ou=plant/uid=dan']);
  target.tree.add('/ou=staff');
  target.tree.add('/ou=apart');
  await world.ingress('corp');
  await world.egress('target', {
    scopes: [
      { source: '/east', target: '/ou=staff' },
      { source: '/west', target: '/ou=staff' },
      { source: '/other', target: '/ou=apart' },
    ],
    ...settings,
  });
  return {
    corp,
    target,
    async both() {
      await world.run('corp-in');
      return told(world, await world.run('target-out'));
    },
  };
}

/** Paths of the target below its two nodes. */
function written(target: MemorySystem): string[] {
  return Object.keys(target.tree.snapshot()).filter((path) => path.split('/').length > 2);
}

describeWorlds('scopes that share a node of the target', (makeWorld) => {
  test('what lies under each source lies under the one node, and nothing is done twice', async () => {
    const world = await makeWorld();
    const { target, both } = await departments(world);
    await both();
    expect(written(target)).toEqual([
      '/ou=apart/uid=eve',
      '/ou=staff/cn=all',
      '/ou=staff/ou=plant',
      '/ou=staff/ou=plant/uid=dan',
      '/ou=staff/ou=sales',
      '/ou=staff/ou=sales/uid=bob',
      '/ou=staff/uid=ann',
      '/ou=staff/uid=cid',
    ]);
    expect(target.tree.get('/ou=staff/cn=all').members.toSorted()).toEqual([
      '/ou=staff/ou=plant/uid=dan',
      '/ou=staff/uid=ann',
    ]);
    expect(await both()).toEqual([]);
    const third = await world.run('target-out');
    expect(brief(third.statistics)).toMatchObject({
      'user same': '5/0/0',
      'organizationalUnit same': '2/0/0',
    });
    expect(await told(world, third)).toEqual([]);
  });

  test('a move from one source to the other is no change at all, one below is a move', async () => {
    const world = await makeWorld();
    const { corp, target, both } = await departments(world);
    await both();
    const id = target.tree.find('/ou=staff/uid=ann')?.id;
    corp.tree.move('/ou=east/uid=ann', '/ou=west/uid=ann');
    expect(await both()).toEqual([]);
    expect(target.tree.find('/ou=staff/uid=ann')?.id).toBe(id);
    corp.tree.move('/ou=east/ou=sales', '/ou=west/ou=plant/ou=sales');
    expect(await both()).toEqual(['organizationalUnit move sales']);
    expect(written(target)).toContain('/ou=staff/ou=plant/ou=sales/uid=bob');
    corp.tree.move('/ou=west/uid=ann', '/ou=other/uid=ann');
    expect(await both()).toEqual(['user move ann']);
    expect(target.tree.find('/ou=apart/uid=ann')?.id).toBe(id);
  });

  test('what goes from one source leaves the other alone, and so does a source that is emptied', async () => {
    const world = await makeWorld();
    const { corp, target, both } = await departments(world);
    await both();
    corp.tree.remove('/ou=west/uid=cid');
    corp.tree.remove('/ou=west/cn=all');
    corp.tree.prune('/ou=west/ou=plant');
    expect((await both()).filter((line) => !line.startsWith('membership')).sort()).toEqual([
      'group delete /ou=staff/cn=all',
      'organizationalUnit delete /ou=staff/ou=plant',
      'user delete /ou=staff/ou=plant/uid=dan',
      'user delete /ou=staff/uid=cid',
    ]);
    expect(written(target)).toEqual([
      '/ou=apart/uid=eve',
      '/ou=staff/ou=sales',
      '/ou=staff/ou=sales/uid=bob',
      '/ou=staff/uid=ann',
    ]);
  });

  test('of two units of one name the second is a conflict, whether the first is new or was there', async () => {
    const world = await makeWorld();
    const { corp, target, both } = await departments(world);
    corp.tree.add('/ou=west/ou=Sales');
    corp.tree.add('/ou=west/ou=Sales/uid=fay');
    const failures = async (): Promise<string[]> =>
      (await both()).filter((line) => / (failed|skipped) /.test(line)).sort();
    const conflict = [
      'organizationalUnit create Sales failed NameTaken',
      'user create fay skipped DependencyFailed',
    ];
    expect((await failures()).map((line) => line.replace('sales', 'Sales').replace('bob', 'fay'))).toEqual(
      conflict,
    );
    expect(written(target).filter((path) => path.toLowerCase() === '/ou=staff/ou=sales')).toHaveLength(1);
    expect(target.tree.find('/ou=staff/uid=ann')).toBeDefined();
    await failures();
    // The one that has the place keeps it; when it goes the other one gets it.
    const kept = target.tree.find('/ou=staff/ou=sales')?.name === 'ou=Sales' ? 'west' : 'east';
    corp.tree.prune(kept === 'west' ? '/ou=west/ou=Sales' : '/ou=east/ou=sales');
    await both();
    expect(await failures()).toEqual([]);
    expect(
      written(target).filter((path) => path.endsWith(kept === 'west' ? 'uid=bob' : 'uid=fay')),
    ).toHaveLength(1);
  });

  test('a job that is taken up again does not take the entry of a namesake for its own', async () => {
    const world = await makeWorld();
    const { corp, target, both } = await departments(world);
    await both();
    await both();
    const entry = target.tree.find('/ou=staff/ou=sales');
    corp.tree.add('/ou=west/ou=sales');
    await world.run('corp-in');
    const { job } = await requestJob(world.app, world.actor, 'target-out', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const lost = hookedStore(makeSyncStore(world.app.store), (method, proceed) => {
      if (method === 'recordOutcomes')
        throw Object.assign(new Error('the store went away'), { code: '57P01' });
      return proceed();
    });
    const { signal } = new AbortController();
    await expect(makeJobRunner(world.app, lost).run(job.id, signal)).rejects.toThrow('went away');
    await makeJobRunner(world.app).run(job.id, signal);
    const over = await getJob(world.app, world.actor, job.id);
    expect(await told(world, over)).toEqual(['organizationalUnit create sales failed NameTaken']);
    corp.tree.remove('/ou=west/ou=sales');
    expect(await both()).toEqual([]);
    expect(target.tree.find('/ou=staff/ou=sales')).toBe(entry);
  });

  test('an entry that is there is bound once, and by what belongs to its own node', async () => {
    const world = await makeWorld();
    const { corp, target, both } = await departments(world);
    corp.tree.add('/ou=west/ou=sales');
    corp.tree.add('/ou=other/ou=sales');
    target.tree.add('/ou=staff/ou=sales', { description: ['of staff'] });
    target.tree.add('/ou=apart/ou=sales', { description: ['apart'] });
    const lines = (await both()).filter((line) => line.includes('sales')).sort();
    expect(lines).toEqual([
      'organizationalUnit bind sales',
      'organizationalUnit bind sales',
      'organizationalUnit create sales failed NameTaken',
      'organizationalUnit update sales',
      'organizationalUnit update sales',
    ]);
    expect(written(target).filter((path) => path.endsWith('ou=sales'))).toEqual([
      '/ou=apart/ou=sales',
      '/ou=staff/ou=sales',
    ]);
  });

  test('a source that lies in another one of the same target is part of it', async () => {
    const world = await makeWorld();
    const scopes = [
      { source: '/east/sales', target: '/ou=staff' },
      { source: '/east', target: '/ou=staff' },
      { source: '/East', target: '/ou=staff' },
    ];
    const { target, both } = await departments(world, { scopes });
    await both();
    expect(written(target)).toEqual([
      '/ou=staff/ou=sales',
      '/ou=staff/ou=sales/uid=bob',
      '/ou=staff/uid=ann',
    ]);
    expect(await both()).toEqual([]);
  });

  test.each([
    [{ target: '/ou=apart' }, 'targets'],
    [{ filter: 'true' }, 'filters'],
  ])('a source in another one is refused when they have other %j', async (more, reason) => {
    const world = await makeWorld();
    const scopes = [
      { source: '/east', target: '/ou=staff' },
      { source: '/east/sales', target: '/ou=staff', ...more },
    ];
    await expect(departments(world, { scopes })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: 'syncs.target-out.scopes.1.source',
      message: expect.stringContaining(`different ${reason}`),
    });
  });
});
