import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Store } from '../../server/src/store/store.ts';
import { brief, workbenchOf } from '../workbench.ts';
import type { MemorySystem } from './memory-system.ts';
import { describeWorlds, noGuard, told } from './world.ts';
import type { World } from './world.ts';

async function membersOf(world: World, group: string): Promise<unknown> {
  return ((await world.directory())[group] as { members: string[] }).members;
}

async function corpWithStaff(world: World, members: readonly string[]): Promise<MemorySystem> {
  const corp = await world.system('corp');
  corp.tree.add('/ou=people');
  for (const name of ['ann', 'bob']) corp.tree.add(`/ou=people/uid=${name}`);
  corp.tree.add('/cn=staff', {}, members);
  await world.ingress('corp');
  return corp;
}

/**
 * The store, and how many rows of a staging table, and entries of indexes on it, its transactions have read. Before each
 * it is vacuumed, as the database does it by itself while a large job runs: its plans then differ. As many rows as a
 * test has are to be too many for the memory, as they are in a large directory.
 */
function countingReads(store: Store, name: 'member' | 'missing'): { store: Store; read(): number } {
  let read = 0;
  const staged = sql`pg_class where relnamespace = 'staging'::regnamespace and relname ~ ${`^kept_.*_${name}`}`;
  const transaction: Store['transaction'] = async (work) => {
    const { rows: tables } = await sql<{ name: string }>`
      select relname as name from ${staged} and relkind = 'r'`.execute(store.db);
    for (const table of tables) await sql`vacuum ${sql.table(`staging.${table.name}`)}`.execute(store.db);
    return store.transaction(async (trx) => {
      await sql`set local work_mem = '64kB'`.execute(trx);
      const result = await work(trx);
      const { rows } = await sql<{ read: number }>`
        select coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0)::bigint as read from ${staged}`.execute(
        trx,
      );
      read += rows[0]?.read ?? Number.NaN;
      return result;
    });
  };
  return { store: { ...store, transaction }, read: () => read };
}

describeWorlds('members on egress', (makeWorld, store) => {
  test('a group that is far larger than all others is compared as a whole, and not member by member', async () => {
    const world = await makeWorld();
    const size = 6000;
    const corp = await world.system('corp');
    const target = await world.system('target');
    const names = Array.from({ length: size }, (_, index) => `/uid=p${index}`);
    for (const name of names) corp.tree.add(name);
    corp.tree.add('/cn=all', {}, names);
    for (const [index, name] of names.slice(0, 600).entries()) corp.tree.add(`/cn=g${index}`, {}, [name]);
    await world.ingress('corp');
    await world.egress('target');
    await world.run('corp-in');
    await world.run('target-out');
    target.tree.removeMember('/cn=all', '/uid=p1');
    const counting = countingReads(store(), 'member');
    const bench = workbenchOf({ ...world.app, store: counting.store }, world.actor);
    const { statistics } = await bench.run('target-out');
    expect(brief(statistics)).toMatchObject({ 'membership same': '6599/0/0', 'membership created': '1/0/0' });
    expect(counting.read()).toBeLessThan(20 * size);
  });

  test('members who stay are not looked for among all who go', async () => {
    const world = await makeWorld();
    const half = 3500;
    const corp = await world.system('corp');
    await world.system('target');
    const names = Array.from({ length: 2 * half }, (_, index) => `/uid=p${index}`);
    for (const name of names) corp.tree.add(name);
    corp.tree.add('/cn=all', {}, names.slice(0, half));
    await world.ingress('corp');
    await world.egress('target');
    await world.run('corp-in');
    await world.run('target-out');
    for (const name of names.slice(half)) corp.tree.remove(name);
    await world.run('corp-in');
    const counting = countingReads(store(), 'missing');
    const bench = workbenchOf({ ...world.app, store: counting.store }, world.actor);
    const { statistics } = await bench.run('target-out');
    expect(brief(statistics)).toMatchObject({
      'user deleted': `${half}/0/0`,
      'membership same': `${half}/0/0`,
    });
    expect(counting.read()).toBeLessThan(100 * half);
  });
});

