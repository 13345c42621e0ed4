import { expect, test } from 'vitest';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import { brief } from '../workbench.ts';
import { amendRead, withContents } from './amended-read.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

async function corpOf(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob', 'cid']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  return corp;
}

describeWorlds('absence on ingress', (makeWorld) => {
  test('is not believed after an incomplete read, and is after the next complete one', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const before = await world.directory();
    corp.tree.set('/ou=people/uid=ann', { title: ['chief'] });
    corp.hidden = ({ name }) => name === 'uid=bob' || name === 'cn=staff';
    corp.incomplete = 'a referral was not followed';
    corp.warnings = ['dc=a lies on another server', 'dc=b lies on another server'];
    const partial = await world.run('corp-in');
    expect(partial.status).toBe('partial_success');
    expect(partial.note).toContain('a referral was not followed');
    expect(await world.messages(partial.id)).toEqual(expect.arrayContaining([...corp.warnings]));
    expect(await told(world, partial)).toEqual(['user update ann']);
    expect(Object.keys(await world.directory())).toEqual(Object.keys(before));
    corp.incomplete = null;
    const whole = await world.run('corp-in');
    expect(brief(whole.statistics)).toMatchObject({ 'user deleted': '1/0/0', 'group deleted': '1/0/0' });
    expect(await world.directory()).not.toHaveProperty('/ou=people/uid=bob');
  });

  test.each(['missing', 'broken'])(
    'of a unit that is %s puts who lies in it into the next one above, until a read brings it',
    async (how) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      const { id } = corp.tree.add('/ou=people/ou=deep');
      corp.tree.add('/ou=people/ou=deep/uid=dan');
      corp.tree.add('/ou=people/ou=deep/cn=few');
      corp.tree.add('/ou=people/ou=deep/ou=deeper');
      await world.ingress('corp');
      if (how === 'missing') {
        corp.hidden = ({ name }) => name === 'ou=deep';
        corp.incomplete = 'the size limit was exceeded';
      } else corp.broken.add(id);
      await world.run('corp-in');
      expect(Object.keys(await world.directory())).toContain('/ou=people/uid=dan');
      const again = await told(world, await world.run('corp-in'));
      expect(again.filter((change) => !change.includes('failed'))).toEqual([]);
      corp.hidden = () => false;
      corp.incomplete = null;
      corp.broken.clear();
      expect((await world.run('corp-in')).status).toBe('success');
      expect(await world.directory()).toEqual(corp.tree.snapshot());
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
    },
  );

  test('is not believed of one who moved between scopes while they were read, and is after the next read', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=guests');
    corp.tree.add('/ou=guests/uid=gil');
    const scopes = ['people', 'guests'].map((name) => ({ source: `/ou=${name}`, target: '/' }));
    await world.ingress('corp', { scopes });
    await world.run('corp-in');
    const truthful = corp.endpoint;
    corp.tree.move('/ou=guests/uid=gil', '/ou=people/uid=gil');
    corp.tree.remove('/ou=people/uid=bob');
    amendRead(corp, (entry) => (entry.decode().name === 'uid=gil' ? [] : [entry]));
    const job = await world.run('corp-in');
    expect(job.note).toContain('1 record was met in no scope, having moved between them');
    expect(await told(world, job)).toEqual([]);
    corp.endpoint = truthful;
    expect(await told(world, await world.run('corp-in'))).toEqual(['user delete bob']);
    expect(Object.keys(await world.directory())).toEqual(['/uid=ann', '/uid=cid', '/uid=gil']);
    // A unit that a scope names now is no object of it.
    await world.ingress('corp');
    await world.run('corp-in');
    await world.ingress('corp', { scopes });
    expect((await world.run('corp-in')).complete).toBe(true);
  });

  test('is not believed where the system does not tell whether who is gone is in another scope', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.add('/ou=guests');
    const scopes = ['people', 'guests'].map((name) => ({ source: `/ou=${name}`, target: '/' }));
    await world.ingress('corp', { scopes });
    await world.run('corp-in');
    corp.tree.remove('/ou=people/uid=bob');
    const truthful = corp.endpoint.bind(corp);
    const refusal = new LockstepError('IncompleteRead', 'the server does not tell');
    corp.endpoint = () => ({ ...truthful(), findPresent: () => Promise.reject(refusal) });
    const job = await world.run('corp-in');
    expect([job.status, job.note]).toEqual([
      'partial_success',
      expect.stringContaining('the server does not tell'),
    ]);
    expect(await told(world, job)).toEqual([]);
  });

  test('members of a group that was read in an incomplete run are still compared as a whole', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    corp.incomplete = 'a size limit';
    corp.hidden = ({ name }) => name === 'uid=bob';
    corp.tree.set('/cn=staff', { description: ['changed'] });
    await world.run('corp-in');
    expect((await world.directory())['/cn=staff']).toMatchObject({
      members: ['/ou=people/uid=ann', '/ou=people/uid=bob'],
    });
  });

  test.each(['delete', 'disable'] as const)(
    'is not believed where two records have one id (%s)',
    async (onMissing) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      await world.ingress('corp', { onMissing });
      await world.run('corp-in');
      const before = await world.directory();
      const ann = corp.tree.get('/ou=people/uid=ann');
      corp.tree.remove('/ou=people/uid=cid');
      const truthful = corp.endpoint;
      amendRead(corp, (entry) =>
        entry.externalId === ann.id
          ? [entry, withContents(entry, { location: '/ou=people/uid=twin', name: 'uid=twin' })]
          : [entry],
      );
      const job = await world.run('corp-in');
      expect(job).toMatchObject({
        status: 'partial_success',
        complete: false,
        error: {
          code: 'IncompleteRead',
          message: expect.stringMatching(/^1 record has the id of another record: \S+$/),
        },
      });
      expect(brief(job.statistics)).not.toHaveProperty('user deleted');
      expect(await world.directory()).toEqual(before);
      corp.endpoint = truthful;
      const whole = brief((await world.run('corp-in')).statistics);
      expect(whole[onMissing === 'delete' ? 'user deleted' : 'user updated']).toBe('1/0/0');
    },
  );

  test('of new records that share an id none is taken for whom another one of them describes', async () => {
    const world = await makeWorld();
    await corpOf(world);
    const list = await world.system('list');
    for (const name of ['corp', 'list']) await world.ingress(name);
    await world.run('corp-in');
    const before = await world.directory();
    const { id } = list.tree.add('/uid=new', { mail: ['new@x.org'] });
    const staff = list.tree.add('/cn=staff').id;
    const truthful = list.endpoint;
    amendRead(list, (entry) => {
      if (entry.externalId === id)
        return [entry, withContents(entry, { attributes: { uid: ['ann'], mail: ['ann@x.org'] } })];
      return [entry, withContents(entry, { members: ['/uid=bob', '/uid=twin'] })];
    });
    const job = await world.run('list-in');
    expect((await world.changes(job.id)).map(({ result, error }) => [result, error?.message])).toEqual(
      [id, staff].map((record) => ['failed', `several records that differ have the id ${record}`]),
    );
    expect(brief(job.statistics)).toEqual({ 'user created': '0/1/0', 'group created': '0/1/0' });
    expect(await world.directory()).toEqual(before);
    list.endpoint = truthful;
    expect(await told(world, await world.run('list-in'))).toEqual(['user create new', 'group bind staff']);
  });

  test('an empty system is empty, a system that cannot be read is a failed job', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const before = await world.directory();
    corp.readFailure = new LockstepError('ConnectionFailed', 'the server went away');
    const failed = await world.run('corp-in');
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'ConnectionFailed' } });
    expect(await world.directory()).toEqual(before);
    corp.readFailure = null;
    for (const { name } of corp.tree.children(null)) corp.tree.prune(`/${name}`);
    const empty = await world.run('corp-in');
    expect(brief(empty.statistics)).toEqual({
      'organizationalUnit deleted': '1/0/0',
      'user deleted': '3/0/0',
      'group deleted': '1/0/0',
    });
    expect(await world.directory()).toEqual({});
  });

  test('ignore keeps what is gone, and no membership is taken from it', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp', { onMissing: 'ignore' });
    await world.run('corp-in');
    const before = await world.directory();
    corp.tree.referencesFollow = false;
    corp.tree.remove('/ou=people/uid=bob');
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual([]);
    expect(await world.directory()).toEqual(before);
  });

  test('disable disables users, keeps units and groups, and enables what comes back', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp', { onMissing: 'disable' });
    await world.run('corp-in');
    const whole = corp.tree.copy();
    corp.tree.referencesFollow = false;
    corp.tree.remove('/ou=people/uid=bob');
    corp.tree.remove('/cn=staff');
    const gone = await world.run('corp-in');
    expect(await told(world, gone)).toEqual(['user disable bob']);
    expect(brief(gone.statistics)).toMatchObject({ 'user updated': '1/0/0', 'user same': '2/0/0' });
    const directory = await world.directory();
    expect(directory['/ou=people/uid=bob']).toMatchObject({ enabled: false });
    expect(directory['/cn=staff']).toMatchObject({ members: ['/ou=people/uid=ann', '/ou=people/uid=bob'] });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    corp.tree.restore(whole);
    const back = await world.run('corp-in');
    expect(await told(world, back)).toEqual(['user enable bob']);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a disabled user in the source is disabled here, and stays so', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.get('/ou=people/uid=bob').enabled = false;
    await world.ingress('corp');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    corp.tree.get('/ou=people/uid=bob').enabled = true;
    expect(await told(world, await world.run('corp-in'))).toEqual(['user enable bob']);
  });

  test('only what this sync linked can go', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const other = await world.system('other');
    other.tree.add('/uid=zoe');
    await world.ingress('corp');
    await world.ingress('other');
    await world.run('corp-in');
    await world.run('other-in');
    corp.tree.prune('/ou=people');
    await world.run('corp-in');
    expect(Object.keys(await world.directory())).toEqual(['/cn=staff', '/uid=zoe']);
  });

  test('an object that was gone and is deleted leaves no link that would name it again', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const whole = corp.tree.copy();
    corp.tree.prune('/ou=people');
    await world.run('corp-in');
    corp.tree.restore(whole);
    const back = await world.run('corp-in');
    expect(back.status).toBe('success');
    expect(brief(back.statistics)).toMatchObject({
      'user created': '3/0/0',
      'organizationalUnit created': '1/0/0',
    });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a kind that a sync does not plan is neither made nor missed', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    await world.ingress('corp', { kinds: ['user', 'organizationalUnit'] });
    corp.tree.remove('/cn=staff');
    corp.tree.add('/cn=new');
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await world.directory()).toHaveProperty('/cn=staff');
  });
});
