import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { preferKeyLookups } from './key-lookups.ts';
import { findMoves, followMoves } from './outcomes.ts';

const people = 6000;
const before = (n: number) => `uid=p${n},ou=old`;
const after = (n: number) => `uid=p${n},ou=new`;

describeOnSharedStores('memberships of people who moved', (makeStore) => {
  test('follow them without a look at those of all others', async () => {
    const store = await makeStore();
    const { db } = store;
    await sql`
      insert into link (sync_serial, kind, external_id, object_id, reference, location)
      select 1, 'user', 'x' || n, 'user_' || n, name, name
      from generate_series(1, ${people}::int) n, concat('uid=p', n, ',ou=', case n when 3 then 'new' else 'old' end) name`.execute(
      db,
    );
    await sql`
      insert into membership_link (sync_serial, group_id, reference, member_id)
      select 1, 'group_' || g, 'uid=p' || n || ',ou=old', 'user_' || n
      from generate_series(1, ${people}::int) n, generate_series(1, 2) g`.execute(db);
    await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, external_id, label, reference, location)
      select 1, n, 'user', 'move', 'user_' || n, 'x' || n, '', 'uid=p' || n || ',ou=old', 'uid=p' || n || ',ou=old'
      from generate_series(1, 10) n`.execute(db);
    await sql`analyze link, membership_link, change`.execute(db);
    const done = { ordinal: 3, kind: 'user', verb: 'move', result: 'success' } as const;
    const read = await store.transaction(async (trx) => {
      await preferKeyLookups(trx);
      const outcomes = [{ ...done, reference: after(3), location: after(3) }];
      const moves = await findMoves(trx, { serial: 1 }, { serial: 1 }, outcomes);
      await followMoves(trx, { serial: 1 }, { serial: 1 }, outcomes, moves);
      const { rows } = await sql<{ read: number }>`
        select sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::int as read from pg_class
        where relname in ('link', 'membership_link')`.execute(trx);
      return rows[0]?.read;
    });
    const { rows } = await sql<{ reference: string; count: number }>`
      select reference, count(*)::int as count from membership_link
      where member_id in ('user_3', 'user_4') group by reference order by reference`.execute(db);
    expect(rows).toEqual([
      { reference: after(3), count: 2 },
      { reference: before(4), count: 2 },
    ]);
    expect(read).toBeLessThan(people / 10);
  });
});