const hows = ['at once', 'held'] as const;

/** The staff in a target whose guard holds each member that goes, if asked to. */
async function staffInTarget(world: World, how: (typeof hows)[number], groups: readonly string[] = []) {
  const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
  for (const group of groups) corp.tree.add(group, {}, ['/ou=people/uid=ann']);
  const target = await world.system('target');
  await world.egress('target', { guard: how === 'held' ? { membership: { count: 0 } } : noGuard });
  for (const name of ['corp-in', 'target-out']) await world.run(name);
  return { corp, target };
}

/** Ann leaves the staff of the target beside these changes, at once or when it is approved, and that is all. */
async function expectAnnLeaves(
  world: World,
  how: (typeof hows)[number],
  { corp, target }: Awaited<ReturnType<typeof staffInTarget>>,
  beside: readonly string[],
): Promise<void> {
  const leaves = `membership removeMember staff < ann${how === 'held' ? ' skipped Held' : ''}`;
  expect(await told(world, await world.run('target-out'))).toEqual([...beside, leaves]);
  if (how === 'held') {
    const again = await world.run('target-out');
    expect(await told(world, again)).toEqual([leaves]);
    await world.approve(again.id);
  }
  expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
  expect(await told(world, await world.run('target-out'))).toEqual([]);
}

describeWorlds('members of a group that is made again', (makeWorld) => {
  test.each(hows)('who was in the former one is no more in its entry (%s)', async (how) => {
    const world = await makeWorld();
    const systems = await staffInTarget(world, how);
    const { corp } = systems;
    corp.tree.remove('/cn=staff');
    await world.run('corp-in');
    corp.tree.add('/cn=staff', {}, ['/ou=people/uid=bob']);
    await world.run('corp-in');
    await expectAnnLeaves(world, how, systems, ['group bind staff', 'membership bind staff < bob']);
  });
});

describeWorlds('members that are made again', (makeWorld) => {
  test.each(hows)('leave groups by the new place, where they were moved to (%s)', async (how) => {
    const world = await makeWorld();
    const systems = await staffInTarget(world, how, ['/cn=guests']);
    const { corp } = systems;
    corp.tree.remove('/ou=people/uid=ann');
    await world.run('corp-in');
    corp.tree.add('/ou=away');
    corp.tree.add('/ou=away/uid=ann');
    corp.tree.addMember('/cn=guests', '/ou=away/uid=ann');
    await world.run('corp-in');
    const beside = [
      'organizationalUnit create away',
      'user bind ann',
      'user move ann',
      'membership bind guests < ann',
    ];
    await expectAnnLeaves(world, how, systems, beside);
  });
});

