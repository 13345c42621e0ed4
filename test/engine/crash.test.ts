import { expect, test } from 'vitest';
import { getJob, requestJob, undoJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import type { JobView } from '../../contract/src/job.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import type { Staging, SyncStore } from '../../server/src/sync/sync-store.ts';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { checked, describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

/** What a store says whose server went away: the job is not ended by it, it is delivered again. */
class Crash extends Error {
  readonly code = '57P01';
}

/** Lets so many steps pass and fails every one after that, as for a process that is dead. */
class Fuse {
  #left: number;
  blown = false;

  constructor(steps: number) {
    this.#left = steps;
  }

  step(): void {
    this.#left -= 1;
    if (this.#left >= 0) return;
    this.blown = true;
    throw new Crash('the process was killed');
  }
}

/** What leaves nothing behind, or stays in memory until something else is called. */
const uncounted = new Set<string | symbol>(['isCancelRequested', 'addMessage', 'stage', 'planChange']);
/** What gives pages, and no promise. */
const paging = new Set<string | symbol>([
  'createdPlaces',
  'ingressCandidates',
  'unlinkedSources',
  'egressCandidates',
  'missing',
  'referrers',
  'undoCandidates',
]);

/**
 * Counts a step before each call. What happens after a call happens before the next one, so this is every place
 * between two calls; within a call there is one transaction.
 */
function fused<Port extends object>(port: Port, fuse: Fuse): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]): unknown => {
        // A dead process cleans nothing up.
        if (name === Symbol.asyncDispose && fuse.blown) return Promise.resolve();
        if (uncounted.has(name)) return value.apply(target, parameters) as unknown;
        try {
          fuse.step();
        } catch (error) {
          if (paging.has(name)) throw error;
          return Promise.reject(error);
        }
        const result: unknown = value.apply(target, parameters);
        if (name !== 'openStaging') return result;
        return (result as Promise<Staging>).then((staging) => fused(staging, fuse));
      };
    },
  });
}

/** Runs a job that is killed after so many steps and taken up by a fresh runner; says whether it was killed at all. */
async function runKilled(
  world: World,
  requested: Promise<{ readonly job: JobView }>,
  steps: number,
  target: MemorySystem | null,
): Promise<{ killed: boolean; job: JobView }> {
  const { job } = await requested;
  const fuse = new Fuse(steps);
  const port: SyncStore = fused(makeSyncStore(world.app.store), fuse);
  if (target) target.beforeWrite = () => fuse.step();
  const { signal } = new AbortController();
  const first = makeJobRunner(world.app, port).run(job.id, signal);
  await first.catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error;
  });
  if (target) target.beforeWrite = () => undefined;
  if (fuse.blown) await makeJobRunner(world.app).run(job.id, signal);
  return {
    killed: fuse.blown,
    job: await checked(world.app, world.actor, await getJob(world.app, world.actor, job.id)),
  };
}

const asked = { mode: 'apply', startedThrough: 'native' } as const;

/** Everything that a job does: all verbs, units that move with what is below them, names and members that change. */
function state(system: MemorySystem, which: 'before' | 'after'): void {
  const { tree } = system;
  if (which === 'before') {
    tree.move('/ou=new/ou=moved/uid=anna', '/ou=people/uid=ann');
    tree.move('/ou=new/ou=moved', '/ou=people/ou=remote');
    tree.set('/ou=people/uid=bob', { title: ['old'] });
    tree.add('/ou=people/ou=remote/uid=cid');
    tree.add('/ou=leaving');
    tree.add('/ou=leaving/uid=eve');
    tree.addMember('/cn=staff', '/ou=people/ou=remote/uid=cid');
    tree.addMember('/cn=staff', '/ou=leaving/uid=eve');
    tree.remove('/ou=people/ou=remote/ou=deep/uid=dan');
    tree.remove('/ou=new');
    tree.remove('/cn=fresh');
    tree.get('/ou=people/uid=bob').enabled = true;
    return;
  }
  tree.add('/ou=new');
  tree.move('/ou=people/ou=remote', '/ou=new/ou=moved');
  tree.move('/ou=people/uid=ann', '/ou=new/ou=moved/uid=anna');
  tree.set('/ou=people/uid=bob', { title: ['new'] });
  tree.remove('/ou=new/ou=moved/uid=cid');
  tree.prune('/ou=leaving');
  tree.add('/ou=new/ou=moved/ou=deep/uid=dan');
  tree.add('/cn=fresh', {}, ['/ou=new/ou=moved/ou=deep/uid=dan', '/cn=staff']);
  tree.get('/ou=people/uid=bob').enabled = false;
}

