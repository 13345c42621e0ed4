import { expect, test } from 'vitest';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import { hookedStore } from './hooked-store.ts';
import type { MemorySystem } from './memory-system.ts';
import { checked, describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

async function corpOf(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob', 'cid']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  return corp;
}

interface Sleeper {
  /** Settles when the worker has come to the method, and never goes on by itself. */
  readonly asleep: Promise<void>;
  /** Lets it go on; settles at its end. */
  wake(): Promise<void>;
  /** What it called from then on. */
  readonly calls: readonly string[];
}

/** A worker that runs the job and is suspended just before it calls `method` for the first time. */
function runAsleep(world: World, jobId: string, method: string): Sleeper {
  const reached = Promise.withResolvers<void>();
  const woken = Promise.withResolvers<void>();
  const calls: string[] = [];
  let asleep = false;
  const port = hookedStore(makeSyncStore(world.app.store), (name, proceed) => {
    if (asleep) calls.push(name);
    if (name !== method || asleep) return proceed();
    asleep = true;
    reached.resolve();
    return woken.promise.then(proceed);
  });
  const run = makeJobRunner(world.app, port).run(jobId, new AbortController().signal);
  const never = run.then(() => Promise.reject(new Error(`the job never called ${method}`)));
  never.catch(() => undefined);
  return {
    asleep: Promise.race([reached.promise, never]),
    wake() {
      woken.resolve();
      return run;
    },
    calls,
  };
}

/** Takes the job up and ends it. */
function runAwake(world: World, jobId: string): Promise<void> {
  return makeJobRunner(world.app).run(jobId, new AbortController().signal);
}

async function pendingJob(world: World, sync: string): Promise<string> {
  const { job } = await requestJob(world.app, world.actor, sync, { mode: 'apply', startedThrough: 'native' });
  return job.id;
}

describeWorlds('a worker that wakes up after its job was taken over', (makeWorld) => {
  test.each(['see', 'writeChanges', 'commit', 'applyToDirectory', 'finish'])(
    'before %s of an ingress changes nothing any more',
    async (method) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      await world.ingress('corp');
      await world.run('corp-in');
      corp.tree.move('/ou=people/uid=ann', '/uid=anna');
      corp.tree.set('/ou=people/uid=bob', { title: ['new'] });
      corp.tree.remove('/ou=people/uid=cid');
      const id = await pendingJob(world, 'corp-in');
      const sleeper = runAsleep(world, id, method);
      await sleeper.asleep;
      await runAwake(world, id);
      await sleeper.wake();
      const job = await checked(world.app, world.actor, await getJob(world.app, world.actor, id));
      expect(job.status).toBe('success');
      expect(await told(world, job)).toHaveLength(3);
      expect(await world.directory()).toEqual(corp.tree.snapshot());
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
    },
  );

  test.each(['recordIntent', 'recordOutcomes'])(
    'before %s of an egress writes nothing outside',
    async (method) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      const target = await world.system('target');
      await world.ingress('corp');
      await world.egress('target');
      await world.run('corp-in');
      const id = await pendingJob(world, 'target-out');
      const sleeper = runAsleep(world, id, method);
      await sleeper.asleep;
      await runAwake(world, id);
      const written = target.writes.length;
      await sleeper.wake();
      expect(sleeper.calls).not.toContain('finish');
      expect(written).toBeGreaterThan(0);
      expect(target.writes).toHaveLength(written);
      const job = await checked(world.app, world.actor, await getJob(world.app, world.actor, id));
      expect(job.status).toBe('success');
      expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
    },
  );

  test.each(['openStaging', 'ship'])(
    'before %s does not disturb the one that plans it now',
    async (method) => {
      const world = await makeWorld();
      const corp = await corpOf(world);
      await world.ingress('corp');
      const id = await pendingJob(world, 'corp-in');
      const first = runAsleep(world, id, method);
      await first.asleep;
      const second = runAsleep(world, id, 'writeChanges');
      await second.asleep;
      await first.wake();
      await second.wake();
      expect((await getJob(world.app, world.actor, id)).status).toBe('success');
      expect(await world.directory()).toEqual(corp.tree.snapshot());
    },
  );
});
