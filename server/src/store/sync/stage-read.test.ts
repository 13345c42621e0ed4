import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { markTouched } from './stage-read.ts';
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