function initial(system: MemorySystem): void {
  const { tree } = system;
  tree.add('/ou=people');
  tree.add('/ou=people/ou=remote');
  tree.add('/ou=people/ou=remote/ou=deep');
  tree.add('/ou=people/uid=ann');
  tree.add('/ou=people/uid=bob', { title: ['old'] });
  tree.add('/ou=people/ou=remote/uid=cid');
  tree.add('/ou=leaving');
  tree.add('/ou=leaving/uid=eve');
  tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/ou=remote/uid=cid', '/ou=leaving/uid=eve']);
}

/** What a job did and left, without ids. */
async function record(world: World, job: JobView): Promise<unknown> {
  return { status: job.status, statistics: brief(job.statistics), changes: (await told(world, job)).sort() };
}

/**
 * Goes to and fro between two states and kills each job later than the one before, until none is left to be killed.
 * The two stores share the steps: every fourth is the embedded one's, which is slower.
 */
async function killAtEveryStep(
  engine: 'embedded' | 'server',
  transit: (which: 'before' | 'after', steps: number) => Promise<boolean>,
): Promise<void> {
  let which: 'before' | 'after' = 'after';
  let alive = 0;
  let steps = -1;
  while (alive < 2) {
    steps += 1;
    if ((steps % 4 === 0) !== (engine === 'embedded')) continue;
    alive = (await transit(which, steps)) ? 0 : alive + 1;
    which = which === 'after' ? 'before' : 'after';
  }
  expect(steps).toBeGreaterThan(20);
}

describeWorlds('a job that is killed', (makeWorld, store) => {
  test('on ingress ends as if it had not been, wherever it was killed', { timeout: 300_000 }, async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    [corp.batchSize, corp.order] = [3, 5];
    initial(corp);
    await world.ingress('corp');
    await world.run('corp-in');
    const expected: Record<string, unknown> = {};
    for (const which of ['after', 'before'] as const) {
      state(corp, which);
      expected[which] = await record(world, await world.run('corp-in'));
    }
    await killAtEveryStep(store().engine, async (which, steps) => {
      state(corp, which);
      const { killed, job } = await runKilled(
        world,
        requestJob(world.app, world.actor, 'corp-in', asked),
        steps,
        null,
      );
      expect(await record(world, job), `killed after ${steps} steps`).toEqual(expected[which]);
      expect(await world.directory(), `killed after ${steps} steps`).toEqual(corp.tree.snapshot());
      return killed;
    });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('while it takes another one back ends as if it had not been', { timeout: 300_000 }, async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    initial(corp);
    await world.ingress('corp');
    await world.run('corp-in');
    const before = await world.directory();
    state(corp, 'after');
    let done = await world.run('corp-in');
    const after = await world.directory();
    const expected = await record(world, await world.undo(done.id));
    await killAtEveryStep(store().engine, async (_, steps) => {
      done = await world.run('corp-in');
      expect(await world.directory()).toEqual(after);
      const undo = undoJob(world.app, world.actor, done.id, asked);
      const { killed, job } = await runKilled(world, undo, steps, null);
      expect(await record(world, job), `killed after ${steps} steps`).toEqual(expected);
      expect(await world.directory(), `killed after ${steps} steps`).toEqual(before);
      return killed;
    });
  });

  test('on egress ends as if it had not been, wherever it was killed', { timeout: 300_000 }, async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const target = await world.system('target');
    initial(corp);
    await world.ingress('corp');
    await world.egress('target');
    await world.run('corp-in');
    await world.run('target-out');
    const expected: Record<string, unknown> = {};
    for (const which of ['after', 'before'] as const) {
      state(corp, which);
      await world.run('corp-in');
      expected[which] = await record(world, await world.run('target-out'));
    }
    await killAtEveryStep(store().engine, async (which, steps) => {
      state(corp, which);
      await world.run('corp-in');
      const { killed, job } = await runKilled(
        world,
        requestJob(world.app, world.actor, 'target-out', asked),
        steps,
        target,
      );
      expect(await record(world, job), `killed after ${steps} steps`).toEqual(expected[which]);
      expect(target.tree.snapshot(), `killed after ${steps} steps`).toEqual(corp.tree.snapshot());
      return killed;
    });
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });
});
