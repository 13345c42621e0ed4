import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { markTouched, markReferrers } from './stage-read.ts';
import { stagingColumns, standingIndexes } from './staging-tables.ts';
import type { StagingTable } from './staging-tables.ts';

const people = 6000;
const tableName = (name: StagingTable) => `staging.tried_${name}`;
const table = (name: StagingTable) => sql.table(tableName(name));

describeOnSharedStores('links of those who left the scope of an egress', (makeStore) => {
  test('are found without a look at those of them that are noted already', async () => {
    const store = await makeStore();
    await sql`
      insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
      select 'user_' || n, 'tenant', 'u' || n, 'u' || n, '{}', 1 from generate_series(1, ${people}::int) n`.execute(
      store.db,
    );
    await sql`
      insert into link (sync_serial, kind, external_id, object_id, object_revision)
      select 1, 'user', 'x' || n, 'user_' || n, 1 from generate_series(1, ${people}::int) n`.execute(
      store.db,
    );
    await sql`analyze directory_user, link`.execute(store.db);
    const { rows } = await store.transaction(async (trx) => {
      for (const name of ['source', 'touched'] as const)
        await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(trx);
      await sql`create index on ${table('touched')} ${sql.raw(standingIndexes.touched ?? '')}`.execute(trx);
      await sql`
        insert into ${table('source')} (kind, object_id, label, scope, depth, external_id, needs)
        select 'user', 'user_' || n, 'u' || n, 0, 0, 'x' || n, false from generate_series(1, ${people}::int) n`.execute(
        trx,
      );
      // What a filter keeps out goes when the planner has been told of the scope.
      await sql`analyze ${table('source')}, ${table('touched')}`.execute(trx);
      await sql`delete from ${table('source')}`.execute(trx);
      await markTouched({
        store: { ...store, db: trx, transaction: async (work) => work(trx) },
        table,
        tableName,
        sync: { serial: 1, direction: 'egress' },
      });
      // Blocks and not rows: a statement does not see the rows that it adds, but reads past them.
      return sql<{ marked: number; read: number }>`
        select (select count(*)::int from ${table('touched')}) as marked,
          pg_stat_get_xact_blocks_fetched(${tableName('touched')}::regclass) as read`.execute(trx);
    });
    expect(rows[0]?.marked).toBe(people);
    expect(rows[0]?.read).toBeLessThan(3 * people);
  });
});

describeOnSharedStores('links of those who name one that left the scope of an egress', (makeStore) => {
  test('are found in one look through all that left, where nobody has told the planner of attributes', async () => {
    const store = await makeStore();
    await sql`
      insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
      select 'user_' || n, 'tenant', 'u' || n, 'u' || n, jsonb_build_object('manager', jsonb_build_array('user_' || (n + ${people}::int / 2))), 1
      from generate_series(1, ${people}::int) n`.execute(store.db);
    await sql`
      insert into link (sync_serial, kind, external_id, object_id, object_revision)
      select 1, 'user', 'x' || n, 'user_' || n, 1 from generate_series(1, ${people}::int) n`.execute(
      store.db,
    );
    await sql`analyze directory_user (id), link`.execute(store.db);
    const { marked, read } = await store.transaction(async (trx) => {
      for (const name of ['source', 'touched'] as const)
        await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(trx);
      await sql`analyze ${table('source')}, ${table('touched')}`.execute(trx);
      await sql`set local work_mem = '64kB'`.execute(trx);
      const statement = markReferrers({ table, sync: { serial: 1, direction: 'egress' } }, 'user', 'manager');
      const { rows: lines } = await sql<{ 'QUERY PLAN': string }>`
        explain (analyze, costs off, timing off) ${statement}`.execute(trx);
      const scans = lines.flatMap((line) => {
        const found = /CTE Scan on (?:changed|named).* rows=(\d+)(?:\.\d+)? loops=(\d+)/.exec(
          line['QUERY PLAN'],
        );
        return found === null ? [] : [Number(found[1]) * Number(found[2])];
      });
      const { rows } = await sql<{ marked: number }>`
        select count(*)::int as marked from ${table('touched')}`.execute(trx);
      return { marked: rows[0]?.marked, read: scans.reduce((sum, each) => sum + each, 0) };
    });
    expect(marked).toBe(people / 2);
    expect(read).toBeLessThan(3 * people);
  });
});
