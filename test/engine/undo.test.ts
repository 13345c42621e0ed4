import { sql } from 'kysely';
import { assert, asyncProperty } from 'fast-check';
import { expect, test } from 'vitest';
import { getJob, listJobs } from '../../server/src/app/jobs.ts';
import type { JobView } from '../../contract/src/job.ts';
import { continuousSyncs } from '../../server/src/app/continuous-syncs.ts';
import { getDirectoryObject } from '../../server/src/app/directory.ts';
import { addMembers } from '../../server/src/app/directory-writes/memberships.ts';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import { brief } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { applyEdits, edits, trim } from './random-edits.ts';
import { describeWorlds, told } from './world.ts';
import type { World } from './world.ts';

const people = '/ou=people';
const ann = '/ou=people/uid=ann';
const bob = '/ou=people/uid=bob';
const staff = '/cn=staff';

/** A directory of two people in a group, as its first job left it. */
async function start(world: World): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add(people);
  corp.tree.add(ann, { mail: ['ann@example.com'], title: ['clerk'] });
  corp.tree.add(bob, { mail: ['bob@example.com'] });
  corp.tree.add(staff);
  corp.tree.addMember(staff, ann);
  await world.ingress('corp', { match: ['mail', 'username', 'path'] });
  await world.run('corp-in');
  return corp;
}

