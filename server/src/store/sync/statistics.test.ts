import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { newId, newJobId } from '../../kernel/ids.ts';
import { insertTenant } from '../queries/installation.ts';
import type { Store } from '../store.ts';
import { computeStatistics, countSoFar } from './statistics.ts';

const changes = 6000;

/** A running job of so many changes, of which every hundredth does not succeed; the last one failed when it was planned. */
async function makeJob(store: Store): Promise<number> {
  const tenantId = newId('tenant');
  await insertTenant(store.db, { id: tenantId, name: tenantId });
  const { rows } = await sql<{ serial: number }>`
    insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, phase, started_through, last_ordinal, same_counts)
    values (${newJobId(Date.now())}, ${tenantId}, ${newId('sync')}, 'idp_x', 'x', 'egress', 'apply', 'running', 'apply', 'native', ${changes}, '{"group": 7}')
    returning serial`.execute(store.db);
  const [{ serial }] = rows as [{ serial: number }];
  await sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, label, follows, result)
    select ${serial}, n, 'user', case when n % 3 = 0 then 'update' else 'create' end, 'user_' || n, 'u' || n, n % 5 = 0,
      case when n = ${changes}::int then 'failed' end
    from generate_series(1, ${changes}::int) n`.execute(store.db);
  return serial;
}

async function reach(store: Store, serial: number, ordinal: number): Promise<void> {
  await sql`
    update change set result = 'failed' where job_serial = ${serial} and ordinal <= ${ordinal} and ordinal % 100 = 0`.execute(
    store.db,
  );
  await sql`update job set applied_ordinal = ${ordinal} where serial = ${serial}`.execute(store.db);
}

describeOnSharedStores('statistics of a running job', (makeStore) => {
  test('are those of its outcomes so far, however often they are asked for', async () => {
    const store = await makeStore();
    const serial = await makeJob(store);
    for (const ordinal of [0, 10, 10, 2000, 5500, changes]) {
      await reach(store, serial, ordinal);
      expect(await countSoFar(store, serial)).toEqual(await computeStatistics(store.db, serial));
    }
    expect((await countSoFar(store, serial)).user.created.success).toBeGreaterThan(changes / 2);
  });

  test('cost what came since they were asked for last', async () => {
    const store = await makeStore();
    const serial = await makeJob(store);
    await sql`analyze change`.execute(store.db);
    await reach(store, serial, changes - 100);
    const read = await store.transaction(async (trx) => {
      const one = { ...store, db: trx };
      const readSoFar = async (): Promise<number> => {
        const { rows } = await sql<{ read: number }>`
          select pg_stat_get_xact_tuples_returned('change'::regclass) + pg_stat_get_xact_tuples_fetched('change'::regclass) as read`.execute(
          trx,
        );
        return rows[0]?.read ?? Number.NaN;
      };
      await countSoFar(one, serial);
      const before = await readSoFar();
      await countSoFar(one, serial);
      return { first: before, second: (await readSoFar()) - before };
    });
    expect(read.first).toBeGreaterThan(changes / 2);
    expect(read.second).toBeLessThan(changes / 10);
  });
});