describeWorlds('members whose entry is bound to another one', (makeWorld) => {
  test('who is in the group again stays in it, though another hand moved the entry', async () => {
    const world = await makeWorld();
    const { corp, target } = await staffInTarget(world, 'at once');
    corp.tree.remove('/ou=people/uid=ann');
    await world.run('corp-in');
    corp.tree.add('/ou=people/uid=ann');
    corp.tree.addMember('/cn=staff', '/ou=people/uid=ann');
    await world.run('corp-in');
    target.tree.move('/ou=people/uid=ann', '/uid=ann');
    await world.run('target-out');
    expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });

  test.each(['by another name', 'by the same name'])(
    'who was a member by an entry that vanished is one once: %s',
    async (how) => {
      const world = await makeWorld();
      const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
      corp.tree.add('/cn=guests', {}, ['/ou=people/uid=ann']);
      corp.tree.set('/ou=people/uid=ann', { mail: ['ann@example.com'] });
      const target = await world.system('target');
      await world.egress('target');
      for (const name of ['corp-in', 'target-out']) await world.run(name);
      corp.tree.remove('/ou=people/uid=ann');
      await world.run('corp-in');
      const bob = corp.tree.get('/ou=people/uid=bob');
      corp.tree.assign(bob, { mail: ['ann@example.com'] });
      if (how === 'by the same name') corp.tree.move('/ou=people/uid=bob', '/ou=people/uid=ann');
      await world.run('corp-in');
      target.tree.remove('/ou=people/uid=bob');
      const job = await world.run('target-out');
      expect(brief(job.statistics)).toMatchObject({
        'membership same': '1/0/0',
        'membership deleted': '1/0/0',
      });
      expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
      expect(await told(world, await world.run('target-out'))).toEqual([]);
      corp.tree.removeMember('/cn=staff', corp.tree.pathOf(bob));
      await world.run('corp-in');
      const left = await world.run('target-out');
      expect(brief(left.statistics)).toMatchObject({ 'membership deleted': '1/0/0' });
      expect(target.tree.snapshot()).toEqual(corp.tree.snapshot());
    },
  );

  test('leave with the same run the groups of a former one who stays a member out of scope', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    for (const unit of ['/ou=in', '/ou=out']) corp.tree.add(unit);
    corp.tree.add('/ou=in/uid=ann', { mail: ['ann@example.com'] });
    corp.tree.add('/ou=in/cn=staff', {}, ['/ou=in/uid=ann']);
    await world.ingress('corp');
    const target = await world.system('target');
    await world.egress('target', { scopes: [{ source: '/in', target: '/' }] });
    for (const name of ['corp-in', 'target-out']) await world.run(name);
    corp.tree.move('/ou=in/uid=ann', '/ou=out/uid=ann');
    corp.tree.set('/ou=out/uid=ann', { mail: [] });
    corp.tree.add('/ou=in/uid=anna', { mail: ['ann@example.com'] });
    await world.run('corp-in');
    expect(await told(world, await world.run('target-out'))).toEqual([
      'user bind anna',
      'user move anna',
      'membership removeMember staff < anna',
    ]);
    expect(target.tree.get('/cn=staff').members).toEqual([]);
    expect(await told(world, await world.run('target-out'))).toEqual([]);
  });
});

