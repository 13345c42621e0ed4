import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { JobView } from '../../contract/src/job.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { getJob, undoJob } from '../../server/src/app/jobs.ts';
import { forgetOldImages, forgetOldJobs } from '../../server/src/app/retention.ts';
import { describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

const day = 24 * 60 * 60_000;

/** A process so many days from now. */
const partsAfter = ({ app: { store } }: World, days: number) => ({
  store,
  clock: { now: () => new Date(Date.now() + days * day) },
});

async function forgetAfter(world: World, days: number): Promise<void> {
  await forgetOldImages(partsAfter(world, days), 90);
}

/** A job that brought Ann in, and one that is to take her back, which the guard will hold. */
async function undoAsked(world: World): Promise<{ job: JobView; undo: JobView }> {
  const corp = await world.system('corp');
  corp.tree.add('/uid=ann');
  await world.ingress('corp', { guard: { user: { count: 0 } } });
  const job = await world.run('corp-in');
  const asked = { mode: 'apply', startedThrough: 'native' } as const;
  const { job: undo } = await undoJob(world.app, world.actor, job.id, asked);
  return { job, undo };
}

interface Left {
  readonly jobs: number;
  readonly counted: number;
  readonly changes: number;
  readonly messages: number;
  readonly log: number;
}

async function countLeft(world: World): Promise<Left> {
  const { rows } = await sql<Left>`
    select (select count(*) from job)::int as jobs, (select sum(count) from job_count)::int as counted,
      (select count(*) from change)::int as changes, (select count(*) from job_message)::int as messages,
      (select count(*) from directory_log)::int as log`.execute(world.app.store.db);
  return rows[0] as Left;
}

describeWorlds('images of jobs', (makeWorld, store) => {
  test('are forgotten when they are old; outcomes and statistics stay, and the next run is none the wiser', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/ou=people');
    corp.tree.add('/ou=people/uid=ann', { mail: ['ann@example.com'], title: ['clerk'] });
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.set('/ou=people/uid=ann', { title: ['chief'] });
    const job = await world.run('corp-in');
    const before = await told(world, job);
    await forgetAfter(world, 89);
    expect((await world.changes(job.id)).map((change) => change.after)).toEqual([{ title: ['chief'] }]);
    // What another process left half done.
    await sql`update job set images = 'going' where id = ${job.id}`.execute(store().db);
    await forgetAfter(world, 91);
    const changes = await world.changes(job.id);
    expect(changes).toMatchObject([{ before: null, after: null, verb: 'update', result: 'success' }]);
    expect(await told(world, job)).toEqual(before);
    expect(JSON.stringify(changes)).not.toContain('chief');
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    corp.tree.set('/ou=people/uid=ann', { title: ['boss'] });
    expect(await told(world, await world.run('corp-in'))).toEqual(['user update ann']);
  });

  test('that are forgotten can neither be taken back nor approved, and that is said', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann');
    corp.tree.add('/uid=bob');
    await world.ingress('corp', { guard: { user: { count: 0 } } });
    const created = await world.run('corp-in');
    corp.tree.remove('/uid=bob');
    const held = await world.run('corp-in');
    expect(held.status).toBe('held');
    await forgetAfter(world, 91);
    await expect(world.undo(created.id)).rejects.toMatchObject({ code: 'NotUndoable' });
    await expect(world.approve(held.id)).rejects.toMatchObject({ code: 'NotHeld' });
    const again = await world.run('corp-in');
    expect((await world.approve(again.id)).status).toBe('success');
    expect(Object.keys(await world.directory())).toEqual(['/uid=ann']);
  });

  test('of a job that is being taken back wait, and one whose images are going is not taken back', async () => {
    const world = await makeWorld();
    const { job, undo } = await undoAsked(world);
    const { app, actor } = world;
    await forgetAfter(world, 91);
    expect(await getJob(app, actor, job.id)).toMatchObject({ status: 'success' });
    expect((await world.changes(job.id)).map((change) => change.after)).not.toContain(null);
    await sql`update job set images = 'going' where id = ${job.id}`.execute(store().db);
    await makeJobRunner(app).run(undo.id, new AbortController().signal);
    expect(await getJob(app, actor, undo.id)).toMatchObject({
      status: 'failed',
      error: { code: 'NotUndoable' },
    });
    await sql`update job set images = 'kept' where id = ${job.id}`.execute(store().db);
    const held = await world.undo(job.id);
    expect(held.status).toBe('held');
    await sql`update job set images = 'gone' where id = ${job.id}`.execute(store().db);
    await expect(world.approve(held.id)).rejects.toMatchObject({ code: 'NotUndoable' });
    expect(Object.keys(await world.directory())).toEqual(['/uid=ann']);
  });
});

describeWorlds('old jobs', (makeWorld) => {
  test('are forgotten with all that is known of them; the last one of each sync stays', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    await world.system('target');
    corp.tree.add('/uid=ann');
    corp.tree.add('/group=staff', {}, ['/uid=nobody']);
    await world.system('idle');
    await world.ingress('corp');
    await world.ingress('idle', { enabled: false });
    await world.egress('target');
    const first = await world.run('corp-in');
    const out = await world.run('target-out');
    corp.tree.add('/uid=bob');
    const last = await world.run('corp-in');
    await sql`insert into job_message (job_serial, level, text)
      select serial, 'info', 'said' from job`.execute(world.app.store.db);
    const before = await countLeft(world);
    expect(before).toMatchObject({ jobs: 3, counted: 3 });
    await forgetOldJobs(partsAfter(world, 399), 400);
    expect(await countLeft(world)).toEqual(before);
    await forgetOldJobs(partsAfter(world, 401), 400);
    const after = await countLeft(world);
    expect(after).toMatchObject({ jobs: 2, counted: 2, messages: 2 });
    expect(after.changes).toBe((await world.changes(out.id)).length + (await world.changes(last.id)).length);
    // What the egress has not looked at yet stays; who feeds the directory does not look.
    expect(after.log).toBe(1);
    const { app, actor } = world;
    await expect(getJob(app, actor, first.id)).rejects.toMatchObject({ code: 'NotFound' });
    await expect(world.changes(first.id)).rejects.toMatchObject({ code: 'NotFound' });
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    expect(await told(world, await world.run('target-out'))).toEqual(['user create bob']);
  });

  test('wait while another job builds on them', async () => {
    const world = await makeWorld();
    const { job, undo } = await undoAsked(world);
    const { app, actor } = world;
    await forgetOldJobs(partsAfter(world, 401), 400);
    await makeJobRunner(app).run(undo.id, new AbortController().signal);
    expect(await getJob(app, actor, undo.id)).toMatchObject({ status: 'held' });
    await forgetOldJobs(partsAfter(world, 401), 400);
    await expect(getJob(app, actor, job.id)).rejects.toMatchObject({ code: 'NotFound' });
    await expect(world.approve(undo.id)).rejects.toMatchObject({ code: 'NotFound' });
    expect(Object.keys(await world.directory())).toEqual(['/uid=ann']);
  });
});
