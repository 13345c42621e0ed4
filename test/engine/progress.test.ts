import { expect, test } from 'vitest';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import type { JobView } from '../../contract/src/job.ts';
import { emptyStatistics } from '../../contract/src/job.ts';
import { followJob } from '../../server/src/app/job-events.ts';
import type { PlannedWork } from '../../server/src/sync/connector.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import type { SyncStore } from '../../server/src/sync/sync-store.ts';
import { describeWorlds } from './world.ts';

describeWorlds('progress', (makeWorld) => {
  test('who follows a job sees what was read while it reads, that it plans, and what is applied', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    for (let number = 0; number < 25; number += 1) corp.tree.add(`/uid=u${number}`);
    await world.ingress('corp');
    const { job } = await requestJob(world.app, world.actor, 'corp-in', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const seen: JobView[] = [];
    const look = async () => {
      seen.push(await getJob(world.app, world.actor, job.id));
    };
    const store = makeSyncStore(world.app.store);
    const watched: SyncStore = {
      ...store,
      async noteProgress(...call) {
        await store.noteProgress(...call);
        await look();
      },
      async applyToDirectory(...call) {
        const through = await store.applyToDirectory(...call);
        await look();
        return through;
      },
    };
    await makeJobRunner(world.app, watched).run(job.id, new AbortController().signal);
    const progress = seen.map((view) => view.progress);
    expect(progress[0]?.phase).toBe('read');
    expect(progress[0]?.read).toBeGreaterThan(0);
    expect(progress).toContainEqual({ phase: 'plan', read: 25, applied: 0, total: 0 });
    expect(progress.at(-1)).toEqual({ phase: 'apply', read: 25, applied: 25, total: 25 });
    // What was found so far is no outcome yet.
    const planning = seen.filter((view) => view.progress.phase === 'plan');
    expect(planning[0]?.statistics).toEqual(emptyStatistics());
  });

  test('one that lost its job to another process changes nothing of what is seen', async () => {
    const world = await makeWorld();
    await world.system('corp');
    await world.ingress('corp');
    const { job } = await requestJob(world.app, world.actor, 'corp-in', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const store = makeSyncStore(world.app.store);
    const first = await store.takeUp(job.id);
    const second = await store.takeUp(job.id);
    await store.noteProgress(second, { phase: 'read', read: 7, planned: 0 });
    await store.noteProgress(first, { phase: 'plan', read: 3, planned: 2 });
    expect((await getJob(world.app, world.actor, job.id)).progress).toMatchObject({ phase: 'read', read: 7 });
  });

  test('of a system with a quota nothing is promised that it does not allow', async () => {
    const world = await makeWorld();
    const [corp, cloud] = [await world.system('corp'), await world.system('cloud')];
    for (const uid of ['ada', 'bob']) corp.tree.add(`/uid=${uid}`);
    corp.tree.add('/cn=team', {}, ['/uid=ada', '/uid=bob']);
    await world.ingress('corp');
    await world.egress('cloud');
    await world.run('corp-in');
    const asked: PlannedWork[] = [];
    cloud.leastSeconds = (left) => {
      asked.push(left);
      return 1000 + left.objects;
    };
    const { job } = await requestJob(world.app, world.actor, 'cloud-out', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const told: (number | null)[] = [];
    cloud.beforeWrite = async () => {
      const { signal } = new AbortController();
      for await (const event of followJob(world.app, world.actor, job.id, undefined, signal)) {
        if (event.event !== 'progress') continue;
        told.push(event.data.remainingSeconds);
        break;
      }
    };
    await makeJobRunner(world.app).run(job.id, new AbortController().signal);
    expect(asked).toEqual([
      { objects: 3, memberships: 2 },
      { objects: 0, memberships: 2 },
    ]);
    expect(told.length).toBeGreaterThan(0);
    expect(told.every((seconds) => seconds !== null && seconds > 900 && seconds <= 1003)).toBe(true);
  });
});
