import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'kysely';
import { Client } from 'pg';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { jobIsOver } from '../../contract/src/job.ts';
import type { JobView } from '../../contract/src/job.ts';
import { openQueue } from '../../server/src/jobs/queue.ts';
import { openStore } from '../../server/src/store/open.ts';
import type { Store } from '../../server/src/store/open.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import type { Staging, SyncStore } from '../../server/src/sync/sync-store.ts';
import { binaries, startPostgres } from '../servers/postgres.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { brief } from '../workbench.ts';
import { hookedStore } from './hooked-store.ts';
import type { MemorySystem } from './memory-system.ts';
import { checked, makeWorld, told } from './world.ts';
import type { World } from './world.ts';

const psql = join(binaries, 'psql');
let server: PostgresServer;
let store: Store;
/** A session beside the store's, for looking at them and ending them. */
let beside: Client;

beforeAll(async () => {
  server = await startPostgres();
  const databaseUrl = await server.createDatabase();
  store = await openStore({ databaseUrl });
  beside = new Client({ connectionString: databaseUrl });
  await beside.connect();
});
afterAll(async () => {
  await store.close();
  await beside.end();
  await server.stop();
});

async function corpOf(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob', 'cid']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  return corp;
}

const waiting = `
  select pid from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and wait_event_type = 'Lock'`;

/** Polls until a session of the store waits for a lock, and ends it there, in the middle of its transaction. */
async function terminateWaiting(): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { rows } = await beside.query<{ pid: number }>(waiting);
    for (const { pid } of rows) await beside.query('select pg_terminate_backend($1)', [pid]);
    if (rows.length > 0) return;
    if (Date.now() > deadline) throw new Error('no session came to wait for the lock');
  }
}

/** Calls while the job is locked by another session, and ends the session that comes to wait for it. */
async function loseIn(jobId: string, proceed: () => unknown): Promise<unknown> {
  await beside.query('begin');
  await beside.query('select 1 from job where id = $1 for update', [jobId]);
  const result = Promise.resolve(proceed());
  result.catch(() => undefined);
  await terminateWaiting();
  await beside.query('rollback');
  return result;
}

/** The engine's port to the store, which loses its connection in the first call of a method. */
function losingStore(jobId: string, method: string): SyncStore {
  let lost = false;
  return hookedStore(makeSyncStore(store), (name, proceed) => {
    if (name !== method || lost) return proceed();
    lost = true;
    return loseIn(jobId, proceed);
  });
}

async function edited(world: World): Promise<MemorySystem> {
  const corp = await corpOf(world);
  await world.ingress('corp');
  await world.run('corp-in');
  corp.tree.move('/ou=people/uid=ann', '/uid=anna');
  corp.tree.set('/ou=people/uid=bob', { title: ['new'] });
  corp.tree.remove('/ou=people/uid=cid');
  return corp;
}

async function jobOf(world: World, id: string): Promise<JobView> {
  return getJob(world.app, world.actor, id);
}

test.each(['resetPlan', 'writeChanges', 'commit', 'applyToDirectory', 'finish'])(
  'a job that loses the store in %s is handed back, and ends well when it is delivered again',
  async (method) => {
    const world = await makeWorld(store);
    const corp = await edited(world);
    const { job } = await requestJob(world.app, world.actor, 'corp-in', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const { signal } = new AbortController();
    const lost = makeJobRunner(world.app, losingStore(job.id, method)).run(job.id, signal);
    await expect(lost).rejects.toThrow(/terminat/);
    expect((await jobOf(world, job.id)).status).toBe('running');
    await makeJobRunner(world.app).run(job.id, signal);
    const ended = await checked(world.app, world.actor, await jobOf(world, job.id));
    expect(ended.status).toBe('success');
    expect(brief(ended.statistics)).toMatchObject({ 'user updated': '2/0/0', 'user deleted': '1/0/0' });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  },
);

/** What a statement says whose session was ended by an administrator. */
function endedSession(): Error {
  return Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' });
}

test('a job that loses the store and cannot clear up for the same reason is handed back as well', async () => {
  const world = await makeWorld(store);
  const corp = await edited(world);
  const asked = { mode: 'apply', startedThrough: 'native' } as const;
  const { job } = await requestJob(world.app, world.actor, 'corp-in', asked);
  const { signal } = new AbortController();
  const losing = hookedStore(makeSyncStore(store), async (name, proceed) => {
    if (name === 'see') throw endedSession();
    const result = await proceed();
    if (name !== 'openStaging') return result;
    const staging = result as Staging;
    const close = staging[Symbol.asyncDispose].bind(staging);
    return Object.assign(staging, {
      [Symbol.asyncDispose]: async () => {
        await close();
        throw endedSession();
      },
    });
  });
  await expect(makeJobRunner(world.app, losing).run(job.id, signal)).rejects.toThrow(/terminat/);
  expect((await jobOf(world, job.id)).status).toBe('running');
  await makeJobRunner(world.app).run(job.id, signal);
  expect((await jobOf(world, job.id)).status).toBe('success');
  expect(await world.directory()).toEqual(corp.tree.snapshot());
});

test('a job that loses the store tells so, and does not lose it for ever', async () => {
  const world = await makeWorld(store);
  await edited(world);
  const asked = { mode: 'apply', startedThrough: 'native' } as const;
  const { job } = await requestJob(world.app, world.actor, 'corp-in', asked);
  const losing = hookedStore(makeSyncStore(store), (name, proceed) => {
    if (name === 'openStaging') throw endedSession();
    return proceed();
  });
  const attempt = () => makeJobRunner(world.app, losing).run(job.id, new AbortController().signal);
  await expect(attempt()).rejects.toThrow(/terminat/);
  const { rows } = await sql<{ text: string }>`
    select text from job_message m join job j on j.serial = m.job_serial where j.id = ${job.id}`.execute(
    store.db,
  );
  expect(rows.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/attempt 1 lost the store.*terminating/),
  );
  await sql`update job set attempt = 98 where id = ${job.id}`.execute(store.db);
  await expect(attempt()).rejects.toThrow(/terminat/);
  await attempt();
  expect(await jobOf(world, job.id)).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('terminating connection') },
  });
  expect((await world.run('corp-in')).status).toBe('success');
});

