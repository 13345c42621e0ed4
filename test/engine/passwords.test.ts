import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { continuousSyncs } from '../../server/src/app/continuous-syncs.ts';
import { createUser, deleteUser, updateUser } from '../../server/src/app/directory-writes/users.ts';
import { makeJobRunner } from '../../server/src/app/job-runner.ts';
import { getJob, requestJob } from '../../server/src/app/jobs.ts';
import { purgeExpiredPasswords, setUserPassword } from '../../server/src/app/pending-passwords.ts';
import type { Application } from '../../server/src/app/application.ts';
import { listTables } from '../../server/src/store/backup-catalog.ts';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import type { JobView } from '../../contract/src/job.ts';
import { describeWorlds } from './world.ts';
import type { SyncSettings, World } from './world.ts';

/** A system that takes passwords, and notes them by the entry's name. */
async function keeper(
  world: World,
  name: string,
  settings: SyncSettings = {},
): Promise<MemorySystem & { readonly kept: Record<string, string> }> {
  const system = await world.system(name);
  system.capabilities = { ...system.capabilities, passwords: true };
  const kept: Record<string, string> = {};
  system.beforeWrite = ({ password, externalId }) => {
    if (password !== undefined) kept[system.tree.byId(externalId ?? '').name] = password.text;
  };
  await world.egress(name, { passwords: true, ...settings });
  return Object.assign(system, { kept });
}

