import { AsyncLocalStorage } from 'node:async_hooks';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import type { Store } from '../store.ts';
import { findScimRecord } from './scim-list.ts';
import { removeScimRecord, writeScimRecords, type ScimWrite } from './scim-writes.ts';

const at = new Date('2026-01-01T00:00:00Z');

function write(id: string, expectedRevision: number, title: string, added: string[] = []): ScimWrite {
  const attributes = { userName: id, title };
  const kind = id.startsWith('g') ? 'group' : 'user';
  const content = { attributes, folded: attributes };
  return { kind, id, expectedRevision, changes: 1, content, members: { added, removed: [] }, at };
}

async function makeConnection({ db }: Store): Promise<number> {
  await sql`insert into tenant (id, name) values ('tenant_1', 'one') on conflict do nothing`.execute(db);
  const { rows } = await sql<{ serial: number }>`
    insert into connection (id, tenant_id, name, type, settings) values ('idp_1', 'tenant_1', 'hr', 'scim_server', '{}')
    returning serial`.execute(db);
  return rows[0]?.serial ?? 0;
}

/** Members that a copy has, and whether a record is behind each. */
async function membersIn({ db }: Store, serial: number): Promise<[string, boolean][]> {
  const { rows } = await sql<{ id: string; there: boolean }>`
    select m.member_id as id, r.removed_at is null as there
    from replica_member m left join replica_record r on r.connection_serial = m.connection_serial and r.kind = 'user'
      and r.external_id = m.member_id
    where m.connection_serial = ${serial} and not m.removed order by 1`.execute(db);
  return rows.map(({ id, there }) => [id, there]);
}

/** Lets statements of other connections wait for the copy in the order in which they come, where there are others. */
async function inOrder<First, Second>(
  store: Store,
  serial: number,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  if (store.engine === 'embedded') return Promise.all([first(), second()]);
  const waiting = async (count: number) => {
    await expect
      .poll(async () => {
        const { rows } = await sql<{ count: number }>`
          select count(*) as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(store.db);
        return rows[0]?.count;
      })
      .toBe(count);
  };
  const outside = AsyncLocalStorage.snapshot();
  return store
    .transaction(async (trx) => {
      await sql`select from replica where connection_serial = ${serial} for update`.execute(trx);
      // What is waited for begins outside of this transaction.
      return outside(async () => {
        const one = first();
        await waiting(1);
        const other = second();
        await waiting(2);
        return { both: Promise.all([one, other]) };
      });
    })
    .then(async ({ both }) => both);
}

describeOnSharedStores('a user who is removed while a group gets them as a member', (makeStore) => {
  async function open() {
    const store = await makeStore();
    const serial = await makeConnection(store);
    await writeScimRecords(store.db, serial, [
      write('u1', 0, 'new'),
      write('u2', 0, 'new'),
      write('g1', 0, 'new'),
      write('g2', 0, 'new'),
    ]);
    const key = { connectionSerial: serial, kind: 'user', id: 'u1' } as const;
    const remove = async () => removeScimRecord(store, key, 1, at);
    const add = async () =>
      writeScimRecords(store.db, serial, [
        write('g1', 1, 'old', ['u1', 'u2']),
        write('g2', 1, 'old', ['u2']),
      ]);
    return { store, serial, remove, add };
  }

  test('is not its member, when the removal is faster: the group is not written', async () => {
    const { store, serial, remove, add } = await open();
    const [isRemoved, { written }] = await inOrder(store, serial, remove, add);
    expect([isRemoved, written.map(({ id }) => id)]).toEqual([true, ['g2']]);
    expect(await membersIn(store, serial)).toEqual([['u2', true]]);
  });

  test('is no longer its member, when the group is faster', async () => {
    const { store, serial, remove, add } = await open();
    const [{ written }, isRemoved] = await inOrder(store, serial, add, remove);
    expect([isRemoved, written.map(({ id }) => id).toSorted()]).toEqual([true, ['g1', 'g2']]);
    expect(await membersIn(store, serial)).toEqual([
      ['u2', true],
      ['u2', true],
    ]);
    const group = await findScimRecord(store.db, { connectionSerial: serial, kind: 'group', id: 'g1' }, true);
    expect([group?.revision, group?.related?.map(({ id }) => id)]).toEqual([3, ['u2']]);
  });
});

describeOnSharedStores('records that are written together', (makeStore) => {
  test('are left alone with their members where another process was faster', async () => {
    const store = await makeStore();
    const { db } = store;
    const serial = await makeConnection(store);
    const find = async (id: string) => {
      const kind = id.startsWith('g') ? ('group' as const) : ('user' as const);
      const found = await findScimRecord(db, { connectionSerial: serial, kind, id }, true);
      const { revision, attributes, related } = found ?? {};
      return [revision, attributes?.['title'], related?.map((member) => member.id) ?? []];
    };
    await writeScimRecords(db, serial, [write('u1', 0, 'new'), write('u2', 0, 'new'), write('g1', 0, 'new')]);
    const { written } = await writeScimRecords(db, serial, [
      write('u1', 1, 'faster'),
      write('g1', 1, 'faster'),
    ]);
    expect(Object.fromEntries(written.map(({ id, revision }) => [id, revision]))).toEqual({ g1: 2, u1: 2 });
    const late = await writeScimRecords(db, serial, [
      write('u1', 1, 'late'),
      write('u2', 1, 'in time'),
      write('g1', 1, 'late', ['u1']),
    ]);
    expect(late.written.map(({ id }) => id)).toEqual(['u2']);
    expect([await find('u1'), await find('u2'), await find('g1')]).toEqual([
      [2, 'faster', []],
      [2, 'in time', []],
      [2, 'faster', []],
    ]);
  });
});
