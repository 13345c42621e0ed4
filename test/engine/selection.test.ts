import { expect, test } from 'vitest';
import { getDirectoryObject } from '../../server/src/app/directory.ts';
import { getUnitByPath } from '../../server/src/app/directory-path.ts';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import type { JobSelection } from '../../server/src/sync/selection.ts';
import { brief } from '../workbench.ts';
import { checked, describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

async function runPart(world: World, sync: string, selection: JobSelection) {
  const request = { mode: 'apply', startedThrough: 'native', selection } as const;
  const { job } = await requestJob(world.app, world.actor, sync, request);
  await makeJobRunner(world.app).run(job.id, new AbortController().signal);
  return checked(world.app, world.actor, await getJob(world.app, world.actor, job.id));
}

async function corpOf(world: World) {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  corp.tree.add('/ou=people/uid=ann', { mail: ['Ann@example.com'] });
  corp.tree.add('/ou=people/uid=bob', { mail: ['bob@example.com'] });
  corp.tree.add('/ou=other');
  corp.tree.add('/ou=other/uid=cyd', { mail: ['cyd@example.com'] });
  corp.tree.add('/cn=all', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob', '/ou=other/uid=cyd']);
  await world.ingress('corp');
  return corp;
}

describeWorlds('a partial run', (makeWorld) => {
  test('puts who lies in a unit that is not shown into the one above, until it is', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=people/ou=deep');
    corp.tree.add('/ou=people/ou=deep/uid=dan', { mail: ['dan@example.com'] });
    corp.hidden = ({ name }) => name === 'ou=deep';
    await runPart(world, 'corp-in', { emails: ['dan@example.com'] });
    expect(Object.keys(await world.directory())).toContain('/ou=people/uid=dan');
    corp.hidden = () => false;
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('says of somebody who was asked for, and cannot come in, that it is so', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.run('corp-in');
    for (const name of ['eve', 'eva']) corp.tree.add(`/ou=people/uid=${name}`, { mail: ['eve@example.com'] });
    await world.ingress('corp', { match: ['mail'] });
    const job = await runPart(world, 'corp-in', { emails: ['EVE@example.com'] });
    const failed = ['user bind eve failed AmbiguousMatch', 'user bind eva failed AmbiguousMatch'];
    expect([await told(world, job), job.status]).toEqual([failed, 'failed']);
  });

  test.each(['an address', 'a unit'])(
    'says that records could not come in which may belong to what was asked for: %s',
    async (asked) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      await world.run('corp-in');
      const people = await getUnitByPath(world.app.store.db, world.actor.tenantId, '/people');
      await world.ingress('corp', { map: { user: { title: { cel: 'string(int(source.title[0]))' } } } });
      corp.tree.add('/ou=people/uid=eve', { mail: ['eve@example.com'], title: ['none'] });
      const selection =
        asked === 'a unit' ? { organizationalUnitIds: [people ?? ''] } : { emails: ['eve@example.com'] };
      const job = await runPart(world, 'corp-in', selection);
      expect(await told(world, job)).toEqual([]);
      expect(await world.messages(job.id)).toContainEqual(expect.stringMatching(/asked for: 1; a run of/));
    },
  );

  test('says of somebody who was asked for, and cannot be written, that it is so', async () => {
    const world = await makeWorld();
    await corpOf(world);
    await world.run('corp-in');
    await world.system('target');
    await world.egress('target', { map: { user: { title: { cel: 'string(int(source.mail[0]))' } } } });
    const { id } = await getDirectoryObject(world.app, world.actor, 'user', 'ann');
    const job = await runPart(world, 'target-out', { userIds: [id] });
    expect(job.status).toBe('failed');
    expect(await world.changes(job.id)).toContainEqual(
      expect.objectContaining({ kind: 'user', objectId: id, result: 'failed' }),
    );
  });

  test('of a group takes out of it once who was made anew', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out']) await world.run(name);
    corp.tree.remove('/ou=people/uid=ann');
    await world.run('corp-in');
    corp.tree.add('/ou=other/uid=ann', { mail: ['Ann@example.com'] });
    await world.run('corp-in');
    const { id } = await getDirectoryObject(world.app, world.actor, 'group', 'all');
    const job = await runPart(world, 'target-out', { groupIds: [id] });
    expect(await told(world, job)).toEqual(['membership removeMember all < ann']);
    expect(await told(world, await world.run('target-out'))).toEqual(['user bind ann', 'user move ann']);
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('may bind a membership before its group, which the whole run counts as the same', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['corp-in', 'target-out']) await world.run(name);
    corp.tree.remove('/cn=all');
    await world.run('corp-in');
    corp.tree.add('/cn=all', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    await world.run('corp-in');
    const { id } = await getDirectoryObject(world.app, world.actor, 'user', 'ann');
    const job = await runPart(world, 'target-out', { userIds: [id] });
    expect(await told(world, job)).toEqual(['membership bind all < ann']);
    const whole = await world.run('target-out');
    expect(brief(whole.statistics)).toMatchObject({
      'membership same': '1/0/0',
      'membership deleted': '1/0/0',
    });
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });

  test('brings the people with these addresses, the units above them, and nothing else', async () => {
    const world = await makeWorld();
    await corpOf(world);
    const job = await runPart(world, 'corp-in', { emails: ['ann@EXAMPLE.com'] });
    expect(await told(world, job)).toEqual([
      'organizationalUnit create people',
      'user create ann',
      'membership addMember all < ann skipped DependencyFailed',
    ]);
    expect(Object.keys(await world.directory())).toEqual(['/ou=people', '/ou=people/uid=ann']);
    // A whole run finds the rest, and what the part left alone.
    const whole = await world.run('corp-in');
    expect(brief(whole.statistics)).toMatchObject({
      'user created': '2/0/0',
      'user same': '1/0/0',
      'membership created': '3/0/0',
    });
  });

  test('finds addresses in other letter case and width, whatever the locale of the store', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.set('/ou=people/uid=ann', { mail: ['ÄNN@example.com'] });
    corp.tree.set('/ou=people/uid=bob', { mail: ['ｂｏｂ@example.com'] });
    const job = await runPart(world, 'corp-in', { emails: ['änn@example.com', 'bob@example.com'] });
    expect(brief(job.statistics)).toMatchObject({ 'user created': '2/0/0' });
  });

  test('believes in the absence of what is selected only', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.run('corp-in');
    corp.tree.remove('/ou=people/uid=ann');
    corp.tree.remove('/ou=people/uid=bob');
    corp.tree.set('/ou=other/uid=cyd', { title: ['chief'] });
    const job = await runPart(world, 'corp-in', { emails: ['bob@example.com'] });
    expect(await told(world, job)).toEqual(['membership removeMember all < bob', 'user delete bob']);
    const rest = await world.run('corp-in');
    expect((await told(world, rest)).sort()).toEqual([
      'membership removeMember all < ann',
      'user delete ann',
      'user update cyd',
    ]);
  });

  test('forgets nothing that it left alone: a member that is gone is removed by the next whole run', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.run('corp-in');
    corp.tree.get('/cn=all').members = ['/ou=people/uid=ann', '/ou=people/uid=bob'];
    corp.tree.set('/ou=people/uid=ann', { title: ['chief'], mail: ['ann@example.com'] });
    await runPart(world, 'corp-in', { emails: ['ann@example.com'] });
    const whole = await world.run('corp-in');
    expect(await told(world, whole)).toEqual(['membership removeMember all < cyd']);
  });

  test.each(['a name passes on', 'somebody is not there yet'])(
    'leaves a group that it wrote to be looked at again: %s',
    async (what) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      await world.run('corp-in');
      const { id } = await getDirectoryObject(world.app, world.actor, 'group', 'all');
      corp.tree.set('/cn=all', { description: ['everybody'] });
      if (what === 'a name passes on') corp.tree.move('/ou=people/uid=bob', '/ou=people/uid=rob');
      else corp.tree.addMember('/cn=all', '/ou=people/uid=new');
      const job = await runPart(world, 'corp-in', { groupIds: [id] });
      expect(await told(world, job)).toContain('group update all');
      if (what === 'a name passes on') corp.tree.add('/ou=people/uid=bob');
      else {
        await world.run('corp-in');
        corp.tree.add('/ou=people/uid=new');
      }
      await world.run('corp-in');
      expect(await world.directory()).toEqual(corp.tree.snapshot());
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
    },
  );

  test('a member that it brought goes with the source, though the group is then what it was before', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.removeMember('/cn=all', '/ou=people/uid=bob');
    await world.run('corp-in');
    const { id } = await getDirectoryObject(world.app, world.actor, 'group', 'all');
    corp.tree.addMember('/cn=all', '/ou=people/uid=bob');
    const job = await runPart(world, 'corp-in', { groupIds: [id] });
    expect(await told(world, job)).toEqual(['membership addMember all < bob']);
    corp.tree.removeMember('/cn=all', '/ou=people/uid=bob');
    const whole = await world.run('corp-in');
    expect(await told(world, whole)).toEqual(['membership removeMember all < bob']);
  });

  test('of units takes what lies below them, out of the directory as well', async () => {
    const world = await makeWorld();
    await corpOf(world);
    await world.run('corp-in');
    const copy = await world.system('copy');
    await world.egress('copy');
    const other = await getUnitByPath(world.app.store.db, world.actor.tenantId, '/other');
    const job = await runPart(world, 'copy-out', { organizationalUnitIds: [other ?? ''] });
    expect(brief(job.statistics)).toMatchObject({
      'user created': '1/0/0',
      'organizationalUnit created': '1/0/0',
    });
    expect(Object.keys(copy.tree.snapshot())).toEqual(['/ou=other', '/ou=other/uid=cyd']);
  });
});
