import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { newId } from '../../kernel/ids.ts';
import type { SourceFilter } from '../../sync/sync-store.ts';
import { insertTenant } from '../queries/installation.ts';
import { markNeeds, stageSource } from './stage-source.ts';
import { stagingColumns } from './staging-tables.ts';
import type { StagingPlace, StagingTable } from './staging-tables.ts';

const people = 12_000;
const tableName = (name: StagingTable) => `staging.tried_${name}`;
const table = (name: StagingTable) => sql.table(tableName(name));

const engineersOnly: SourceFilter = {
  passes: (_kind, _scope, { title = [] }) => title[0] === 'engineer',
  findUnmet: () => [],
};

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

describeOnSharedStores('objects of the directory that a filter keeps out', (makeStore) => {
  test('are found in one look through the scope, however many pages it fills', async () => {
    const store = await makeStore();
    const tenantId = newId('tenant');
    await insertTenant(store.db, { id: tenantId, name: tenantId });
    await sql`
      insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
      select 'user_' || n, ${tenantId}, 'u' || n, 'u' || n, jsonb_build_object('title', jsonb_build_array(case when n % 2 = 1 then 'engineer' else 'clerk' end)), 1
      from generate_series(1, ${people}::int) n`.execute(store.db);
    const { counts, read } = await store.transaction(async (trx) => {
      for (const name of ['source', 'source_unit'] as const)
        await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(trx);
      const context = {
        store: {
          ...store,
          db: trx,
          transaction: async <T>(work: (within: typeof trx) => Promise<T>) => work(trx),
        },
        table,
        tableName,
        sync: { serial: 1, tenantId },
      };
      const scopes = [{ index: 0, organizationalUnitId: null }];
      const counts = await stageSource(context, scopes, ['user'], engineersOnly);
      const { rows } = await sql<{ read: number }>`
        select pg_stat_get_xact_tuples_returned(t.oid) + pg_stat_get_xact_tuples_fetched(t.oid) as read
        from (select ${tableName('source')}::regclass as oid) t`.execute(trx);
      return { counts, read: rows[0]?.read };
    });
    expect(counts.user).toBe(people / 2);
    expect(read).toBeLessThan(5 * people);
  });
});
