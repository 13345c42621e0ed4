import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import { cancelJob, getJob, requestJob } from '../../server/src/app/jobs.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import type { Store } from '../../server/src/store/store.ts';
import { makeSyncStore } from '../../server/src/store/sync/sync-store.ts';
import type { SyncStore } from '../../server/src/sync/sync-store.ts';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { World } from './world.ts';

async function corpOf(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob', 'cid']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  return corp;
}

/** Every table but those that record jobs, and the index of match values; and what is left in staging tables. */
const records = ['job', 'job_count', 'job_span', 'change', 'job_message', 'match_attribute', 'match_key'];

/** How much is left in staging tables. */
async function stagedRows(store: Store): Promise<number> {
  const { rows: tables } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'staging' and tablename <> 'kept'`.execute(
    store.db,
  );
  const { rows: taken } = await sql`select from staging.kept where job_serial is not null`.execute(store.db);
  let staged = taken.length;
  for (const { name } of tables) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from ${sql.table(`staging.${name}`)}`.execute(store.db);
    staged += rows[0]?.count ?? 0;
  }
  return staged;
}

async function everything(store: Store): Promise<unknown> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`.execute(store.db);
  const contents: Record<string, unknown> = {};
  for (const { name } of tables) {
    if (records.includes(name)) continue;
    const { rows } = await sql<{
      row: string;
    }>`select to_jsonb(t)::text as row from ${sql.table(name)} t order by 1`.execute(store.db);
    contents[name] = rows;
  }
  return { ...contents, staged: await stagedRows(store) };
}

/** Edits of every sort. */
function edit(corp: MemorySystem): void {
  corp.tree.add('/ou=new');
  corp.tree.move('/ou=people/uid=ann', '/ou=new/uid=ann');
  corp.tree.set('/ou=people/uid=bob', { title: ['x'] });
  corp.tree.remove('/ou=people/uid=cid');
  corp.tree.add('/ou=new/uid=dan');
  corp.tree.addMember('/cn=staff', '/ou=new/uid=dan');
  corp.tree.removeMember('/cn=staff', '/ou=people/uid=bob');
}

/** Counts the reads of a system that are not closed. */
function countOpenReads(system: MemorySystem): () => number {
  let open = 0;
  const endpoint = system.endpoint.bind(system);
  system.endpoint = () => {
    const inner = endpoint();
    return {
      ...inner,
      async *read(request) {
        open += 1;
        try {
          return yield* inner.read(request);
        } finally {
          open -= 1;
        }
      },
    };
  };
  return () => open;
}

/** What changes say without their outcome. */
function lines(changes: Awaited<ReturnType<World['changes']>>): unknown {
  return changes.map(({ kind, verb, label, externalId }) => [kind, verb, label, externalId]);
}

describeWorlds('a job', (makeWorld, store) => {
  test('that is a dry run leaves no trace and shows what the run after it does', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.ingress('corp');
    await world.egress('target');
    for (const round of ['first', 'edited']) {
      if (round === 'edited') edit(corp);
      for (const name of ['corp-in', 'target-out']) {
        const before = await everything(store());
        target.forgetCounts();
        const dry = await world.run(name, 'dryRun');
        expect(await everything(store())).toEqual(before);
        expect(target.writes).toEqual([]);
        expect(dry.status).toBe('success');
        const shown = lines(await world.changes(dry.id));
        const run = await world.run(name);
        expect(lines(await world.changes(run.id))).toEqual(shown);
        for (const kind of ['user', 'group', 'organizationalUnit', 'membership'] as const)
          for (const operation of ['created', 'updated', 'deleted', 'same', 'binded'] as const)
            expect(dry.statistics[kind][operation].total, `${kind} ${operation}`).toBe(
              run.statistics[kind][operation].total,
            );
      }
    }
  });

  test('that is cancelled in the middle skips the rest, and the next run does it', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.ingress('corp');
    await world.egress('target');
    await world.run('corp-in');
    const { job } = await requestJob(world.app, world.actor, 'target-out', {
      mode: 'apply',
      startedThrough: 'native',
    });
    target.beforeWrite = async ({ kind }) => {
      if (kind === 'organizationalUnit') await cancelJob(world.app, world.actor, job.id);
    };
    await makeJobRunner(world.app).run(job.id, new AbortController().signal);
    const cancelled = await getJob(world.app, world.actor, job.id);
    expect(cancelled.status).toBe('cancelled');
    expect(brief(cancelled.statistics)).toMatchObject({
      'organizationalUnit created': '1/0/0',
      'user created': '0/0/3',
      'group created': '0/0/1',
    });
    const codes = (await world.changes(job.id)).map(({ error }) => error?.code).filter(Boolean);
    expect(new Set(codes)).toEqual(new Set(['Cancelled']));
    target.beforeWrite = () => undefined;
    await world.run('target-out');
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('that is cancelled while it reads has done nothing, and the next run does it', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const openReads = countOpenReads(corp);
    await world.ingress('corp');
    const { job } = await requestJob(world.app, world.actor, 'corp-in', {
      mode: 'apply',
      startedThrough: 'native',
    });
    const store = makeSyncStore(world.app.store);
    const cancelling: SyncStore = {
      ...store,
      async noteProgress(running, progress) {
        await store.noteProgress(running, progress);
        if (progress.phase === 'read') await cancelJob(world.app, world.actor, job.id);
      },
    };
    await makeJobRunner(world.app, cancelling).run(job.id, new AbortController().signal);
    const cancelled = await getJob(world.app, world.actor, job.id);
    expect(cancelled.status).toBe('cancelled');
    expect(openReads()).toBe(0);
    expect(brief(cancelled.statistics)).toEqual({});
    expect(await world.changes(job.id)).toEqual([]);
    expect(await world.directory()).toEqual({});
    await world.run('corp-in');
    expect(Object.keys(await world.directory())).toEqual(Object.keys(corp.tree.snapshot()));
  });

  test('in which everything fails is failed, some partial success, and the next run tries again', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    const target = await world.system('target');
    await world.ingress('corp');
    await world.egress('target');
    await world.run('corp-in');
    target.refuse = () => 'read only';
    const all = await world.run('target-out');
    expect(all.status).toBe('failed');
    target.refuse = ({ name }) => (name === 'uid=bob' ? 'not this one' : null);
    const some = await world.run('target-out');
    expect(some.status).toBe('partial_success');
    expect(brief(some.statistics)).toMatchObject({
      'user created': '2/1/0',
      'user pushed': '2/1/0',
      'membership created': '1/0/1',
    });
    target.refuse = () => null;
    expect((await world.run('target-out')).status).toBe('success');
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
    // A deletion that fails is tried again as well.
    corp.tree.remove('/ou=people/uid=cid');
    await world.run('corp-in');
    target.refuse = ({ verb }) => (verb === 'delete' ? 'not now' : null);
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user deleted': '0/1/0' });
    target.refuse = () => null;
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({ 'user deleted': '1/0/0' });
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  });

  test('that reads broken records goes on, and keeps what they were', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const bob = corp.tree.get('/ou=people/uid=bob');
    corp.broken.add(bob.id);
    corp.tree.set('/ou=people/uid=bob', { title: ['x'] });
    corp.tree.set('/ou=people/uid=ann', { title: ['y'] });
    const job = await world.run('corp-in');
    expect(job.status).toBe('partial_success');
    expect(brief(job.statistics)).toMatchObject({ 'user updated': '1/1/0', 'user same': '1/0/0' });
    expect(await world.directory()).toHaveProperty('/ou=people/uid=bob');
    corp.broken.clear();
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('that reads names too long for an index goes on, and says which ones', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    // Letters that nothing can be compressed of.
    const long = randomBytes(3000).toString('hex');
    corp.tree.add(`/uid=${long}`);
    corp.tree.set('/ou=people/uid=cid', { mail: [`${long}@x.org`] });
    corp.tree.get('/cn=staff').members.push(`/uid=${long}`);
    const job = await world.run('corp-in');
    expect(job.status).toBe('partial_success');
    expect(brief(job.statistics)).toMatchObject({ 'user created': '3/1/0', 'group created': '0/1/0' });
    const errors = (await world.changes(job.id)).flatMap(({ error }) => error?.message ?? []);
    expect(errors).toEqual([
      expect.stringMatching(/its name or a reference is longer than 1300 octets: \/uid=/),
      expect.stringMatching(/^\/cn=staff: the name of a member is longer than 1300 octets: \/uid=/),
    ]);
  });

  test('whose error cannot be kept as it is ends failed with what can', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    corp.readFailure = new LockstepError('ProtocolError', 'the server sent "uid=\u0000,dc=x"');
    expect(await world.run('corp-in')).toMatchObject({
      status: 'failed',
      error: { code: 'ProtocolError', message: 'the server sent "uid=\ufffd,dc=x"' },
    });
    corp.readFailure = null;
    corp.incomplete = 'of "uid=\u0000" nothing was read';
    expect((await world.run('corp-in')).note).toContain('of "uid=\ufffd" nothing was read');
    corp.incomplete = null;
    corp.broken.add(corp.tree.add('/uid=a\u0000b').id);
    const broken = await world.run('corp-in');
    expect((await world.changes(broken.id)).flatMap(({ error }) => error?.message ?? [])).toContain(
      '/uid=a\ufffdb cannot be understood',
    );
    const target = await world.system('target');
    await world.egress('target');
    target.refuse = () => 'not this one\u0000';
    const refused = await world.run('target-out');
    expect(await told(world, refused)).toContain('organizationalUnit create people failed TargetRejected');
  });

  test('that cannot open its connection ends failed with the code', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    corp.openFailure = new LockstepError('AuthenticationRejected', 'wrong password', { remedy: 'Ask Ann.' });
    const job = await world.run('corp-in');
    expect(job).toMatchObject({
      status: 'failed',
      error: { code: 'AuthenticationRejected', message: 'wrong password. Ask Ann.' },
    });
    expect(await world.messages(job.id)).toContain('wrong password. Ask Ann.');
  });

  test('of a connection whose connector is not installed ends failed with the code', async () => {
    const world = await makeWorld();
    await corpOf(world);
    await world.ingress('corp');
    (world.app.connectors as Map<string, unknown>).delete('ldap');
    expect(await world.run('corp-in')).toMatchObject({
      status: 'failed',
      error: { code: 'ConnectorUnavailable' },
    });
  });

  test('after a changed mapping looks at everything again', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    corp.tree.set('/ou=people/uid=ann', { title: ['boss'] });
    await world.ingress('corp');
    await world.run('corp-in');
    await world.ingress('corp', { map: { user: { title: { value: 'fixed' } } } });
    corp.forgetCounts();
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({ 'user updated': '3/0/0', 'group same': '1/0/0' });
    expect(corp.decodes).toBe(5);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('puts right what another hand changed in the directory, though the bytes are equal', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    await sql`
      update directory_user set attributes = attributes || '{"title": ["wrong"]}', revision = nextval('directory_revision')
      where tenant_id = ${world.actor.tenantId} and username = 'bob'`.execute(store().db);
    expect(await told(world, await world.run('corp-in'))).toEqual(['user update bob']);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('counts an object once though the source names it twice', async () => {
    const world = await makeWorld();
    const corp = await corpOf(world);
    await world.ingress('corp');
    await world.run('corp-in');
    const { endpoint } = corp;
    corp.endpoint = () => {
      const inner = endpoint.call(corp);
      return {
        ...inner,
        async *read(request) {
          for (;;) {
            const reading = inner.read(request);
            for (let step = await reading.next(); ; step = await reading.next()) {
              if (step.done) break;
              yield [...step.value, ...step.value];
              yield step.value;
            }
            return { complete: true, warnings: [] };
          }
        },
      };
    };
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({ 'user same': '3/0/0', 'group same': '1/0/0' });
    expect(job.status).toBe('success');
  });

  test('of one tenant sees nothing of another', async () => {
    const [one, two] = [await makeWorld(), await makeWorld()];
    for (const world of [one, two]) {
      await corpOf(world);
      await world.ingress('corp', { guard: noGuard });
      await world.run('corp-in');
    }
    expect(await one.directory()).toEqual(await two.directory());
    expect(await told(one, await one.run('corp-in'))).toEqual([]);
  });

  test('fails an object whose name is no text, and says so', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann', { badge: [Buffer.from([0xff, 0x00])] as never });
    await world.ingress('corp', { map: { user: { username: ['badge'] } } });
    const job = await world.run('corp-in');
    expect(await world.changes(job.id)).toMatchObject([
      {
        result: 'failed',
        error: { code: 'InvalidRecord', message: '/uid=ann: the value for username is no text' },
      },
    ]);
  });
});
