import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import type { Executor, Store } from '../store.ts';
import { countObjects, searchMemberships, searchObjects } from './directory-search.ts';
import { selectObjects } from './directory.ts';

const tenant = 'tenant_1';
const people = 3000;

/** A group of people who all come from one connection. */
async function fill({ db }: Store): Promise<void> {
  await sql`insert into tenant (id, name) values (${tenant}, 'one')`.execute(db);
  await sql`insert into connection (id, tenant_id, name, type, settings) values ('idp_1', ${tenant}, 'corp', 'ldap', '{}')`.execute(
    db,
  );
  const { rows } = await sql<{ serial: number }>`
    insert into sync (id, tenant_id, connection_id, name, direction, position, settings)
    values ('sync_1', ${tenant}, 'idp_1', 'corp-in', 'ingress', 0, '{}') returning serial`.execute(db);
  const serial = rows[0]?.serial ?? 0;
  await sql`insert into directory_group (id, tenant_id, name, name_key, attributes, revision) values ('group_1', ${tenant}, 'all', 'all', '{}', 1)`.execute(
    db,
  );
  const numbers = sql`generate_series(1, ${people}::int) n`;
  await sql`
    insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
    select 'user_' || n, ${tenant}, 'u' || n, 'u' || n, '{}', 1 from ${numbers}`.execute(db);
  await sql`
    insert into link (sync_serial, kind, external_id, object_id)
    select ${serial}::bigint, 'user', 'x' || n, 'user_' || n from ${numbers}`.execute(db);
  await sql`
    insert into membership (group_id, member_id, tenant_id, member_kind, revision)
    select 'group_1', 'user_' || n, ${tenant}, 'user', 1 from ${numbers}`.execute(db);
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select ${serial}::bigint, 'group_1', 'x' || n, 'user_' || n from ${numbers}`.execute(db);
  await sql`analyze`.execute(db);
}

/** Rows of a table that are read meanwhile. */
async function rowsRead(
  store: Store,
  table: string,
  look: (trx: Executor) => Promise<void>,
): Promise<number> {
  return store.transaction(async (trx) => {
    // Of the transaction, and of those just before it.
    const readSoFar = async (): Promise<number> => {
      const { rows } = await sql<{ read: number }>`
        select seq_tup_read + coalesce(idx_tup_fetch, 0) as read from pg_stat_xact_user_tables where relname = ${table}`.execute(
        trx,
      );
      return rows[0]?.read ?? Number.NaN;
    };
    const before = await readSoFar();
    await look(trx);
    return (await readSoFar()) - before;
  });
}

describeOnSharedStores('a search of the directory', (makeStore) => {
  test('by external id looks up no links of others', async () => {
    const store = await makeStore();
    await fill(store);
    const read = await rowsRead(store, 'link', async (trx) => {
      const search = { externalId: 'x7' };
      const found = await searchObjects(trx, tenant, 'user', search, { limit: 20 });
      expect(found.map(({ id }) => id)).toEqual(['user_7']);
      expect(await countObjects(trx, tenant, 'user', search)).toBe(1);
    });
    expect(read).toBeLessThan(20);
  });

  test('by connection reads its links once, and not one by one', async () => {
    const store = await makeStore();
    await fill(store);
    const read = await rowsRead(store, 'link', async (trx) => {
      const search = { originIds: ['idp_1'], externalId: 'x7' };
      expect(await countObjects(trx, tenant, 'user', search)).toBe(1);
    });
    expect(read).toBeLessThan(people + 20);
  });

  test('asks where members come from of one page alone', async () => {
    const store = await makeStore();
    await fill(store);
    const read = await rowsRead(store, 'membership_link', async (trx) => {
      const page = { limit: 10, offset: people - 10 };
      const { rows, total } = await searchMemberships(trx, tenant, { groupId: 'group_1' }, page);
      expect([total, rows.length, rows[0]?.originId]).toEqual([people, 10, 'idp_1']);
    });
    expect(read).toBeLessThan(20);
  });

  test.each(['before', 'after'])('pages by id of a tenant read nobody who was made %s', async (when) => {
    const store = await makeStore();
    const own = people / 3;
    const first = when === 'before' ? people : 0;
    // Two large tenants, each in one span of ids, as they grow.
    await sql`
      insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
      select 'user_' || lpad(n::text, 5, '0'), case when n > ${first}::int and n <= ${first + own}::int then ${tenant} else 'other' end,
        'u' || n, 'u' || n, '{}', 1
      from generate_series(1, ${people + own}::int) n`.execute(store.db);
    await sql`analyze directory_user`.execute(store.db);
    const lastButTwo = `user_${String(first + own - 2).padStart(5, '0')}`;
    const read = await rowsRead(store, 'directory_user', async (trx) => {
      for (const page of [{ limit: 10 }, { limit: 10, after: lastButTwo }]) {
        const expected = page.after === undefined ? 10 : 2;
        expect(await selectObjects(trx, tenant, 'user', {}, page)).toHaveLength(expected);
        expect(await searchObjects(trx, tenant, 'user', {}, page)).toHaveLength(expected);
      }
    });
    expect(read).toBeLessThan(50);
  });
});
