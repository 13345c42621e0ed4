import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { openStore } from '../../server/src/store/open.ts';
import type { Store } from '../../server/src/store/open.ts';
import type { JobView } from '@lockstep/contract/job.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { PostgresServer } from '../servers/postgres.ts';
import { hookedStore } from './hooked-store.ts';
import type { MemorySystem } from './memory-system.ts';
import { makeWorld } from './world.ts';
import type { World } from './world.ts';

let server: PostgresServer;
let databaseUrl: string;
let store: Store;

beforeAll(async () => {
  server = await startPostgres({ fsync: true });
  databaseUrl = await server.createDatabase();
  store = await openStore({ databaseUrl });
});
afterAll(async () => {
  await store.close();
  await server.stop();
});

/** When the server began, or began again after a crash; undefined while it lets nobody in. */
async function serverStart(): Promise<string | undefined> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ start: string }>(
      "select backend_start::text as start from pg_stat_activity where backend_type = 'checkpointer'",
    );
    return rows[0]?.start;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Kills a session of the server: all others end with it, and tables that are not logged are empty when it is back. */
async function crash(): Promise<void> {
  const before = await serverStart();
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const ended = new Promise((resolve) => client.once('end', resolve));
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
  await ended;
  // It goes on for a moment before it notices.
  const isBack = async (): Promise<boolean> => ![before, undefined].includes(await serverStart());
  await expect.poll(isBack, { timeout: 60_000, interval: 50 }).toBe(true);
}

/** Runs a sync; the database crashes before a call of this name, and the job is taken up again once it is back. */
async function runThroughCrash(world: World, sync: string, method: string): Promise<JobView> {
  const { app, actor } = world;
  const { job } = await requestJob(app, actor, sync, { mode: 'apply', startedThrough: 'native' });
  let crashed = false;
  const port = hookedStore(makeSyncStore(store), (name, proceed) => {
    if (name !== method || crashed) return proceed();
    crashed = true;
    return crash().then(proceed);
  });
  const { signal } = new AbortController();
  await expect(makeJobRunner(app, port).run(job.id, signal)).rejects.toThrow();
  expect(crashed).toBe(true);
  expect((await getJob(app, actor, job.id)).status).toBe('running');
  await makeJobRunner(app).run(job.id, signal);
  return getJob(app, actor, job.id);
}

/** A source of three people and a group of two. */
async function staffed(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob', 'cid']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  await world.ingress('corp');
  return corp;
}

test.each(['see', 'settleSeen', 'matchIngress', 'stageMissing', 'planRemovedMembers', 'commit'])(
  'a database that crashes before %s loses what is staged, and nothing is taken for gone',
  async (method) => {
    const world = await makeWorld(store);
    const corp = await staffed(world);
    await world.run('corp-in');
    corp.tree.set('/ou=people/uid=bob', { title: ['new'] });
    corp.tree.remove('/ou=people/uid=cid');
    const job = await runThroughCrash(world, 'corp-in', method);
    const changes = await world.changes(job.id);
    expect(changes.filter(({ verb }) => verb === 'delete')).toHaveLength(1);
    expect(job.status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  },
);

test.each(['planAddedMembers', 'countUnmanaged', 'commit'])(
  'a database that crashes before %s may lose parts of a plan for a connected system, which is then planned again',
  async (method) => {
    const world = await makeWorld(store);
    const corp = await staffed(world);
    const replica = await world.system('replica');
    await world.egress('replica');
    await world.run('corp-in');
    const job = await runThroughCrash(world, 'replica-out', method);
    expect(job.status).toBe('success');
    expect(replica.tree.snapshot()).toEqual(corp.tree.snapshot());
    expect(await world.changes(job.id)).toHaveLength(7);
  },
);
