import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { markNeeds } from './stage-source.ts';
import { stagingColumns } from './staging-tables.ts';
import type { StagingPlace, StagingTable } from './staging-tables.ts';

const people = 6000;
const tableName = (name: StagingTable) => `staging.tried_${name}`;
const table = (name: StagingTable) => sql.table(tableName(name));

describeOnSharedStores('objects of the directory that need a second look', (makeStore) => {
  test('are found by joins, also of more keys than are kept in memory', async () => {
    const store = await makeStore();
    const found = await store.transaction(async (trx) => {
      await sql`set local work_mem = '64kB'`.execute(trx);
      for (const name of ['source', 'object', 'key'] as const)
        await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(trx);
      await sql`
        insert into ${table('source')} (kind, object_id, label, scope, depth, external_id, needs)
        select 'user', 'user_' || n, 'u' || n, 0, 0, 'x' || n, false from generate_series(1, ${people}::int) n`.execute(
        trx,
      );
      await sql`
        insert into ${table('key')} (kind, external_id, fingerprint)
        select 'user', 'x' || n, '00000000-0000-0000-0000-000000000000' from generate_series(2, ${people}::int) n`.execute(
        trx,
      );
      for (const name of ['source', 'key'] as const) await sql`analyze ${table(name)}`.execute(trx);
      const context: StagingPlace = {
        store: { ...store, db: trx, transaction: async (work) => work(trx) },
        table,
        tableName,
      };
      await markNeeds(context, 'whole');
      const { rows } = await sql<{ id: string; vanished: boolean; read: number }>`
        select s.object_id as id, s.vanished, pg_stat_get_xact_tuples_returned(${tableName('key')}::regclass) as read
        from ${table('source')} s where s.needs`.execute(trx);
      return rows;
    });
    expect(found).toMatchObject([{ id: 'user_1', vanished: true }]);
    expect(found[0]?.read).toBeLessThan(10 * people);
  });
});
