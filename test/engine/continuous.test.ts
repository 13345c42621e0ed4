import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { continuousSyncs } from '../../server/src/app/continuous-syncs.ts';
import { listJobs, requestJob } from '../../server/src/app/jobs.ts';
import type { JobRequest } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { scheduledSyncs } from '../../server/src/app/schedules.ts';
import { getSync } from '../../server/src/app/syncs.ts';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import { newJobId } from '../../server/src/kernel/ids.ts';
import type { ScheduledSyncs } from '../../server/src/jobs/scheduler.ts';
import type { JobView } from '../../contract/src/job.ts';
import { describeWorlds } from './world.ts';
import type { World } from './world.ts';

const after = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

/** Looks at the world at a moment and starts what is due; the jobs that came of it, run to their end. */
async function look(world: World, at: Date, syncs = continuousSyncs(world.app)): Promise<JobView[]> {
  const before = new Set((await jobsOf(world)).map(({ id }) => id));
  for (const due of await syncs.dueSyncs(at)) await syncs.startScheduled(due.syncId, due.dueAt);
  const started = (await jobsOf(world)).filter(({ id }) => !before.has(id));
  for (const { id } of started) await makeJobRunner(world.app).run(id, new AbortController().signal);
  return started;
}

async function jobsOf(world: World): Promise<JobView[]> {
  return (await listJobs(world.app, world.actor, {}, { limit: 100 })).items;
}

/** A directory that an ingress fills, and a system that a continuous egress keeps like it. */
async function copied(world: World) {
  const corp = await world.system('corp');
  const copy = await world.system('copy');
  await world.ingress('corp');
  await world.egress('copy', { continuous: true });
  return { world, corp, copy };
}

/** The same after a run in which the target took bob and refused ann. */
async function runThatLeavesAnn(empty: World) {
  const { world, corp, copy } = await copied(empty);
  copy.refuse = ({ name }) => (name === 'uid=ann' ? 'busy' : null);
  corp.tree.add('/uid=ann');
  corp.tree.add('/uid=bob');
  await world.run('corp-in');
  expect(await look(world, after(2))).toMatchObject([{ sync: 'copy-out' }]);
  expect((await jobsOf(world))[0]?.status).toBe('partial_success');
  return { world, copy };
}