describeWorlds('members on ingress', (makeWorld, store) => {
  test(
    'one who stays or goes is not looked for among all who go, also of more than fit into memory',
    { timeout: 80_000 },
    async () => {
      const world = await makeWorld();
      const size = 8000;
      const corp = await world.system('corp');
      const names = Array.from({ length: size }, (_, index) => `/uid=p${index}`);
      for (const name of names) corp.tree.add(name);
      corp.tree.add('/cn=all', {}, names);
      await world.ingress('corp', { guard: noGuard });
      await workbenchOf(world.app, world.actor).run('corp-in');
      corp.tree.get('/cn=all').members.splice(1);
      let read = 0;
      const transaction: Store['transaction'] = (work) =>
        store().transaction(async (trx) => {
          await sql`set local work_mem = '64kB'`.execute(trx);
          const result = await work(trx);
          const { rows } = await sql<{ read: number }>`
            select pg_stat_get_xact_tuples_fetched('change'::regclass) as read`.execute(trx);
          read = Math.max(read, rows[0]?.read ?? Number.NaN);
          return result;
        });
      const bench = workbenchOf({ ...world.app, store: { ...store(), transaction } }, world.actor);
      const { statistics } = await bench.run('corp-in');
      expect(brief(statistics)).toMatchObject({
        'membership deleted': `${size - 1}/0/0`,
        'membership same': '1/0/0',
      });
      expect(read).toBeLessThan(20 * size);
    },
  );

  // What looks each member up among all changes of its group, or all its members, does not come to an end in this time.
  test(
    'a large group is compared, loses members, then most of them held and approved',
    { timeout: 80_000 },
    async () => {
      const world = await makeWorld();
      const size = store().engine === 'server' ? 20_000 : 2000;
      const corp = await world.system('corp');
      const names = Array.from({ length: size }, (_, index) => `/uid=p${index}`);
      for (const name of names) corp.tree.add(name);
      corp.tree.add('/cn=all', {}, names);
      await world.ingress('corp', { guard: { membership: { percent: 20 } } });
      const bench = workbenchOf(world.app, world.actor);
      await bench.run('corp-in');
      const again = await bench.run('corp-in');
      expect(brief(again.statistics)).toMatchObject({ 'membership same': `${size}/0/0` });
      for (const name of ['/uid=p1', '/uid=p2', '/uid=p3', '/uid=p4']) {
        corp.tree.removeMember('/cn=all', name);
        const less = await bench.run('corp-in');
        expect(brief(less.statistics)).toMatchObject({ 'membership deleted': '1/0/0' });
      }
      const most = (size * 3) / 4;
      corp.tree.get('/cn=all').members.splice(0, most);
      const held = await bench.run('corp-in');
      expect(held.status).toBe('held');
      const approved = await world.approve(held.id);
      expect(brief(approved.statistics)).toMatchObject({
        'membership deleted': `${most}/0/0`,
        'membership same': `${size - most - 4}/0/0`,
      });
    },
  );

  test('a member that arrives later is added though its group is not touched, and waits in the note of each run until then', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=new']);
    const first = await world.run('corp-in');
    expect(first.status).toBe('success');
    expect(brief(first.statistics)).toMatchObject({ 'membership created': '1/0/1' });
    const waiting = (await world.changes(first.id)).find(({ result }) => result === 'skipped');
    expect(waiting?.error).toMatchObject({ code: 'ReferenceNotFound' });
    const note = '1 member that a group names is not in the directory and waits: staff < /ou=people/uid=new';
    expect(first.note).toBe(note);
    corp.forgetCounts();
    const quiet = await world.run('corp-in');
    expect(quiet.note).toBe(note);
    expect((await world.run('corp-in', 'dryRun')).note).toBe(note);
    expect(await told(world, quiet)).toEqual([]);
    expect(corp.decodes).toBe(0);
    corp.tree.add('/ou=people/uid=new');
    const later = await world.run('corp-in');
    expect(await told(world, later)).toEqual(['user create new', 'membership addMember staff < new']);
    expect(later.note).toBeNull();
    expect(corp.decodes).toBe(1);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a reference that is dropped while it waits is forgotten', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=new']);
    await world.run('corp-in');
    corp.tree.removeMember('/cn=staff', '/ou=people/uid=new');
    expect((await world.run('corp-in')).note).toBeNull();
    corp.tree.add('/ou=people/uid=new');
    await world.run('corp-in');
    expect(await membersOf(world, '/cn=staff')).toEqual([]);
  });

  test('members that wait are counted, the first few by name, and are forgotten with their group', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=x1']);
    corp.tree.add('/cn=more', {}, ['/ou=people/uid=x2', '/ou=people/uid=x3', '/ou=people/uid=x4']);
    expect((await world.run('corp-in')).note).toBe(
      '4 members that groups name are not in the directory and wait: ' +
        'more < /ou=people/uid=x2, more < /ou=people/uid=x3, more < /ou=people/uid=x4, ...',
    );
    corp.tree.remove('/cn=more');
    expect((await world.run('corp-in')).note).toMatch(/^1 member .* staff < .*uid=x1$/);
    corp.tree.remove('/cn=staff');
    expect((await world.run('corp-in')).note).toBeNull();
  });

  test('a member that is renamed and moved stays one, and who takes its old name does not become one', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann']);
    await world.run('corp-in');
    corp.tree.move('/ou=people/uid=ann', '/uid=anna');
    const moved = await world.run('corp-in');
    expect(await told(world, moved)).toEqual(['user move anna']);
    expect(await membersOf(world, '/cn=staff')).toEqual(['/uid=anna']);
    corp.tree.add('/ou=people/uid=ann');
    const newcomer = await world.run('corp-in');
    expect(await told(world, newcomer)).toEqual(['user create ann']);
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('where references do not follow, a member that moves away is one no more, and again when it comes back', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    corp.tree.referencesFollow = false;
    await world.run('corp-in');
    corp.tree.move('/ou=people/uid=ann', '/uid=ann');
    const away = await world.run('corp-in');
    expect(brief(away.statistics)).toMatchObject({ 'membership deleted': '1/0/0', 'user updated': '1/0/0' });
    expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=bob']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
    corp.tree.move('/uid=ann', '/ou=people/uid=ann');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each(['delete', 'disable', 'ignore'] as const)(
    'where references do not follow, who comes back as another entry elsewhere is no member (onMissing: %s)',
    async (onMissing) => {
      const world = await makeWorld();
      const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
      corp.tree.referencesFollow = false;
      await world.ingress('corp', { onMissing });
      await world.run('corp-in');
      corp.tree.remove('/ou=people/uid=ann');
      corp.tree.add('/uid=ann');
      await world.run('corp-in');
      expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=bob']);
      expect(await told(world, await world.run('corp-in'))).toEqual([]);
    },
  );

  test('a group that is gone at its source and kept keeps members that move', async () => {
    const world = await makeWorld();
    const corp = await world.system('corp');
    corp.tree.referencesFollow = false;
    corp.tree.add('/ou=people');
    for (const name of ['ann', 'bob']) corp.tree.add(`/ou=people/uid=${name}`);
    corp.tree.add('/cn=staff', {}, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    await world.ingress('corp', { onMissing: 'disable' });
    await world.run('corp-in');
    corp.tree.remove('/cn=staff');
    corp.tree.move('/ou=people/uid=ann', '/uid=ann');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user move ann']);
    corp.tree.move('/ou=people/uid=bob', '/uid=bob');
    expect(await told(world, await world.run('corp-in'))).toEqual(['user move bob']);
    expect(await membersOf(world, '/cn=staff')).toEqual(['/uid=ann', '/uid=bob']);
  });

  test('a reference that comes to name somebody else changes the member', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann']);
    corp.tree.referencesFollow = false;
    await world.run('corp-in');
    corp.tree.move('/ou=people/uid=ann', '/uid=away');
    corp.tree.move('/ou=people/uid=bob', '/ou=people/uid=ann');
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({
      'membership created': '1/0/0',
      'membership deleted': '1/0/0',
    });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test.each(['approved', 'planned again', 'gone with the member'] as const)(
    'the removal of a member whose name is another one’s now is held, and %s',
    async (end) => {
      const world = await makeWorld();
      const corp = await corpWithStaff(world, ['/ou=people/uid=ann']);
      corp.tree.referencesFollow = false;
      await world.ingress('corp', { guard: { ...noGuard, membership: { count: 0 } } });
      await world.run('corp-in');
      corp.tree.move('/ou=people/uid=ann', '/uid=away');
      corp.tree.move('/ou=people/uid=bob', '/ou=people/uid=ann');
      const held = await world.run('corp-in');
      expect(held.status).toBe('held');
      expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=ann', '/uid=away']);
      if (end === 'gone with the member') corp.tree.remove('/uid=away');
      if (end === 'approved') await world.approve(held.id);
      await world.ingress('corp');
      for (let run = 0; run < 2; run += 1) {
        const { status, note } = await world.run('corp-in');
        expect([status, note]).toEqual(['success', null]);
      }
      expect(await world.directory()).toEqual(corp.tree.snapshot());
    },
  );

  test.each([
    ['disable', 'bob'],
    ['disable', 'ann'],
    ['ignore', 'bob'],
    ['ignore', 'ann'],
  ] as const)('who has the name of one who is gone is the member (%s %s)', async (onMissing, gone) => {
    const world = await makeWorld();
    const path = `/ou=people/uid=${gone}`;
    const corp = await corpWithStaff(world, [path]);
    corp.tree.referencesFollow = false;
    await world.ingress('corp', { onMissing });
    await world.run('corp-in');
    corp.tree.remove(path);
    await world.run('corp-in');
    corp.tree.add('/ou=people/uid=aaa', { uid: ['next'] });
    await world.run('corp-in');
    corp.tree.move('/ou=people/uid=aaa', path);
    corp.tree.set(path, { uid: ['next'] });
    await world.run('corp-in');
    expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=next']);
    corp.tree.set('/cn=staff', { description: ['read again'] });
    expect(await told(world, await world.run('corp-in'))).toEqual(['group update staff']);
    expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=next']);
  });

  test('a member whom a group names by the new name and by the old one is one member, and the old name waits', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann']);
    corp.tree.referencesFollow = false;
    await world.run('corp-in');
    corp.tree.move('/ou=people/uid=ann', '/ou=people/uid=eve');
    corp.tree.addMember('/cn=staff', '/ou=people/uid=eve');
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual(['user move eve']);
    expect(brief(job.statistics)).toMatchObject({ 'membership same': '1/0/0' });
    expect(job.note).toContain('staff < /ou=people/uid=ann');
    corp.tree.removeMember('/cn=staff', '/ou=people/uid=eve');
    await world.run('corp-in');
    expect(await membersOf(world, '/cn=staff')).toEqual([]);
  });

  test('two members that swap their names both stay', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    corp.tree.add('/cn=only-ann', {}, ['/ou=people/uid=ann']);
    await world.run('corp-in');
    corp.tree.move('/ou=people/uid=ann', '/ou=people/uid=swap');
    corp.tree.move('/ou=people/uid=bob', '/ou=people/uid=ann');
    corp.tree.move('/ou=people/uid=swap', '/ou=people/uid=bob');
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('a member that is deleted leaves its groups by a change of its own', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    corp.tree.add('/cn=more', {}, ['/ou=people/uid=ann']);
    await world.run('corp-in');
    corp.tree.remove('/ou=people/uid=ann');
    const job = await world.run('corp-in');
    expect(brief(job.statistics)).toMatchObject({ 'user deleted': '1/0/0', 'membership deleted': '2/0/0' });
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('groups in groups: a cycle is kept as it is, a group that is deleted leaves the other', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/cn=inner']);
    corp.tree.add('/cn=inner', {}, ['/cn=staff', '/ou=people/uid=ann']);
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    corp.tree.remove('/cn=inner');
    const job = await world.run('corp-in');
    expect(job.status).toBe('success');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });

  test('a group that cannot be understood keeps its members', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    await world.run('corp-in');
    const staff = corp.tree.get('/cn=staff');
    corp.broken.add(staff.id);
    corp.tree.removeMember('/cn=staff', '/ou=people/uid=ann');
    const job = await world.run('corp-in');
    expect(job.status).toBe('partial_success');
    expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=ann', '/ou=people/uid=bob']);
    corp.broken.clear();
    await world.run('corp-in');
    expect(await world.directory()).toEqual(corp.tree.snapshot());
  });

  test('a member that cannot be understood keeps its memberships', async () => {
    const world = await makeWorld();
    const corp = await corpWithStaff(world, ['/ou=people/uid=ann', '/ou=people/uid=bob']);
    await world.run('corp-in');
    const ann = corp.tree.get('/ou=people/uid=ann');
    corp.broken.add(ann.id);
    corp.tree.set('/ou=people/uid=ann', { title: ['x'] });
    corp.tree.set('/cn=staff', { description: ['x'] });
    const job = await world.run('corp-in');
    expect(await told(world, job)).toEqual([
      `user update ${ann.id} failed InvalidRecord`,
      'group update staff',
    ]);
    expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=ann', '/ou=people/uid=bob']);
  });

  test('a membership taken out by another hand is put back, and one put in by another hand stays', async () => {
    const world = await makeWorld();
    await corpWithStaff(world, ['/ou=people/uid=ann']);
    const hr = await world.system('hr');
    hr.tree.add('/uid=zoe');
    hr.tree.add('/cn=staff', {}, ['/uid=zoe']);
    await world.ingress('hr');
    await world.run('corp-in');
    await world.run('hr-in');
    expect(await membersOf(world, '/cn=staff')).toEqual(['/ou=people/uid=ann', '/uid=zoe']);
    expect(await told(world, await world.run('corp-in'))).toEqual([]);
  });
});
