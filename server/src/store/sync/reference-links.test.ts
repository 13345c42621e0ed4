import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { preferKeyLookups } from './key-lookups.ts';
import { writeReferenceLinks } from './reference-links.ts';

const people = 6000;
const batch = 500;

describeOnSharedStores('references of records', (makeStore) => {
  test.each([
    ['the first sync that names anybody', 1],
    ['one beside a sync that is known', 2],
  ])('are replaced record by record, of a sync that is new to the statistics (%s)', async (_, serial) => {
    const store = await makeStore();
    const { db } = store;
    const name = async (by: number): Promise<void> => {
      await sql`
        insert into link (sync_serial, kind, external_id, object_id)
        select ${by}::bigint, 'user', 'x' || n, 'user_' || n from generate_series(1, ${people}::int) n`.execute(
        db,
      );
      await sql`
        insert into reference_link (sync_serial, kind, external_id, attribute, position, reference, object_id)
        select ${by}::bigint, 'user', 'x' || n, 'manager', 1, 'uid=' || n + 1, 'user_' || n + 1
        from generate_series(1, ${people}::int) n`.execute(db);
    };
    await name(1);
    if (serial === 1) await sql`delete from link`.execute(db);
    await sql`analyze reference_link`.execute(db);
    await name(serial);
    await sql`drop table if exists tried_record`.execute(db);
    await sql`create table tried_record (place int primary key, kind text, external_id text, named jsonb)`.execute(
      db,
    );
    await sql`
      insert into tried_record
      select n, 'user', 'x' || n, '{"manager": [["uid=1", "user_1"]]}' from generate_series(1, ${batch}::int) n`.execute(
      db,
    );
    await sql`analyze tried_record`.execute(db);
    const read = await store.transaction(async (trx) => {
      const readSoFar = async (): Promise<number> => {
        const { rows } = await sql<{ read: number }>`
          select sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::bigint as read from pg_class
          where relname in ('tried_record', 'tried_record_pkey', 'reference_link', 'reference_link_pkey', 'reference_link_by_reference')`.execute(
          trx,
        );
        return rows[0]?.read ?? Number.NaN;
      };
      await preferKeyLookups(trx);
      const before = await readSoFar();
      const batched = sql`select kind, external_id, named from tried_record where place <= ${batch}`;
      await writeReferenceLinks(trx, serial, batched);
      return (await readSoFar()) - before;
    });
    expect(read).toBeLessThan(10 * batch);
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from reference_link where sync_serial = ${serial} and reference = 'uid=1'`.execute(
      db,
    );
    expect(rows[0]?.count).toBe(batch);
  });
});
