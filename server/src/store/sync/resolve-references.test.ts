import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { nameUnchanged } from './resolve-references.ts';
import { stagingColumns } from './staging-tables.ts';
import type { StagingTable } from './staging-tables.ts';

const people = 4000;
const table = (name: StagingTable) => sql.table(`staging.tried_${name}`);

describeOnSharedStores('unchanged records that name people who come', (makeStore) => {
  test('are found without all of those people for each record', async () => {
    const store = await makeStore();
    const { marked, read } = await store.transaction(async (trx) => {
      for (const name of ['object', 'key', 'leaving', 'named'] as const)
        await sql`create table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(trx);
      const numbers = sql`generate_series(1, ${people}::int) n`;
      await sql`
        insert into link (sync_serial, kind, external_id, object_id, reference)
        select 1, 'user', 'x' || n, 'user_' || n, 'uid=' || n from ${numbers}`.execute(trx);
      await sql`
        insert into reference_link (sync_serial, kind, external_id, attribute, position, reference)
        select 1, 'user', 'x' || n, 'manager', 1, 'uid=new' || n from ${numbers}`.execute(trx);
      await sql`
        insert into ${table('object')} (kind, external_id, linked, reference, scope, parents, parent_reference, depth, label, name, name_key, attributes, has_members)
        select 'user', 'new' || n, false, 'uid=new' || n, 0, '[]', '', 0, '', '', '', '{}', false from ${numbers}`.execute(
        trx,
      );
      await sql`
        insert into ${table('key')} (kind, external_id, fingerprint)
        select 'user', prefix || n, '00000000-0000-0000-0000-000000000000' from ${numbers}, unnest(array['x', 'new']) prefix`.execute(
        trx,
      );
      for (const name of ['object', 'key'] as const)
        await sql`create index on ${table(name)} (kind, external_id)`.execute(trx);
      await sql`analyze link, reference_link, ${table('object')}, ${table('key')}`.execute(trx);
      const { rows: lines } = await sql<{ 'QUERY PLAN': string }>`
        explain (analyze, costs off, timing off) ${nameUnchanged({ table, sync: { serial: 1 } }, 'whole')}`.execute(
        trx,
      );
      const steps = lines.map((line) => {
        const found = /actual rows=(\d+)(?:\.\d+)? loops=(\d+)/.exec(line['QUERY PLAN']);
        return found === null ? 0 : Number(found[1]) * Number(found[2]);
      });
      const { rows } = await sql<{ marked: number }>`
        select count(*)::int as marked from ${table('named')}`.execute(trx);
      return { marked: rows[0]?.marked, read: steps.reduce((sum, each) => sum + each, 0) };
    });
    expect(marked).toBe(people);
    expect(read).toBeLessThan(40 * people);
  });
});