describeWorlds('a continuous egress', (makeWorld) => {
  test('runs once the directory has changed and settled, and not again until it changes', async () => {
    const { world, corp, copy } = await copied(await makeWorld());
    expect(await look(world, after(60))).toEqual([]);
    corp.tree.add('/uid=ann');
    await world.run('corp-in');
    expect(await look(world, after(-60)), 'more may come').toEqual([]);
    const [job] = await look(world, after(2));
    expect(job).toMatchObject({ sync: 'copy-out', startedThrough: 'change', startedBy: null });
    expect(copy.tree.find('/uid=ann')).toBeDefined();
    expect(await look(world, after(60))).toEqual([]);
    corp.tree.set('/uid=ann', { title: ['chief'] });
    await world.run('corp-in');
    expect(await look(world, after(2))).toHaveLength(1);
    await world.run('corp-in');
    expect(await look(world, after(60)), 'a run without change changes nothing').toEqual([]);
  });

  test('runs again for what came while it ran', async () => {
    const { world, corp, copy } = await copied(await makeWorld());
    corp.tree.add('/uid=ann');
    await world.run('corp-in');
    let late: Promise<unknown> | null = null;
    copy.beforeWrite = async () => {
      corp.tree.add('/uid=bob');
      late ??= world.run('corp-in');
      await late;
    };
    await look(world, after(2));
    expect(Object.keys(copy.tree.snapshot())).toEqual(['/uid=ann']);
    copy.beforeWrite = () => undefined;
    expect(await look(world, after(4))).toHaveLength(1);
    expect(Object.keys(copy.tree.snapshot())).toEqual(['/uid=ann', '/uid=bob']);
  });

  test('does not wait for ever for changes to settle, and tries a failed run again only later', async () => {
    const { world, corp, copy } = await copied(await makeWorld());
    corp.tree.add('/uid=ann');
    await world.run('corp-in');
    copy.readFailure = new LockstepError('ConnectionFailed', 'out of reach');
    expect((await look(world, after(2))).length).toBe(1);
    expect((await jobsOf(world))[0]).toMatchObject({ status: 'failed' });
    expect(await look(world, after(30))).toEqual([]);
    expect((await look(world, after(90))).length).toBe(1);
    expect(await look(world, after(110))).toEqual([]);
    copy.readFailure = null;
    expect((await look(world, after(240))).length).toBe(1);
    expect(copy.tree.find('/uid=ann')).toBeDefined();
    corp.tree.add('/uid=bob');
    await world.run('corp-in');
    copy.readFailure = new LockstepError('ConnectionFailed', 'out of reach');
    expect((await look(world, after(300))).length).toBe(1);
    copy.readFailure = null;
    expect((await look(world, after(380))).length).toBe(1);
    expect(copy.tree.find('/uid=bob')).toBeDefined();
  });

  test('tries again what failed in a run that did the rest, less and less often', async () => {
    const { world, copy } = await runThatLeavesAnn(await makeWorld());
    for (const seconds of [60, 120, 240]) {
      expect(await look(world, after(seconds - 10)), `${seconds}`).toEqual([]);
      expect(await look(world, after(seconds + 10)), `${seconds}`).toHaveLength(1);
    }
    const day = 24 * 3600;
    const { db } = world.app.store;
    const [last] = await jobsOf(world);
    for (let job = 0; job < 30; job++)
      await sql`
        insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through, ended_at)
        select ${newJobId()}, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through, ended_at
        from job where id = ${last?.id}`.execute(db);
    expect(await look(world, after(day - 10))).toEqual([]);
    copy.refuse = () => null;
    expect(await look(world, after(day + 10))).toHaveLength(1);
    expect(Object.keys(copy.tree.snapshot())).toEqual(['/uid=ann', '/uid=bob']);
    expect(await look(world, after(2 * day))).toEqual([]);
  });

  test('tries again what failed, also when nothing could be reached the time after', async () => {
    const { world, copy } = await runThatLeavesAnn(await makeWorld());
    copy.readFailure = new LockstepError('ConnectionFailed', 'out of reach');
    expect(await look(world, after(70))).toHaveLength(1);
    expect((await jobsOf(world))[0]?.status).toBe('failed');
    copy.readFailure = null;
    copy.refuse = () => null;
    expect(await look(world, after(110))).toEqual([]);
    expect(await look(world, after(130))).toHaveLength(1);
    expect(Object.keys(copy.tree.snapshot())).toEqual(['/uid=ann', '/uid=bob']);
    expect(await look(world, after(24 * 3600))).toEqual([]);
  });

  test('tries again what failed beside a plan that was held, once it is approved', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const copy = await world.system('copy');
    await world.ingress('corp');
    await world.egress('copy', { continuous: true, guard: { user: { count: 0 } } });
    corp.tree.add('/uid=bob');
    await world.run('corp-in');
    expect(await look(world, after(2))).toHaveLength(1);
    copy.refuse = ({ name }) => (name === 'uid=ann' ? 'busy' : null);
    corp.tree.add('/uid=ann');
    corp.tree.remove('/uid=bob');
    await world.run('corp-in');
    const [held] = await look(world, after(2));
    expect((await jobsOf(world))[0]?.status).toBe('held');
    expect(await look(world, after(24 * 3600)), 'a person has to act').toEqual([]);
    const approved = await world.approve(held?.id ?? '');
    expect(approved.status).toBe('success');
    copy.refuse = () => null;
    expect(await look(world, after(70))).toHaveLength(1);
    expect(Object.keys(copy.tree.snapshot())).toEqual(['/uid=ann']);
    expect(await look(world, after(24 * 3600))).toEqual([]);
  });

  test('does not begin by itself to write to another system for the sake of what failed in the one before', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    const copy = await world.system('copy');
    const other = await world.system('other');
    await world.ingress('corp');
    const name = await world.egress('copy', { continuous: true });
    copy.refuse = ({ name: uid }) => (uid === 'uid=ann' ? 'busy' : null);
    corp.tree.add('/uid=ann');
    corp.tree.add('/uid=bob');
    await world.run('corp-in');
    expect(await look(world, after(2))).toHaveLength(1);
    await world.sync(name, { connection: 'other', direction: 'egress', continuous: true });
    expect(await look(world, after(24 * 3600))).toEqual([]);
    corp.tree.add('/uid=cyd');
    await world.run('corp-in');
    expect(await look(world, after(2))).toHaveLength(1);
    expect(Object.keys(other.tree.snapshot())).toEqual(['/uid=ann', '/uid=bob', '/uid=cyd']);
  });

  test('is refused of an ingress', async () => {
    const world = await makeWorld();
    await world.system('corp');
    await expect(world.ingress('corp', { continuous: true })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: 'syncs.corp-in.continuous',
    });
  });
});

