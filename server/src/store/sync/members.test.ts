import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../../test/servers/stores.ts';
import { goneOnEgress, indexLost, isLost, joinWhole } from './members.ts';
import { stagingColumns } from './staging-tables.ts';
import type { StagingTable } from './staging-tables.ts';

const tableName = (name: StagingTable) => `staging.tried_${name}`;
const table = (name: StagingTable) => sql.table(tableName(name));

describeOnBothStores('memberships', (makeStore) => {
  test('of a large group are joined by group and member, however few the planner expects', async () => {
    const store = await makeStore();
    await sql`create table known (group_id text, member_id text)`.execute(store.db);
    await sql`create table written (group_id text, member_id text)`.execute(store.db);
    await sql`insert into known values ('group 1', '0')`.execute(store.db);
    // A merge expects to stop after the first of many groups.
    await sql`insert into written select 'group ' || n % 100, n::text from generate_series(1, 100000) n order by 1`.execute(
      store.db,
    );
    await sql`create index on known (group_id)`.execute(store.db);
    await sql`create index on written (group_id)`.execute(store.db);
    await sql`analyze known, written`.execute(store.db);
    const plan = await store.transaction(async (trx) => {
      await joinWhole(trx);
      return sql<{ 'QUERY PLAN': string }>`
        explain select count(*) from known k where not exists (
          select 1 from written w where w.group_id = k.group_id and w.member_id = k.member_id)`.execute(trx);
    });
    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toMatch(/Hash Cond: \(\(.*group_id.*\) AND \(.*member_id.*\)\)/);
  });

  test('that a large group has lost are looked up one by one, where the list of them does not fit into memory', async () => {
    const store = await makeStore();
    const lost = 6000;
    for (const name of ['object', 'member'] as const)
      await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(store.db);
    await sql`
      insert into ${table('object')} (kind, external_id, object_id, linked, scope, parents, parent_reference, depth, label, name, name_key, attributes, has_members)
      select 'group', 'g' || n, 'group_' || n, true, 0, '[]', '', 0, '', '', '', '{}', false from generate_series(1, 1000) n`.execute(
      store.db,
    );
    await sql`create index on ${table('object')} (object_id)`.execute(store.db);
    await sql`
      insert into ${table('member')} (group_external_id, reference, part)
      select 'g1', 'uid=p' || n || ',ou=people,dc=example,dc=com', 'removed' from generate_series(1, ${lost}::int) n`.execute(
      store.db,
    );
    await sql`
      insert into membership_link (sync_serial, group_id, reference, member_id)
      select 1, 'group_1', 'uid=p' || n || ',ou=people,dc=example,dc=com', 'user_' || n from generate_series(1, ${2 * lost}::int) n`.execute(
      store.db,
    );
    await indexLost({ store, table, tableName });
    await sql`analyze ${table('object')}, ${table('member')}, membership_link`.execute(store.db);
    const { plan, found } = await store.transaction(async (trx) => {
      await sql`set local work_mem = '64kB'`.execute(trx);
      const query = sql`
        select count(*)::int as found from membership_link x
        where x.sync_serial = 1 and (x.member_id is null or ${isLost({ table }, 'x')})`;
      const { rows: lines } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(trx);
      const { rows } = await sql<{ found: number }>`${query}`.execute(trx);
      return { plan: lines.map((row) => row['QUERY PLAN']).join('\n'), found: rows[0]?.found };
    });
    expect(found).toBe(lost);
    expect(plan).toMatch(/Index.* on tried_member/);
  });

  test('that leave a large group of a target are not looked for among those who stay', async () => {
    const store = await makeStore();
    const { db } = store;
    const people = 4000;
    for (const name of ['object', 'source', 'missing'] as const)
      await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(db);
    const numbers = sql`generate_series(1, ${people}::int) n`;
    await sql`
      insert into ${table('object')} (kind, external_id, object_id, linked, reference, scope, parents, parent_reference, depth, label, name, name_key, attributes, has_members)
      select 'user', 'x' || n, 'user_' || n, true, 'uid=' || n, 0, '[]', '', 0, '', '', '', '{}', false from ${numbers}`.execute(
      db,
    );
    await sql`
      insert into ${table('source')} (kind, object_id, label, scope, depth, external_id, needs)
      select 'group', 'group_' || n, '', 0, 0, 'g' || n, true from generate_series(1, 20) n`.execute(db);
    // Everybody is in twenty groups of ten, and was in one of all, where half of them still are.
    await sql`
      insert into membership_link (sync_serial, group_id, reference, member_id)
      select 1, 'group_' || g, 'uid=' || m, 'user_' || m
      from generate_series(1, ${2 * people}::int) g, generate_series(1, case g when 1 then ${people}::int else 10 end) n,
        lateral (select 1 + (n * 7919 + g * 104729) % ${people}::int as m) shuffled`.execute(db);
    await sql`
      insert into membership (group_id, member_id, tenant_id, member_kind, revision)
      select group_id, member_id, 'tenant_1', 'user', 1 from membership_link
      where group_id <> 'group_1' or right(member_id, 1) in ('0', '1', '2', '3', '4')`.execute(db);
    for (const column of ['(object_id)', '(reference)', '(kind, external_id)'])
      await sql`create index on ${table('object')} ${sql.raw(column)}`.execute(db);
    await sql`analyze ${table('object')}, ${table('source')}, membership, membership_link`.execute(db);
    const { found, read } = await store.transaction(async (trx) => {
      const readSoFar = async (): Promise<number> => {
        const { rows } = await sql<{ read: number }>`
          select sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::bigint as read from pg_class
          where relname in ('membership', 'membership_pkey', 'membership_by_member')`.execute(trx);
        return rows[0]?.read ?? Number.NaN;
      };
      const before = await readSoFar();
      const gone = goneOnEgress({ table, job: { serial: 1 }, sync: { serial: 1, onMissing: 'delete' } });
      const { rows } = await sql<{ found: number }>`select count(*)::int as found from (${gone}) g`.execute(
        trx,
      );
      return { found: rows[0]?.found, read: (await readSoFar()) - before };
    });
    expect(found).toBe(people / 2);
    expect(read).toBeLessThan(10 * people);
  });
});
