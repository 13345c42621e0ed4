import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { indexReferrers, referrers } from './referrers.ts';
import { stagingColumns } from './staging-tables.ts';
import type { StagingTable } from './staging-tables.ts';

const people = 12_000;
const tableName = (name: StagingTable) => `staging.tried_${name}`;
const table = (name: StagingTable) => sql.table(tableName(name));

describeOnSharedStores('people who name another one than before', (makeStore) => {
  test('are read once, however many pages they fill', async () => {
    const store = await makeStore();
    const { found, read } = await store.transaction(async (trx) => {
      await sql`set local work_mem = '64kB'`.execute(trx);
      await sql`create table ${table('named')} (${sql.raw(stagingColumns.named)})`.execute(trx);
      await sql`
        insert into ${table('named')} (kind, external_id, attribute, position, reference, staged, known)
        select 'user', 'x' || n, 'manager', 1, 'uid=boss,ou=people,dc=example,dc=com', false, 'user_boss'
        from generate_series(1, ${people}::int) n`.execute(trx);
      await sql`
        insert into link (sync_serial, kind, external_id, object_id)
        select 1, 'user', 'x' || n, 'user_' || n from generate_series(1, ${people}::int) n`.execute(trx);
      await sql`
        insert into directory_user (id, tenant_id, username, username_key, attributes, revision)
        select 'user_' || n, 'tenant_x', 'u' || n, 'u' || n, '{}', 1 from generate_series(1, ${people}::int) n`.execute(
        trx,
      );
      const context = {
        store: { ...store, db: trx },
        table,
        tableName,
        sync: { serial: 1 },
      };
      await indexReferrers(context);
      await sql`analyze ${table('named')}, link, directory_user`.execute(trx);
      let found = 0;
      for await (const page of referrers(context, 'user')) found += page.length;
      const { rows } = await sql<{ read: number }>`
        select pg_stat_get_xact_tuples_returned(t.oid) + pg_stat_get_xact_tuples_fetched(t.oid) as read
        from (select ${tableName('named')}::regclass as oid) t`.execute(trx);
      return { found, read: rows[0]?.read };
    });
    expect(found).toBe(people);
    expect(read).toBeLessThan(3 * people);
  });
});
