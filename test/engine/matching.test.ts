import { expect, test } from 'vitest';
import { sql } from 'kysely';
import { brief } from '../workbench.ts';
import { feedChanges } from './change-feed.ts';
import { describeWorlds, told } from './world.ts';

describeWorlds('matching on ingress', (makeWorld, store) => {
  test.each([0, 7, 8])(
    'two people with one mail are both conflicts, whatever the order (%s)',
    async (order) => {
      const world = await makeWorld();
      const hr = await world.system('hr');
      hr.tree.add('/uid=ann', { mail: ['ann@x.org'] });
      await world.ingress('hr');
      await world.run('hr-in');
      const corp = await world.system('corp');
      [corp.order, corp.batchSize] = [order, 1];
      corp.tree.add('/uid=ann1', { mail: ['ann@x.org'] });
      corp.tree.add('/uid=ann2', { mail: ['ANN@x.org '] });
      corp.tree.add('/uid=new1', { mail: ['new@x.org'] });
      corp.tree.add('/uid=new2', { mail: ['new@x.org'] });
      corp.tree.add('/uid=fine', { mail: ['fine@x.org'] });
      await world.ingress('corp');
      expect(await world.run('corp-in', 'dryRun')).toMatchObject({ status: 'partial_success', error: null });
      const job = await world.run('corp-in');
      expect(job.status).toBe('partial_success');
      expect(brief(job.statistics)).toEqual({ 'user created': '1/0/0', 'user binded': '0/4/0' });
      const changes = await world.changes(job.id);
      const failed = changes.filter(({ result }) => result === 'failed');
      for (const { error } of failed) expect(error).toMatchObject({ code: 'AmbiguousMatch' });
      expect(failed[0]?.error?.message).toContain('mail');
      corp.tree.set('/uid=ann2', { mail: ['other@x.org'] });
      const next = await world.run('corp-in');
      expect(brief(next.statistics)).toMatchObject({ 'user created': '1/0/0', 'user binded': '1/2/0' });
    },
  );

  test('several candidates are a conflict that names them', async () => {
    const world = await makeWorld();
    const hr = await world.system('hr');
    hr.tree.add('/uid=ann', { mail: ['a@x.org', 'one@x.org'] });
    hr.tree.add('/uid=bob', { mail: ['b@x.org', 'two@x.org'] });
    await world.ingress('hr');
    await world.run('hr-in');
    const corp = await world.system('corp');
    corp.tree.add('/uid=zoe', { mail: ['one@x.org', 'two@x.org'] });
    await world.ingress('corp');
    const job = await world.run('corp-in');
    const [change] = await world.changes(job.id);
    expect(change).toMatchObject({ result: 'failed', verb: 'bind', error: { code: 'AmbiguousMatch' } });
    expect(change?.error?.message).toContain('ann, bob');
    expect(job.status).toBe('failed');
  });

  test.each(['a read of everything', 'changes'])(
    'who comes back into the scope under another name stays who it was, whoever has the former name now (%s)',
    async (read) => {
      const world = await makeWorld();
      const corp = await world.system('corp');
      if (read === 'changes') feedChanges(corp);
      corp.tree.add('/ou=in');
      corp.tree.add('/ou=out');
      const kept = ['ou=a', 'cn=b', 'uid=c'];
      for (const name of kept) corp.tree.add(`/ou=in/${name}`);
      const scopes = [{ source: '/ou=in', target: '/' }];
      await world.ingress('corp', { scopes, match: ['username'], onMissing: 'ignore' });
      await world.run('corp-in');
      for (const name of kept) corp.tree.move(`/ou=in/${name}`, `/ou=out/${name}`);
      await world.run('corp-in');
      for (const name of kept) {
        corp.tree.move(`/ou=out/${name}`, `/ou=in/${name}2`);
        corp.tree.add(`/ou=in/${name}`);
      }
      const job = await world.run('corp-in');
      expect(await told(world, job)).toEqual([
        'organizationalUnit move a2',
        'organizationalUnit create a',
        'user create c',
        'user move c2',
        'group move b2',
        'group create b',
      ]);
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
    },
  );

  test('the first rule that finds something decides; one match binds', async () => {
    const world = await makeWorld();
    const hr = await world.system('hr');
    hr.tree.add('/uid=ann', { mail: ['ann@x.org'], title: ['by hr'] });
    hr.tree.add('/uid=bob');
    await world.ingress('hr');
    await world.run('hr-in');
    const corp = await world.system('corp');
    corp.tree.add('/uid=anna', { mail: ['ann@x.org'] });
    corp.tree.add('/uid=ann');
    await world.ingress('corp');
    const job = await world.run('corp-in');
    // anna of corp is ann by mail; ann of corp would match her too by user name.
    expect(brief(job.statistics)).toMatchObject({ 'user binded': '0/2/0' });
    corp.tree.remove('/uid=ann');
    const next = await world.run('corp-in');
    expect(await told(world, next)).toContain('user bind anna');
  });

  test.each([0, 3, 4])(
    'of two people with one user name the first by key wins, whatever the order (%s)',
    async (order) => {
      const world = await makeWorld();
      const corp = await world.system('corp');
      [corp.order, corp.batchSize] = [order, 1];
      corp.tree.add('/ou=a');
      corp.tree.add('/ou=b');
      corp.tree.add('/ou=c');
      for (const unit of ['c', 'a', 'b']) corp.tree.add(`/ou=${unit}/uid=same`);
      await world.ingress('corp');
      const job = await world.run('corp-in');
      expect(brief(job.statistics)).toMatchObject({ 'user created': '1/2/0' });
      expect(await world.directory()).toHaveProperty('/ou=c/uid=same');
      expect(await told(world, await world.run('corp-in'))).toEqual([
        'user create same failed UsernameTaken',
        'user create same failed UsernameTaken',
      ]);
      corp.tree.remove('/ou=c/uid=same');
      // Both match the one who goes: a conflict. Once he is gone the name is free.
      expect(brief((await world.run('corp-in')).statistics)).toMatchObject({
        'user binded': '0/2/0',
        'user deleted': '1/0/0',
      });
      await world.run('corp-in');
      const people = Object.keys(await world.directory()).filter((path) => path.endsWith('/uid=same'));
      expect(people).toEqual(['/ou=a/uid=same']);
    },
  );

  test('a user name that a user of another system has is refused', async () => {
    const world = await makeWorld();
    const hr = await world.system('hr');
    hr.tree.add('/uid=ann');
    await world.ingress('hr');
    await world.run('hr-in');
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann', { mail: ['other@x.org'] });
    await world.ingress('corp', { match: ['mail'] });
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual(['user create ann failed UsernameTaken']);
    expect(brief(job.statistics)).toEqual({ 'user created': '0/1/0' });
  });

  test('two users swap their names in one run', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann', { title: ['was ann'] });
    corp.tree.add('/uid=bob', { title: ['was bob'] });
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.move('/uid=ann', '/uid=swap');
    corp.tree.move('/uid=bob', '/uid=ann');
    corp.tree.move('/uid=swap', '/uid=bob');
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    expect(brief(job.statistics)).toEqual({ 'user updated': '2/0/0' });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a chain of names, and units and groups that swap theirs', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    for (const name of ['a', 'b', 'c']) corp.tree.add(`/uid=${name}`);
    for (const name of ['x', 'y']) {
      corp.tree.add(`/ou=${name}`);
      corp.tree.add(`/ou=${name}/uid=in-${name}`);
      corp.tree.add(`/cn=${name}`, {}, [`/ou=${name}/uid=in-${name}`]);
    }
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.move('/uid=c', '/uid=d');
    corp.tree.move('/uid=b', '/uid=c');
    corp.tree.move('/uid=a', '/uid=b');
    for (const kind of ['ou', 'cn']) {
      corp.tree.move(`/${kind}=x`, `/${kind}=swap`);
      corp.tree.move(`/${kind}=y`, `/${kind}=x`);
      corp.tree.move(`/${kind}=swap`, `/${kind}=y`);
    }
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    expect(brief(job.statistics)).toMatchObject({
      'user updated': '3/0/0',
      'organizationalUnit updated': '2/0/0',
      'group updated': '2/0/0',
    });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('an account that was made anew takes over its object: same user name, new id', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann', { title: ['old'] });
    corp.tree.add('/cn=staff', {}, ['/uid=ann']);
    await world.ingress('corp', { match: ['username'] });
    await world.run('corp-in');
    const ids = async () =>
      (
        await sql<{
          id: string;
        }>`select id from directory_user where tenant_id = ${world.actor.tenantId}`.execute(store().db)
      ).rows;
    const before = await ids();
    corp.tree.referencesFollow = false;
    corp.tree.remove('/uid=ann');
    corp.tree.add('/uid=ann', { title: ['new'] });
    const job = await world.run('corp-in');
    expect((await told(world, job)).join()).toEqual(['user bind ann', 'user update ann'].join());
    expect(await ids()).toEqual(before);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('a rule that is no attribute of the sync is refused, and the one that may be meant is named', async () => {
    const world = await makeWorld();
    await world.system('corp');
    await expect(world.ingress('corp', { match: ['mail', 'phonenumbr'] })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      remedy: 'Write phoneNumber, if that is meant, or map the attribute.',
    });
  });

  test('a name given up by one who goes in this run is free in the next at the latest', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann');
    await world.ingress('corp', { match: ['mail'] });
    await world.run('corp-in');
    corp.tree.remove('/uid=ann');
    corp.tree.add('/uid=ann', { mail: ['new@x.org'] });
    await world.run('corp-in');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });
});
