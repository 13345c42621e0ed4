import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { seen, stagingColumns, unseen } from './staging-tables.ts';
import type { StagingTable } from './staging-tables.ts';

const people = 6000;
const table = (name: StagingTable) => sql.table(`staging.tried_${name}`);

describeOnSharedStores('objects that a read brought, and those that it did not', (makeStore) => {
  test('are found by joins, also of more keys than are kept in memory', async () => {
    const store = await makeStore();
    await sql`
      insert into link (sync_serial, kind, external_id, object_id)
      select 1, 'user', 'x' || n, 'user_' || n from generate_series(1, ${people}::int) n`.execute(store.db);
    for (const name of ['key', 'gone'] as const)
      await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(store.db);
    await sql`
      insert into ${table('key')} (kind, external_id, fingerprint)
      select 'user', 'x' || n, '00000000-0000-0000-0000-000000000000' from generate_series(2, ${people}::int) n`.execute(
      store.db,
    );
    await sql`
      insert into ${table('gone')} (kind, external_id)
      select 'user', 'x' || n from generate_series(4, ${people}::int) n`.execute(store.db);
    await sql`analyze link, ${table('key')}, ${table('gone')}`.execute(store.db);
    const found: Record<string, number> = {};
    await store.transaction(async (trx) => {
      await sql`set local work_mem = '64kB'`.execute(trx);
      for (const absence of ['whole', 'told', 'nothing'] as const)
        for (const [name, condition] of Object.entries({ seen, unseen })) {
          const query = sql`select count(*)::int as count from link l where ${condition({ table }, absence)}`;
          const { rows: plan } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(trx);
          expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('SubPlan');
          const { rows } = await sql<{ count: number }>`${query}`.execute(trx);
          found[`${absence} ${name}`] = rows[0]?.count ?? Number.NaN;
        }
    });
    expect(found).toEqual({
      'whole seen': people - 1,
      'whole unseen': 1,
      'told seen': 3,
      'told unseen': people - 3,
      'nothing seen': people,
      'nothing unseen': 0,
    });
  });
});
