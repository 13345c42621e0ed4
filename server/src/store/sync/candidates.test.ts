import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../../test/servers/stores.ts';
import { knownReferences } from './candidates.ts';
import { stagingColumns, type StagingTable } from './staging-tables.ts';

const table = (name: StagingTable) => sql.table(`staged_${name}`);

describeOnBothStores('candidates of an egress', (makeStore) => {
  test('have those whom they name looked up one by one, and not each among all that is staged', async () => {
    const store = await makeStore();
    for (const name of ['object', 'source'] as const) {
      await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(store.db);
      await sql`create index on ${table(name)} (object_id)`.execute(store.db);
    }
    await sql`
      insert into ${table('source')} (kind, object_id, label, scope, depth, needs)
      select 'user', 'user_' || n, 'user', 0, 0, true from generate_series(1, 5000) n`.execute(store.db);
    await sql`
      insert into ${table('object')} (kind, external_id, object_id, linked, reference, scope, parents, parent_reference,
        depth, label, name, name_key, attributes, has_members)
      select 'user', n::text, 'user_' || n, true, 'uid=' || n, 0, '[]', '', 0, 'user', 'user', 'user', '{}', false
      from generate_series(1, 5000) n`.execute(store.db);
    await sql`analyze ${table('source')}, ${table('object')}`.execute(store.db);
    const known = knownReferences({ sync: { serial: 1 }, table }, 'user');
    const plan = await sql<{ 'QUERY PLAN': string }>`
      explain select ${known} from directory_user d`.execute(store.db);
    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toContain('Index Scan using staged_source');
    expect(text).not.toMatch(/Seq Scan on staged/);
  });
});