async function waiting(world: World): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pending_password p join sync s on s.serial = p.sync_serial
    where s.tenant_id = ${world.actor.tenantId}`.execute(world.app.store.db);
  return rows[0]?.count ?? 0;
}

const newUser = async ({ app, actor }: World, username: string): Promise<string> =>
  (await createUser(app, actor, { username })).id;
const set = (world: World, id: string, password: string) =>
  setUserPassword(world.app, world.actor, id, password);
const later = (app: Application, minutes: number): Application => ({
  ...app,
  clock: { now: () => new Date(Date.now() + minutes * 60_000) },
});

/** Runs the sync while the clock shows so many minutes more, or what it comes to show. */
async function runAt(world: World, minutes: number | (() => number)): Promise<JobView> {
  const { app, actor } = world;
  const { job } = await requestJob(app, actor, 'copy-out', { mode: 'apply', startedThrough: 'native' });
  const ahead = typeof minutes === 'number' ? () => minutes : minutes;
  const clock = { now: () => later(app, ahead()).clock.now() };
  await makeJobRunner({ ...app, clock }).run(job.id, new AbortController().signal);
  return getJob(app, actor, job.id);
}

describeWorlds('passwords that wait', (makeWorld) => {
  test('are written to who is made and to who is there, once, and go', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    const bob = await newUser(world, 'bob');
    await set(world, ann, 'first of ann');
    await set(world, bob, 'first of bob');
    const job = await world.run('copy-out');
    expect(job.status).toBe('success');
    expect(copy.kept).toEqual({ 'uid=ann': 'first of ann', 'uid=bob': 'first of bob' });
    expect(brief(job.statistics)).toMatchObject({
      'user created': '1/0/0',
      'user updated': '1/0/0',
      'user pushed': '2/0/0',
    });
    expect(job.statistics.user.same.total).toBe(0);
    expect(await waiting(world)).toBe(0);
    const recorded = await world.changes(job.id);
    expect(recorded.filter(({ verb }) => verb === 'update')).toMatchObject([
      { sentence: 'update user "ann": password', before: {}, after: { $password: ['set'] } },
      { label: 'bob', before: {}, after: { $password: ['set'] } },
    ]);
    expect(JSON.stringify(recorded)).not.toContain('first of');
    expect(brief((await world.run('copy-out')).statistics)).toEqual({ 'user same': '2/0/0' });
  });

  test('are written together with what else changes of a user, who counts once', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    await updateUser(world.app, world.actor, ann, { attributes: { title: ['chief'] } });
    await set(world, ann, 'secret of ann');
    const job = await world.run('copy-out');
    expect(brief(job.statistics)).toEqual({ 'user updated': '1/0/0', 'user pushed': '1/0/0' });
    expect(copy.kept).toEqual({ 'uid=ann': 'secret of ann' });
    expect(copy.tree.find('/uid=ann')?.attributes['title']).toEqual(['chief']);
  });

  test('are not kept for syncs that write none, and not once the user is deleted', async () => {
    const world = await makeWorld();
    await world.system('plain');
    await world.egress('plain');
    const ann = await newUser(world, 'ann');
    await set(world, ann, 'for nobody');
    expect(await waiting(world)).toBe(0);
    await keeper(world, 'copy');
    await keeper(world, 'rest', { enabled: false });
    await set(world, ann, 'for one');
    expect(await waiting(world)).toBe(1);
    await deleteUser(world.app, world.actor, ann);
    expect(await waiting(world)).toBe(0);
  });

  test('are forgotten for a newer one and by a sync that stops writing them, whatever comes later', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    await set(world, ann, 'set before');
    await world.egress('copy', { passwords: true, enabled: false });
    expect(await waiting(world)).toBe(0);
    await world.egress('copy', { passwords: true });
    await set(world, ann, 'set before, too');
    await world.egress('copy', { passwords: false });
    expect(await waiting(world)).toBe(0);
    await set(world, ann, 'set for nobody');
    await world.egress('copy', { passwords: true });
    await set(world, ann, 'set for one');
    // As a process does that knows of the first sync only.
    await sql`update sync set settings = settings - 'passwords' where tenant_id = ${world.actor.tenantId}`.execute(
      world.app.store.db,
    );
    await set(world, ann, 'the newest, for nobody');
    expect(await waiting(world)).toBe(0);
    await world.egress('copy', { passwords: true });
    await world.run('copy-out');
    expect(copy.kept).toEqual({});
  });

  test('stay when they are refused, and are tried again by the next run', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await newUser(world, 'bob');
    await world.run('copy-out');
    await set(world, ann, 'weak');
    copy.refuse = ({ password }) => (password?.text === 'weak' ? 'too weak' : null);
    const refused = await world.run('copy-out');
    expect(refused.status).toBe('partial_success');
    expect(brief(refused.statistics)).toMatchObject({ 'user updated': '0/1/0', 'user same': '1/0/0' });
    expect(await waiting(world)).toBe(1);
    expect((await world.run('copy-out')).status).toBe('partial_success');
    await set(world, ann, 'strong enough');
    expect((await world.run('copy-out')).status).toBe('success');
    expect(copy.kept).toMatchObject({ 'uid=ann': 'strong enough' });
    expect(await waiting(world)).toBe(0);
  });

  test('are neither planned nor written when their ten minutes are over, and then deleted', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    await set(world, ann, 'late');
    expect(await world.changes((await runAt(world, 11)).id)).toEqual([]);
    await purgeExpiredPasswords(later(world.app, 9));
    expect(await waiting(world)).toBe(1);
    await purgeExpiredPasswords(later(world.app, 11));
    expect(await waiting(world)).toBe(0);
    await set(world, ann, 'in time');
    await runAt(world, 9);
    expect(copy.kept).toEqual({ 'uid=ann': 'in time' });
  });

  test('that expire between plan and writing fail by themselves', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await newUser(world, 'bob');
    await set(world, ann, 'late');
    let minutes = 0;
    copy.beforeWrite = () => {
      minutes = 11;
    };
    const job = await runAt(world, () => minutes);
    expect(job.status).toBe('partial_success');
    const failed = (await world.changes(job.id)).filter(({ result }) => result === 'failed');
    expect(failed).toMatchObject([{ label: 'ann', error: { code: 'PasswordExpired' } }]);
  });

  test('given while another one is written stay for the next run', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    await set(world, ann, 'old');
    const note = copy.beforeWrite;
    copy.beforeWrite = async (change) => {
      await note(change);
      copy.beforeWrite = note;
      await set(world, ann, 'new');
    };
    await world.run('copy-out');
    expect(copy.kept).toEqual({ 'uid=ann': 'old' });
    await world.run('copy-out');
    expect(copy.kept).toEqual({ 'uid=ann': 'new' });
    expect(await waiting(world)).toBe(0);
  });

  test('start a sync that follows the directory, though nothing else changed', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy', { continuous: true });
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    const syncs = continuousSyncs(world.app);
    const due = async () => (await syncs.dueSyncs(new Date(Date.now() + 3000))).length;
    expect(await due()).toBe(0);
    await set(world, ann, 'followed');
    expect(await due()).toBe(1);
    await world.run('copy-out');
    expect(copy.kept).toEqual({ 'uid=ann': 'followed' });
    expect(await due()).toBe(0);
  });

  test('are planned by a dry run and left alone', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy');
    const ann = await newUser(world, 'ann');
    await world.run('copy-out');
    await set(world, ann, 'later');
    const job = await world.run('copy-out', 'dryRun');
    expect(await world.changes(job.id)).toMatchObject([{ label: 'ann', after: { $password: ['set'] } }]);
    expect(copy.kept).toEqual({});
    await world.run('copy-out');
    expect(copy.kept).toEqual({ 'uid=ann': 'later' });
  });

  test('are no part of a backup', async () => {
    const { app } = await makeWorld();
    const tables = (await listTables(app.store.db)).map(({ name }) => name);
    expect(tables).toContain('sync');
    expect(tables).not.toContain('pending_password');
  });

  test('do not stand in the way of a plan that a person approves', async () => {
    const world = await makeWorld();
    const copy = await keeper(world, 'copy', { guard: { user: { count: 0 }, hold: 'all' } });
    const [ann, bob] = [await newUser(world, 'ann'), await newUser(world, 'bob')];
    await world.run('copy-out');
    await deleteUser(world.app, world.actor, bob);
    await set(world, ann, 'held back');
    const held = await world.run('copy-out');
    expect(held.status).toBe('held');
    expect(copy.kept).toEqual({});
    await purgeExpiredPasswords(later(world.app, 11));
    expect((await world.approve(held.id)).status).toBe('success');
    expect(copy.tree.find('/uid=bob')).toBeUndefined();
  });
});
