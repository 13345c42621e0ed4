import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../../test/servers/stores.ts';
import { joinWhole } from './members.ts';

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
});