async function request(world: World, asked: Partial<JobRequest>): Promise<JobView> {
  const order = { mode: 'apply', startedThrough: 'native', ...asked } as const;
  return (await requestJob(world.app, world.actor, 'corp-in', order)).job;
}

const finish = async (world: World, { id }: JobView) =>
  makeJobRunner(world.app).run(id, new AbortController().signal);

async function setNextRun(world: World, at: Date): Promise<void> {
  await sql`update sync set next_run_at = ${at} where tenant_id = ${world.actor.tenantId}`.execute(
    world.app.store.db,
  );
}

const nextRunOf = async (world: World): Promise<string | null> =>
  (await getSync(world.app, world.actor, 'corp-in')).nextRunAt;

describeWorlds('a scheduled sync', (makeWorld) => {
  const tomorrow = after(25 * 3600);
  const noon = { cron: '0 0 12 * * ?', timeZone: 'Europe/Berlin' };

  async function makeScheduled(): Promise<World> {
    const world = await makeWorld();
    (await world.system('corp')).tree.add('/uid=ann');
    await world.ingress('corp', { schedule: noon });
    return world;
  }

  /** The schedules of one sync, seen tomorrow: other tenants of the store have theirs. */
  function schedulesOf(world: World, syncId: string): ScheduledSyncs {
    const syncs = scheduledSyncs({ ...world.app, clock: { now: () => tomorrow } });
    const dueSyncs = async (at: Date) => (await syncs.dueSyncs(at)).filter((due) => due.syncId === syncId);
    return { ...syncs, dueSyncs };
  }

  test('is not started again while it runs', async () => {
    const world = await makeScheduled();
    const running = await request(world, {});
    const schedules = schedulesOf(world, running.syncId);
    expect(await schedules.dueSyncs(tomorrow)).toHaveLength(1);
    expect(await look(world, tomorrow, schedules)).toEqual([]);
    expect(await schedules.dueSyncs(tomorrow)).toEqual([]);
    await finish(world, running);
  });

  test('that is due stays due when it is saved with the same schedule', async () => {
    const world = await makeScheduled();
    const missed = after(-3600);
    await setNextRun(world, missed);
    await world.ingress('corp', { schedule: noon, onMissing: 'disable' });
    expect(await nextRunOf(world)).toBe(missed.toISOString());
    await world.ingress('corp', { schedule: { ...noon, timeZone: 'UTC' } });
    expect(Date.parse((await nextRunOf(world)) ?? '')).toBeGreaterThan(Date.now());
  });

  test('that was planned while the clock was years ahead runs when its schedule says', async () => {
    const world = await makeScheduled();
    const usual = await nextRunOf(world);
    await setNextRun(world, after(10 * 365 * 86_400));
    await scheduledSyncs(world.app).bringForward?.(new Date());
    expect(await nextRunOf(world)).toBe(usual);
  });

  test.each<[string, Partial<JobRequest>]>([
    ['a dry run', { mode: 'dryRun' }],
    ['a run of some objects', { selection: { userIds: ['user_nobody'] } }],
  ])('waits for the end of %s, and is not left out for it', async (_, asked) => {
    const world = await makeScheduled();
    const other = await request(world, asked);
    const schedules = schedulesOf(world, other.syncId);
    expect(await look(world, tomorrow, schedules)).toEqual([]);
    expect(await schedules.dueSyncs(tomorrow), 'still due').toHaveLength(1);
    await finish(world, other);
    expect(await look(world, tomorrow, schedules)).toMatchObject([
      { startedThrough: 'schedule', mode: 'apply', selection: null },
    ]);
    expect(await schedules.dueSyncs(tomorrow)).toEqual([]);
  });
});
