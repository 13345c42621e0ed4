import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import type { Store } from '../store.ts';
import { forgetObjects } from './deleted-objects.ts';
import { preferKeyLookups } from './key-lookups.ts';

const members = 5000;
const leaving = 1000;

/** An ingress sync with its connection and tenant; returns its serial. */
async function insertSync({ db }: Store): Promise<number> {
  await sql`insert into tenant (id, name) values ('tenant_1', 'one')`.execute(db);
  await sql`
    insert into connection (id, tenant_id, name, type, settings)
    values ('idp_1', 'tenant_1', 'corp', 'ldap', '{}')`.execute(db);
  const { rows } = await sql<{ serial: number }>`
    insert into sync (id, tenant_id, connection_id, name, direction, position, settings)
    values ('sync_1', 'tenant_1', 'idp_1', 'corp-in', 'ingress', 0, '{}') returning serial`.execute(db);
  return rows[0]?.serial ?? Number.NaN;
}

describeOnSharedStores('what hangs on objects that go', (makeStore) => {
  for (const kind of ['user', 'group'] as const)
    test(`is found without all changes of a large group for each of its members (${kind})`, async () => {
      const store = await makeStore();
      const { db } = store;
      const serial = await insertSync(store);
      const numbers = sql`generate_series(1, ${members}::int) n`;
      await sql`
        insert into membership (group_id, member_id, tenant_id, member_kind, revision)
        select 'group_all', 'user_' || n, 'tenant_1', 'user', 1 from ${numbers}`.execute(db);
      await sql`
        insert into membership_link (sync_serial, group_id, reference, member_id)
        select ${serial}::bigint, 'group_all', 'x' || n, 'user_' || n from ${numbers}`.execute(db);
      // The group got its members by an earlier job; the one at hand deletes some users, or other groups.
      await sql`
        insert into change (job_serial, ordinal, kind, verb, object_id, member_id, label)
        select 1, n, 'membership', 'addMember', 'group_all', 'user_' || n, '' from ${numbers}
        union all
        select 2, n, ${kind}, 'delete', ${kind} || '_' || n, null, '' from generate_series(1, ${leaving}::int) n`.execute(
        db,
      );
      await sql`analyze change, membership, membership_link`.execute(db);
      const read = await store.transaction(async (trx) => {
        const deleted = sql`
          select c.object_id from change c
          where c.job_serial = 2 and c.ordinal > 0 and c.ordinal <= ${leaving} and c.result is null and c.kind = ${kind} and c.verb = 'delete'`;
        await forgetObjects(trx, kind, deleted, { tenantId: 'tenant_1', jobSerial: null });
        const { rows: counted } = await sql<{ read: number }>`
          select sum(pg_stat_get_xact_tuples_returned(oid))::bigint as read from pg_class
          where relname in ('change', 'change_pkey', 'change_by_object')`.execute(trx);
        return counted[0]?.read;
      });
      expect(read).toBeLessThan(20 * (members + leaving));
      const { rows: left } = await sql<{ count: number }>`select count(*) as count from membership`.execute(
        db,
      );
      expect(left[0]?.count).toBe(kind === 'user' ? members - leaving : members);
    });

  test.each([
    ['the next one, by either name', "case n % 2 when 0 then 'uid=' else 'alias ' end", 'n + 1', ['x1']],
    ['one of a few who stay', "'uid='", '39000 + n % 50', []],
  ])('is found by name where everybody names %s', async (_, name, named, lookAgain) => {
    const people = 40_000;
    const going = 3000;
    const store = await makeStore();
    const { db } = store;
    const serial = await insertSync(store);
    await sql`
      insert into link (sync_serial, kind, external_id, object_id, reference, alias, fingerprint)
      select ${serial}::bigint, 'user', 'x' || n, 'user_' || n, 'uid=' || n, 'alias ' || n, gen_random_uuid()
      from generate_series(1, ${people}::int) n`.execute(db);
    await sql`
      insert into reference_link (sync_serial, kind, external_id, attribute, position, reference, object_id)
      select ${serial}::bigint, 'user', 'x' || n, 'manager', 0, ${sql.raw(name)} || ${sql.raw(named)}, 'user_' || ${sql.raw(named)}
      from generate_series(1, ${people}::int) n`.execute(db);
    await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, label)
      select 2, n, 'user', 'delete', 'user_' || n + 1, '' from generate_series(1, ${going}::int) n`.execute(
      db,
    );
    await sql`analyze link, change, reference_link`.execute(db);
    const read = await store.transaction(async (trx) => {
      await preferKeyLookups(trx);
      const entries = async () => {
        const { rows } = await sql<{ read: number }>`
          select sum(pg_stat_get_xact_tuples_returned(oid))::int as read from pg_class
          where relname in ('reference_link', 'reference_link_by_reference')`.execute(trx);
        return rows[0]?.read ?? Number.NaN;
      };
      const before = await entries();
      const gone = sql`
        select c.object_id from change c
        where c.job_serial = 2 and c.ordinal > 0 and c.ordinal <= ${going} and c.result is null and c.kind = 'user' and c.verb = 'delete'`;
      await forgetObjects(trx, 'user', gone, { tenantId: 'tenant_1', jobSerial: null });
      return (await entries()) - before;
    });
    const { rows: again } = await sql<{ external_id: string }>`
      select external_id from link where fingerprint is null`.execute(db);
    expect(again.map((link) => link.external_id)).toEqual(lookAgain);
    expect(read).toBeLessThan(2 * going);
  });
});