/**
 * A transaction of the store that the server ends while this process does nothing at all, as a suspended one: it learns of
 * it by the answer to its next statement.
 */
async function standStill(): Promise<unknown> {
  return store.transaction(async (trx) => {
    const { rows } = await sql<{ pid: number }>`
      select pg_backend_pid() as pid, set_config('idle_in_transaction_session_timeout', '1ms', true)`.execute(
      trx,
    );
    const look = `select count(*) from pg_stat_activity where pid = ${rows[0]?.pid}`;
    const deadline = Date.now() + 20_000;
    while (execFileSync(psql, ['-At', '-d', server.url, '-c', look]).toString().trim() !== '0')
      if (Date.now() > deadline) throw new Error('the server did not end the transaction');
    return sql`select 1`.execute(trx);
  });
}

test('a job whose transaction the server ended since it stood still is handed back as well', async () => {
  const world = await makeWorld(store);
  const corp = await edited(world);
  const asked = { mode: 'apply', startedThrough: 'native' } as const;
  const { job } = await requestJob(world.app, world.actor, 'corp-in', asked);
  const { signal } = new AbortController();
  let stood = false;
  const still = hookedStore(makeSyncStore(store), (name, proceed) => {
    if (name !== 'applyToDirectory' || stood) return proceed();
    stood = true;
    return standStill();
  });
  await expect(makeJobRunner(world.app, still).run(job.id, signal)).rejects.toThrow();
  expect((await jobOf(world, job.id)).status).toBe('running');
  await makeJobRunner(world.app).run(job.id, signal);
  expect((await jobOf(world, job.id)).status).toBe('success');
  expect(await world.directory()).toEqual(corp.tree.snapshot());
});

test('the queue delivers a job again whose store went away with all its sessions', async () => {
  const world = await makeWorld(store);
  const corp = await corpOf(world);
  const target = await world.system('target');
  await world.ingress('corp');
  await world.egress('target');
  await world.run('corp-in');
  await using queue = await openQueue(store, { onError: () => undefined });
  Object.assign(world.app, { queue });
  const runner = makeJobRunner(world.app);
  const deliveries: string[] = [];
  await queue.work(1, async ({ jobId }, signal) => {
    deliveries.push(jobId);
    await runner.run(jobId, signal);
  });
  let lost = false;
  target.beforeWrite = async () => {
    if (lost) return;
    lost = true;
    await beside.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    // What the runner does next it does with sessions that are gone.
    throw endedSession();
  };
  const { job } = await requestJob(world.app, world.actor, 'target-out', {
    mode: 'apply',
    startedThrough: 'native',
  });
  const deadline = Date.now() + 60_000;
  let shown: JobView | undefined;
  while (shown === undefined || !jobIsOver(shown.status)) {
    expect(Date.now(), 'nobody ended the job').toBeLessThan(deadline);
    // The session that asks may be one of those that are gone.
    shown = await jobOf(world, job.id).catch(() => undefined);
  }
  expect(lost).toBe(true);
  expect(deliveries.length).toBeGreaterThan(1);
  await checked(world.app, world.actor, shown);
  expect(shown.status).toBe('success');
  expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
}, 90_000);
