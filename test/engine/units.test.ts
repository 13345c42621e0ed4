import { expect, test } from 'vitest';
import { brief } from '../workbench.ts';
import { amendRead, withContents } from './amended-read.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

async function corpWithUnits(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=a');
  corp.tree.add('/ou=a/ou=b');
  corp.tree.add('/ou=a/ou=b/ou=c');
  corp.tree.add('/ou=a/ou=b/ou=c/uid=ann');
  corp.tree.add('/ou=a/ou=b/cn=staff', {}, ['/ou=a/ou=b/ou=c/uid=ann']);
  return corp;
}

/** Shows units below others than those that they are in. */
function showParents(system: MemorySystem, parents: Readonly<Record<string, readonly string[]>>): void {
  amendRead(system, (entry) => {
    const shown = parents[entry.decode().location];
    return [shown ? withContents(entry, { parents: shown }) : entry];
  });
}

describeWorlds('units on ingress', (makeWorld) => {
  test('a unit that the source shows below itself stays where it is, with all below it', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const before = await world.directory();
    const truthful = corp.endpoint;
    showParents(corp, { '/ou=a': ['/ou=a/ou=b/ou=c', '/ou=a/ou=b', '/ou=a'] });
    corp.tree.set('/ou=a/ou=b/ou=c/uid=ann', { title: ['seen'] });
    for (let round = 0; round < 2; round += 1) {
      const job = await world.run('corp-in');
      expect(job.status).toBe('partial_success');
      expect(await told(world, job)).toContain('organizationalUnit move a failed ParentCycle');
      expect(brief(job.statistics)).not.toHaveProperty('organizationalUnit deleted');
      expect(Object.keys(await world.directory())).toEqual(Object.keys(before));
    }
    corp.endpoint = truthful;
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a unit that the sync made and its scope names now stays, empty too, with those above it', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    await world.ingress('corp', { scopes: [{ source: '/ou=a/ou=b', target: '/a/b' }] });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    for (const path of ['/ou=a/ou=b/cn=staff', '/ou=a/ou=b/ou=c/uid=ann', '/ou=a/ou=b/ou=c'])
      corp.tree.remove(path);
    const job = await world.run('corp-in');
    expect(brief(job.statistics)['organizationalUnit deleted']).toBe('1/0/0');
    expect(Object.keys(await world.directory())).toEqual(['/ou=a', '/ou=a/ou=b']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('two units that the source shows below each other stay where they are', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    for (const path of ['/ou=x', '/ou=y', '/ou=x/uid=xia', '/ou=y/uid=yan', '/ou=z']) corp.tree.add(path);
    await world.ingress('corp');
    await world.run('corp-in');
    const before = await world.directory();
    showParents(corp, { '/ou=x': ['/ou=y'], '/ou=y': ['/ou=x'] });
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual([
      'organizationalUnit move x failed ParentCycle',
      'organizationalUnit move y failed ParentCycle',
    ]);
    expect(await world.directory()).toEqual(before);
  });

  test('new units in a cycle are not made, nor what is in them, and the rest is', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    for (const path of ['/ou=x', '/ou=y', '/ou=x/uid=xia', '/ou=z', '/ou=z/uid=zoe']) corp.tree.add(path);
    showParents(corp, { '/ou=x': ['/ou=y', '/ou=x'], '/ou=y': ['/ou=x', '/ou=y'] });
    const job = await world.run('corp-in');
    expect(job.status).toBe('partial_success');
    const lines = await told(world, job);
    expect(lines).toContain('organizationalUnit create x failed ParentCycle');
    expect(lines).toContain('organizationalUnit create y failed ParentCycle');
    const directory = await world.directory();
    expect(directory).toHaveProperty('/ou=z/uid=zoe');
    expect(Object.keys(directory).filter((path) => /=[xy]|xia/.test(path))).toEqual([]);
  });

  test('a rename is one change, and what lies below is not touched', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.move('/ou=a/ou=b', '/ou=a/ou=renamed');
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual(['organizationalUnit move renamed']);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('a unit moves with all below it under a unit that is new in the same run', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.add('/ou=new');
    corp.tree.add('/ou=new/ou=deep');
    corp.tree.move('/ou=a/ou=b', '/ou=new/ou=deep/ou=b');
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({
      'organizationalUnit created': '2/0/0',
      'organizationalUnit updated': '1/0/0',
    });
    expect(brief(job.statistics)).not.toHaveProperty('user updated');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a unit goes in the run in which its people move out, deepest first', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.move('/ou=a/ou=b/ou=c/uid=ann', '/uid=ann');
    corp.tree.prune('/ou=a');
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    const deleted = (await told(world, job)).filter((line) => line.startsWith('organizationalUnit'));
    expect(deleted).toEqual(['c', 'b', 'a'].map((name) => `organizationalUnit delete ${name}`));
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a parent and its child change places', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.move('/ou=a/ou=b', '/ou=b');
    corp.tree.move('/ou=a', '/ou=b/ou=a');
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a unit that holds what another sync brought is not deleted, nor are those above it', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    const hr = await world.system('hr');
    hr.tree.add('/uid=zoe');
    await world.ingress('corp');
    await world.run('corp-in');
    await world.ingress('hr', { scopes: [{ source: '/', target: '/a/b' }] });
    await world.run('hr-in');
    corp.tree.prune('/ou=a');
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({
      'organizationalUnit deleted': '1/0/2',
      'user deleted': '1/0/0',
      'group deleted': '1/0/0',
    });
    expect(Object.keys(await world.directory())).toEqual(['/ou=a', '/ou=a/ou=b', '/ou=a/ou=b/uid=zoe']);
    hr.tree.remove('/uid=zoe');
    await world.run('hr-in');
    const next = await world.run('corp-in');
    expect(brief(next.statistics)).toMatchObject({ 'organizationalUnit deleted': '2/0/0' });
  });

  test('what lies below a unit that cannot be made fails or is skipped, and comes in the next run', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    corp.tree.set('/ou=a/ou=b', { ou: [] });
    await world.ingress('corp');
    const job = await world.run('corp-in');
    expect(job.status).toBe('partial_success');
    for (const change of await world.changes(job.id)) {
      if (change.kind === 'organizationalUnit' && change.label === 'a') expect(change.result).toBe('success');
      else expect(change.result === 'success' ? change.sentence : 'not done').toBe('not done');
    }
    expect(Object.keys(await world.directory())).toEqual(['/ou=a']);
    corp.tree.set('/ou=a/ou=b', { ou: ['b'] });
    const next = await world.run('corp-in');
    expect(next.status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('several scopes, a filter, and what leaves them', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    corp.tree.add('/ou=x');
    corp.tree.add('/ou=x/uid=yes', { title: ['in'] });
    corp.tree.add('/ou=x/uid=no', { title: ['out'] });
    const hr = await world.system('hr');
    hr.tree.add('/ou=target');
    await world.ingress('hr');
    await world.run('hr-in');
    await world.ingress('corp', {
      scopes: [
        { source: '/ou=a/ou=b', target: '/target' },
        { source: '/ou=x', target: '/', filter: 'title=in' },
      ],
    });
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    expect(Object.keys(await world.directory())).toEqual([
      '/ou=target',
      '/ou=target/cn=staff',
      '/ou=target/ou=c',
      '/ou=target/ou=c/uid=ann',
      '/uid=yes',
    ]);
    corp.tree.move('/ou=a/ou=b/ou=c/uid=ann', '/ou=x/uid=ann');
    corp.tree.set('/ou=x/uid=ann', { title: ['in'] });
    corp.tree.set('/ou=x/uid=yes', { title: ['out'] });
    const moved = await world.run('corp-in');
    expect(brief(moved.statistics)).toMatchObject({ 'user updated': '1/0/0', 'user deleted': '1/0/0' });
    expect(Object.keys(await world.directory())).toContain('/uid=ann');
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('units and groups that were made anew take over their objects by their place', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.prune('/ou=a');
    for (const unit of ['/ou=a', '/ou=a/ou=b', '/ou=a/ou=b/ou=c']) corp.tree.add(unit);
    corp.tree.add('/ou=a/ou=b/ou=c/uid=ann');
    corp.tree.add('/ou=a/ou=b/cn=staff', { description: ['anew'] }, ['/ou=a/ou=b/ou=c/uid=ann']);
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toEqual({
      'organizationalUnit binded': '3/0/0',
      'user binded': '1/0/0',
      'group binded': '1/0/0',
      'group updated': '1/0/0',
      'membership same': '1/0/0',
    });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('what changes below a unit that is linked and cannot be understood now stays where it is', async () => {
    const world = await makeWorld();
    const corp = await corpWithUnits(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.broken.add(corp.tree.get('/ou=a/ou=b').id);
    corp.tree.set('/ou=a/ou=b', { description: ['broken'] });
    corp.tree.set('/ou=a/ou=b/ou=c', { description: ['changed'] });
    corp.tree.set('/ou=a/ou=b/cn=staff', { description: ['changed'] });
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({
      'organizationalUnit updated': '1/1/0',
      'group updated': '1/0/0',
    });
    expect(Object.keys(await world.directory())).toEqual(Object.keys(corp.tree.snapshot()));
  });

  test('two scopes that bring the same name to one place: the first by key, the other is told', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    for (const name of ['a', 'b']) {
      corp.tree.add(`/ou=${name}`);
      corp.tree.add(`/ou=${name}/ou=same`);
      corp.tree.add(`/ou=${name}/ou=same/uid=in-${name}`);
    }
    await world.ingress('corp', {
      scopes: ['a', 'b'].map((name) => ({ source: `/ou=${name}`, target: '/' })),
    });
    const job = await world.run('corp-in');
    expect(job.status).toBe('partial_success');
    expect(await told(world, job)).toEqual([
      'organizationalUnit create same',
      'organizationalUnit create same failed NameTaken',
      'user create in-a',
      'user create in-b skipped DependencyFailed',
    ]);
  });
});
