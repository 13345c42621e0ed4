import { expect, test } from 'vitest';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import type { JobView } from '../../contract/src/job.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import { brief } from '../workbench.ts';
import { hookedStore, type Hook } from './hooked-store.ts';
import type { MemorySystem } from './memory-system.ts';
import { checked, describeWorlds } from './world.ts';
import type { World } from './world.ts';

/** More than two batches, none of which hangs on another. */
const people = 1100;

/** What a store says whose server went away: the job is not ended by it, it is delivered again. */
class Crash extends Error {
  readonly code = '57P01';
}

interface Scene {
  readonly corp: MemorySystem;
  readonly target: MemorySystem;
  readonly job: string;
  /** Runs the job with a hook in its way to the store. */
  run(hook: Hook): Promise<void>;
  read(): Promise<JobView>;
}

async function sceneOf(world: World): Promise<Scene> {
  const corp = await world.system('corp');
  const target = await world.system('target');
  for (let index = 0; index < people; index += 1) corp.tree.add(`/uid=user${index}`);
  await world.ingress('corp');
  await world.egress('target');
  await world.run('corp-in');
  const { app, actor } = world;
  const { job } = await requestJob(app, actor, 'target-out', { mode: 'apply', startedThrough: 'native' });
  return {
    corp,
    target,
    job: job.id,
    run: (hook) =>
      makeJobRunner(app, hookedStore(makeSyncStore(app.store), hook)).run(
        job.id,
        new AbortController().signal,
      ),
    read: async () => checked(app, actor, await getJob(app, actor, job.id)),
  };
}

/** Settles with the first write of the batch of this number. */
function batchBegins(target: MemorySystem, number: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  target.beforeWrite = () => {
    if (target.batches.length >= number) resolve();
  };
  return promise;
}

describeWorlds('batches of an egress', (makeWorld) => {
  test('one is written while the outcomes of the one before are recorded, in the order of the plan', async () => {
    const { corp, target, run, read } = await sceneOf(await makeWorld());
    const second = batchBegins(target, 2);
    const calls: string[] = [];
    await run((name, proceed) => {
      calls.push(name);
      const isFirst = name === 'recordOutcomes' && calls.indexOf(name) === calls.length - 1;
      return isFirst ? second.then(proceed) : proceed();
    });
    const applied = calls.filter((name) => name === 'recordIntent' || name === 'recordOutcomes');
    expect(applied.slice(0, 3)).toEqual(['recordIntent', 'recordIntent', 'recordOutcomes']);
    expect(target.batches.map(({ length }) => length)).toEqual([500, 500, 100]);
    expect(brief((await read()).statistics)).toMatchObject({ 'user created': `${people}/0/0` });
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('both that were under way are recognised after the process was killed, and killed again', async () => {
    const { corp, target, run, read } = await sceneOf(await makeWorld());
    const second = batchBegins(target, 2);
    const dies = (count: number, wait: Promise<void>): Hook => {
      let recorded = 0;
      return (name, proceed) => {
        if (name !== 'recordOutcomes' || (recorded += 1) < count) return proceed();
        return wait.then(() => {
          throw new Crash('the process was killed');
        });
      };
    };
    await expect(run(dies(1, second))).rejects.toThrow(Crash);
    target.beforeWrite = () => undefined;
    await expect(run(dies(2, Promise.resolve()))).rejects.toThrow(Crash);
    await run((_, proceed) => proceed());
    const job = await read();
    expect(job.status).toBe('success');
    expect(brief(job.statistics)).toEqual({
      'user created': `${people}/0/0`,
      'user pushed': `${people}/0/0`,
    });
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });
});
