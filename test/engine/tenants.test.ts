import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Store } from '../../server/src/store/store.ts';
import { brief } from '../workbench.ts';
import { describeWorlds, makeWorld } from './world.ts';

const memberships = 20_000;

/** The store, and how many memberships its transactions have read. */
function countingReads(store: Store): { store: Store; read(): number } {
  let read = 0;
  const transaction: Store['transaction'] = (work) =>
    store.transaction(async (trx) => {
      // Of the transaction, and of those just before it.
      const readSoFar = async (): Promise<number> => {
        const { rows } = await sql<{ read: number }>`
          select seq_tup_read + coalesce(idx_tup_fetch, 0) as read from pg_stat_xact_user_tables where relname = 'membership'`.execute(
          trx,
        );
        return rows[0]?.read ?? Number.NaN;
      };
      const before = await readSoFar();
      const result = await work(trx);
      read += (await readSoFar()) - before;
      return result;
    });
  return { store: { ...store, transaction }, read: () => read };
}

describeWorlds('a small tenant beside a large one', (_makeWorld, store) => {
  test('reads no memberships of the large one, neither to write its own to a target nor to take them back', async () => {
    const { db } = store();
    await sql`
      insert into membership (group_id, member_id, tenant_id, member_kind, revision)
      select 'group_' || n % 100, 'user_' || n, 'tenant_large', 'user', 1 from generate_series(1, ${memberships}::int) n`.execute(
      db,
    );
    await sql`analyze membership`.execute(db);
    const counting = countingReads(store());
    const world = await makeWorld(counting.store);
    const corp = await world.system('corp');
    await world.system('target');
    corp.tree.add('/uid=ann');
    corp.tree.add('/cn=staff', {}, ['/uid=ann']);
    await world.ingress('corp');
    await world.egress('target');
    const job = await world.run('corp-in');
    expect(brief((await world.run('target-out')).statistics)).toMatchObject({
      'membership created': '1/0/0',
    });
    expect(brief((await world.undo(job.id)).statistics)).toMatchObject({ 'membership deleted': '1/0/0' });
    expect(counting.read()).toBeLessThan(memberships / 10);
  });

  test('is known to the database as soon as it has many links, however small the jobs were that made them', async () => {
    const { db } = store();
    await sql`
      insert into link (sync_serial, kind, external_id, object_id)
      select 1000000, 'user', 'u' || n, 'user_large_' || n from generate_series(1, 20000) n`.execute(db);
    await sql`analyze link`.execute(db);
    const world = await makeWorld(store());
    const corp = await world.system('corp');
    corp.tree.add('/uid=ann');
    await world.ingress('corp');
    await world.run('corp-in');
    const own = await sql<{ serial: number }>`
      select serial from sync where tenant_id = ${world.actor.tenantId}`.execute(db);
    const serial = own.rows[0]?.serial ?? 0;
    await sql`
      insert into link (sync_serial, kind, external_id, object_id)
      select ${serial}::int, 'user', 'u' || n, 'user_small_' || n from generate_series(1, 2000) n`.execute(
      db,
    );
    const expectedLinks = async (): Promise<number> => {
      const { rows: plan } = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
        explain (format json) select from link where sync_serial = ${sql.lit(serial)}`.execute(db);
      return plan[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
    };
    expect(await expectedLinks()).toBeLessThan(10);
    await world.run('corp-in');
    expect(await expectedLinks()).toBeGreaterThan(1000);
  });
});