describeWorlds('undo', (makeWorld) => {
  test('takes back what a job did, and the next run does it again', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    const before = await world.directory();
    corp.tree.set(ann, { title: ['chief'], displayName: ['Ann'] });
    corp.tree.add('/ou=new');
    corp.tree.add('/ou=new/uid=cid', { mail: ['cid@example.com'] });
    corp.tree.addMember(staff, '/ou=new/uid=cid');
    corp.tree.removeMember(staff, ann);
    corp.tree.remove(bob);
    const job = await world.run('corp-in');
    const after = await world.directory();
    const undone = await world.undo(job.id);
    expect(undone).toMatchObject({ status: 'success', mode: 'apply', undoesJobId: job.id });
    expect(await told(world, undone)).toEqual([
      'membership removeMember staff < cid',
      'user delete cid',
      'user create bob',
      'user update ann',
      'membership addMember staff < ann',
      'organizationalUnit delete new',
    ]);
    expect(await world.directory()).toEqual(before);
    const { app, actor } = world;
    expect(await getJob(app, actor, job.id)).toMatchObject({ undoneByJobId: undone.id, undoesJobId: null });
    expect(await told(world, await world.undo(job.id))).toEqual([]);
    expect((await world.run('corp-in')).status).toBe('success');
    expect(await world.directory()).toEqual(after);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('people who come back are who they were: pushes find them the same', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    const target = await world.system('target');
    await world.egress('target');
    for (const name of ['target-out', 'target-out']) await world.run(name);
    const entry = target.tree.get(bob);
    corp.tree.remove(bob);
    const job = await world.run('corp-in');
    await world.undo(job.id);
    corp.tree.add(bob, { mail: ['bob@example.com'] });
    target.forgetCounts();
    expect((await world.run('target-out')).status).toBe('success');
    expect(target.verbs).toEqual([]);
    expect(target.tree.get(bob)).toBe(entry);
  });

  test('who comes in anew is bound to the entries that were there, and counted as nothing else', async () => {
    const world = await makeWorld();
    await start(world);
    await world.system('target');
    await world.egress('target', { match: ['username', 'path'] });
    for (const name of ['target-out', 'target-out']) await world.run(name);
    const [first] = (await listJobs(world.app, world.actor, { sync: 'corp-in' }, { limit: 1 })).items;
    await world.undo(first?.id ?? '');
    await world.run('corp-in');
    const job = await world.run('target-out');
    expect(brief(job.statistics)).toEqual({
      'organizationalUnit binded': '1/0/0',
      'user binded': '2/0/0',
      'group binded': '1/0/0',
      'membership binded': '1/0/0',
    });
  });

  test('is shown by a dry run, which changes nothing', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    corp.tree.set(ann, { title: ['chief'] });
    const job = await world.run('corp-in');
    const after = await world.directory();
    const dry = await world.undo(job.id, 'dryRun');
    expect(await told(world, dry)).toEqual(['user update ann skipped DryRun']);
    expect(await world.directory()).toEqual(after);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('leaves what changed since as it is, and names it', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    corp.tree.set(ann, { title: ['chief'] });
    corp.tree.set(bob, { title: ['clerk'] });
    corp.tree.add('/ou=people/uid=cid');
    const job = await world.run('corp-in');
    corp.tree.set(ann, { title: ['boss'] });
    corp.tree.set('/ou=people/uid=cid', { title: ['guest'] });
    corp.tree.set(bob, { displayName: ['Bob'] });
    await world.run('corp-in');
    const undone = await world.undo(job.id);
    expect(undone.status).toBe('partial_success');
    expect(await told(world, undone)).toEqual([
      'user delete cid failed UndoConflict',
      'user update bob',
      'user update ann failed UndoConflict',
    ]);
    const messages = (await world.changes(undone.id)).flatMap(({ error }) => error?.message ?? []);
    expect(messages).toEqual(['it stays: title changed since it was created', 'title changed since']);
    expect(await world.directory()).toMatchObject({
      [ann]: { attributes: { title: ['boss'] } },
      [bob]: { attributes: { displayName: ['Bob'] } },
      '/ou=people/uid=cid': { attributes: { title: ['guest'] } },
    });
  });

  test('keeps whom others took in since: members, groups and other syncs', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    corp.tree.add('/ou=people/uid=cid', { mail: ['cid@example.com'] });
    corp.tree.add('/ou=people/uid=dee', { mail: ['dee@example.com'] });
    const job = await world.run('corp-in');
    corp.tree.addMember(staff, '/ou=people/uid=cid');
    await world.run('corp-in');
    const other = await world.system('other');
    other.tree.add(people);
    other.tree.add('/ou=people/uid=dee', { mail: ['dee@example.com'] });
    await world.ingress('other', { match: ['mail', 'path'] });
    await world.run('other-in');
    expect(await told(world, await world.undo(job.id))).toEqual([
      'user delete dee failed UndoConflict',
      'user delete cid failed UndoConflict',
    ]);
  });

  test('lets go of what was bound, and an undo can be undone', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    const other = await world.system('other');
    other.tree.add(people);
    other.tree.add('/ou=people/uid=zoe', { mail: ['ann@example.com'], title: ['chief'] });
    await world.ingress('other', { match: ['mail'] });
    const before = await world.directory();
    const job = await world.run('other-in');
    expect(await told(world, job)).toContain('user bind zoe');
    const bound = await world.directory();
    const undone = await world.undo(job.id);
    expect(await told(world, undone)).toContain('user unbind zoe');
    expect(brief(undone.statistics)['user binded']).toBe('1/0/0');
    expect(await world.directory()).toEqual(before);
    // Nothing ties the two any more: that the record goes is none of ann's business.
    await world.undo(undone.id);
    expect(await world.directory()).toEqual(bound);
    await world.undo(job.id);
    other.tree.remove('/ou=people/uid=zoe');
    await world.run('other-in');
    expect(Object.keys(await world.directory())).toContain(ann);
    expect(corp.tree.get(ann)).toBeDefined();
  });

  test('a link whose place a bind took is there again: who leaves after the undo leaves the directory', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    // A server that was restored has the same entries, and knows each by another id.
    const { attributes } = corp.tree.get(ann);
    corp.tree.remove(ann);
    corp.tree.add(ann, attributes);
    corp.tree.addMember(staff, ann);
    corp.tree.set(ann, { title: ['chief'] });
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual(['user bind ann', 'user update ann']);
    const undone = await world.undo(job.id);
    expect(await told(world, undone)).toEqual(['user update ann', 'user unbind ann']);
    expect(await told(world, await world.undo(undone.id))).toEqual(['user update ann', 'user bind ann']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    await world.undo(job.id);
    corp.tree.remove(ann);
    expect(await told(world, await world.run('corp-in'))).toEqual([
      'membership removeMember staff < ann',
      'user delete ann',
    ]);
  });

  test('an account that was disabled with its record works again, and follows the record when it is back', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add(people);
    corp.tree.add(ann);
    await world.ingress('corp', { onMissing: 'disable' });
    await world.run('corp-in');
    corp.tree.remove(ann);
    const job = await world.run('corp-in');
    expect(await told(world, await world.undo(job.id))).toEqual(['user enable ann']);
    expect(await told(world, await world.run('corp-in'))).toEqual(['user disable ann']);
  });

  test('names change hands and back again', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    const before = await world.directory();
    corp.tree.move(ann, '/ou=people/uid=eve');
    corp.tree.add(ann, { mail: ['other@example.com'] });
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    const undone = await world.undo(job.id);
    expect(undone.status).toBe('success');
    expect(await world.directory()).toEqual(before);
  });

  test('a group that was deleted comes back with its members, whoever gave them', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    corp.tree.add('/cn=all', {}, [staff, ann]);
    await world.run('corp-in');
    const { app, actor } = world;
    const [all, guest] = await Promise.all([
      getDirectoryObject(app, actor, 'group', 'all'),
      getDirectoryObject(app, actor, 'user', 'bob'),
    ]);
    await addMembers(app, actor, all.id, { kind: 'user', ids: [guest.id] });
    const before = await world.directory();
    const copy = corp.tree.copy();
    for (const path of [staff, '/cn=all', ann]) corp.tree.remove(path);
    const job = await world.run('corp-in');
    const undone = await world.undo(job.id);
    expect((await told(world, undone)).sort()).toEqual([
      'group create all',
      'group create staff',
      'membership addMember all < ann',
      'membership addMember all < bob',
      'membership addMember all < staff',
      'membership addMember staff < ann',
      'user create ann',
    ]);
    expect(await world.directory()).toEqual(before);
    corp.tree.restore(copy);
    corp.tree.removeMember('/cn=all', ann);
    expect(await told(world, await world.run('corp-in'))).toEqual(['membership removeMember all < ann']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('a name or a place that is lost by now is foretold, and names that are free change hands beside it', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    corp.tree.add('/uid=cid');
    corp.tree.add('/uid=dee');
    corp.tree.add('/ou=old');
    corp.tree.add('/ou=old/uid=eve');
    corp.tree.add('/ou=old/cn=club');
    await world.run('corp-in');
    corp.tree.move('/uid=cid', '/uid=zed');
    corp.tree.move('/uid=dee', '/uid=cid');
    corp.tree.move(ann, `${people}/uid=tmp`);
    corp.tree.move(bob, ann);
    corp.tree.move(`${people}/uid=tmp`, bob);
    corp.tree.move('/ou=old/uid=eve', '/uid=eve');
    corp.tree.move('/ou=old/cn=club', '/cn=club');
    const job = await world.run('corp-in');
    corp.tree.remove('/ou=old');
    corp.tree.add('/uid=dee');
    await world.run('corp-in');
    const dry = await told(world, await world.undo(job.id, 'dryRun'));
    const undone = await told(world, await world.undo(job.id));
    expect(dry.map((line) => line.replace(' skipped DryRun', ''))).toEqual(undone);
    expect(undone.sort()).toEqual([
      'group move club failed UndoConflict',
      'user move ann',
      'user move bob',
      'user move cid failed UndoConflict',
      'user move eve failed UndoConflict',
      'user move zed failed UndoConflict',
    ]);
  });

  test('a unit does not go below one that hangs from it by now', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add('/ou=b');
    corp.tree.add('/ou=b/ou=a');
    await world.ingress('corp');
    await world.run('corp-in');
    corp.tree.move('/ou=b/ou=a', '/ou=a');
    const job = await world.run('corp-in');
    corp.tree.move('/ou=b', '/ou=a/ou=b');
    await world.run('corp-in');
    const now = await world.directory();
    expect(await told(world, await world.undo(job.id))).toEqual([
      'organizationalUnit move a failed ParentCycle',
    ]);
    expect(await world.directory()).toEqual(now);
  });

  test('a value that comes back from another sync follows that one again', async () => {
    const world = await makeWorld();
    const hr = await world.system('hr');
    const corp = await world.system('corp');
    hr.tree.add('/uid=ann', { mail: ['ann@example.com'] });
    corp.tree.add('/uid=ann', { mail: ['ann@example.com'], title: ['clerk'] });
    for (const system of ['hr', 'corp']) await world.ingress(system);
    for (const name of ['hr-in', 'corp-in']) await world.run(name);
    hr.tree.set('/uid=ann', { title: ['chief'] });
    const job = await world.run('hr-in');
    await world.undo(job.id);
    expect(await world.directory()).toMatchObject({ '/uid=ann': { attributes: { title: ['clerk'] } } });
    corp.tree.set('/uid=ann', { title: ['boss'] });
    await world.run('corp-in');
    expect(await world.directory()).toMatchObject({ '/uid=ann': { attributes: { title: ['boss'] } } });
    await world.run('hr-in');
    expect(await world.directory()).toMatchObject({ '/uid=ann': { attributes: { title: ['chief'] } } });
  });

  test('the guard holds what would take too much away, and approving applies just that', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.add(people);
    for (let index = 0; index < 20; index += 1) corp.tree.add(`/ou=people/uid=u${index}`);
    await world.ingress('corp', { guard: { user: { count: 5 } } });
    const job = await world.run('corp-in');
    const held = await world.undo(job.id);
    expect(held).toMatchObject({ status: 'held', heldPlan: { state: 'waiting' } });
    expect(Object.keys(await world.directory())).toHaveLength(21);
    const approved = await world.approve(held.id);
    expect(approved).toMatchObject({ status: 'success', mode: 'approve', undoesJobId: job.id });
    expect(await world.directory()).toEqual({});
  });

  test('the next run reads everything, also where the source tells of changes only', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    corp.tree.set(ann, { title: ['chief'] });
    const job = await world.run('corp-in');
    const { db } = world.app.store;
    await sql`update sync set read_position = '{"position": 1}'::jsonb where tenant_id = ${world.actor.tenantId}`.execute(
      db,
    );
    await world.undo(job.id);
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from sync where tenant_id = ${world.actor.tenantId} and read_position is not null`.execute(
      db,
    );
    expect(rows[0]?.count).toBe(0);
  });

  test('what was pushed is not done again by itself', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    const { store, connectors } = world.app;
    const pushed = new Map([...connectors].map(([type, each]) => [type, { ...each, isPushed: true }]));
    const isDue = async (job: JobView): Promise<boolean> => {
      const due = await continuousSyncs({ ...world.app, connectors: pushed }).dueSyncs(
        new Date(Date.now() + 60_000),
      );
      return due.some(({ syncId }) => syncId === job.syncId);
    };
    corp.tree.set(ann, { title: ['chief'] });
    const job = await world.run('corp-in');
    await sql`
      insert into replica (connection_serial, sequence)
      select serial, 7 from connection where id = ${job.connectionId}`.execute(store.db);
    expect(await isDue(job)).toBe(true);
    await sql`update job set read_position = '{"position": 7}'::jsonb where id = ${job.id}`.execute(store.db);
    expect(await isDue(job)).toBe(false);
    await world.undo(job.id);
    expect(await isDue(job)).toBe(false);
  });

  test('needs no source: it may be out of reach', async () => {
    const world = await makeWorld();
    const corp = await start(world);
    const before = await world.directory();
    corp.tree.set(ann, { title: ['chief'] });
    const job = await world.run('corp-in');
    corp.openFailure = new LockstepError('ConnectionFailed', 'out of reach');
    expect(await world.undo(job.id)).toMatchObject({ status: 'success', error: null });
    expect(await world.directory()).toEqual(before);
  });

  test('is refused where there is nothing that it could take back', async () => {
    const world = await makeWorld();
    await start(world);
    await world.system('target');
    await world.egress('target');
    const pushed = await world.run('target-out');
    await expect(world.undo(pushed.id)).rejects.toMatchObject({ code: 'NotUndoable' });
    const dry = await world.run('corp-in', 'dryRun');
    await expect(world.undo(dry.id)).rejects.toMatchObject({ code: 'NotUndoable' });
    await expect(world.undo('sync_unknown')).rejects.toMatchObject({ code: 'NotFound' });
    const job = await world.run('corp-in');
    await world.sync('corp-in', { connection: 'corp', direction: 'egress' });
    await expect(world.undo(job.id)).rejects.toMatchObject({ code: 'Conflict' });
  });

  test('whatever a job did, undoing it leads back to where it began', async () => {
    await assert(
      asyncProperty(edits(14), edits(14), async (first, second) => {
        const world = await makeWorld();
        const corp = await world.system('corp');
        await world.ingress('corp');
        applyEdits(corp.tree, first);
        trim(corp);
        await world.run('corp-in');
        const before = await world.directory();
        applyEdits(corp.tree, second);
        trim(corp);
        const job = await world.run('corp-in');
        const after = await world.directory();
        const dry = await told(world, await world.undo(job.id, 'dryRun'));
        const undone = await world.undo(job.id);
        expect(undone.status).toBe('success');
        expect(dry).toHaveLength((await told(world, undone)).length);
        expect(await world.directory()).toEqual(before);
        await world.undo(undone.id);
        expect(await world.directory()).toEqual(after);
        expect(await told(world, await world.run('corp-in'))).toEqual([]);
        await world.undo(job.id);
        expect(await world.directory()).toEqual(before);
        expect((await world.run('corp-in')).status).toBe('success');
        expect(await world.directory()).toEqual(after);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  }, 240_000);
});
