import { expect, test } from 'vitest';
import { createUser } from '../../server/src/app/directory-writes/users.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import type { SyncStore } from '../../server/src/sync/sync-store.ts';
import { brief } from '../workbench.ts';
import { checked, describeWorlds } from './world.ts';
import type { World } from './world.ts';

/** Runs the ingress of `corp` in batches of two; tells how far each step came. `first` is called before anything is applied. */
async function runInTwos(world: World, first: () => Promise<unknown> = () => Promise.resolve()) {
  const request = { mode: 'apply', startedThrough: 'native' } as const;
  const { job } = await requestJob(world.app, world.actor, 'corp-in', request);
  const store = makeSyncStore(world.app.store);
  const steps: number[] = [];
  const small: SyncStore = {
    ...store,
    async applyToDirectory(running, sync, from) {
      if (from === 0) await first();
      const reached = await store.applyToDirectory(running, sync, from, 2);
      steps.push(reached - from);
      return reached;
    },
  };
  await makeJobRunner(world.app, small).run(job.id, new AbortController().signal);
  return { job: await checked(world.app, world.actor, await getJob(world.app, world.actor, job.id)), steps };
}

describeWorlds('two batches of a plan', (makeWorld, store) => {
  const together = () => (store().engine === 'server' ? 4 : 2);

  test('that hold only new users, or only new members, go side by side on a server; others one by one', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const people = Array.from({ length: 8 }, (_, index) => `/uid=u${index}`);
    for (const path of people) corp.tree.add(path);
    await world.ingress('corp');
    const users = await runInTwos(world);
    expect(users.steps).toEqual(Array.from({ length: 8 / together() }, () => together()));
    expect(brief(users.job.statistics)).toEqual({ 'user created': '8/0/0' });
    for (const path of people) corp.tree.set(path, { title: ['changed'] });
    expect((await runInTwos(world)).steps).toEqual([2, 2, 2, 2]);
    corp.tree.add('/cn=all', {}, people);
    const { job } = await runInTwos(world);
    expect(brief(job.statistics)).toMatchObject({ 'group created': '1/0/0', 'membership created': '8/0/0' });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each([0, 1, 2, 3])(
    'of which row %i cannot be written: it alone fails, and each other is written once',
    async (bad) => {
      const world = await makeWorld();
      const corp = await world.system('corp');
      for (let index = 0; index < 4; index += 1) corp.tree.add(`/uid=u${index}`);
      await world.ingress('corp');
      const taken = { username: `u${bad}`, attributes: {} };
      const { job } = await runInTwos(world, () => createUser(world.app, world.actor, taken));
      expect(job.status).toBe('partial_success');
      expect(brief(job.statistics)).toEqual({ 'user created': '3/1/0' });
      const failed = (await world.changes(job.id)).filter(({ result }) => result === 'failed');
      expect(failed.map(({ label, error }) => [label, error?.code])).toEqual([[`u${bad}`, 'UsernameTaken']]);
      expect(Object.keys(await world.directory())).toEqual(['/uid=u0', '/uid=u1', '/uid=u2', '/uid=u3']);
    },
  );
});
