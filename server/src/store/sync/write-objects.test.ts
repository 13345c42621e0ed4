import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import { loadContents } from './directory-batch.ts';
import { preferKeyLookups } from './key-lookups.ts';
import { writeObjects } from './write-objects.ts';

const people = 6000;
const changes = 500;

const job: RunnableJob = {
  id: 'sync_1',
  serial: 1,
  tenantId: 'tenant_1',
  syncId: 'sync_2',
  mode: 'apply',
  phase: 'apply',
  approvesJobId: null,
  undoesJobId: null,
  attempt: 1,
  appliedOrdinal: 0,
  intendedOrdinal: 0,
  lastOrdinal: changes,
  totals: null,
  selection: null,
  full: false,
};
const sync: RunnableSync = {
  tenantId: 'tenant_1',
  syncId: 'sync_2',
  serial: 2,
  connectionId: 'idp_2',
  direction: 'ingress',
  onMissing: 'delete',
  readPosition: null,
  accountStatesFrom: [],
};

const tie = (serial: number) => sql`
  insert into link (sync_serial, kind, external_id, object_id)
  select ${serial}::bigint, 'user', 'x' || n, 'user_' || n from generate_series(1, ${people}::int) n`;

describeOnSharedStores('changes of people whom a second sync feeds', (makeStore) => {
  test('are written without a look at all its links, of which the planner knows none yet', async () => {
    const store = await makeStore();
    const { db } = store;
    await tie(1).execute(db);
    await sql`analyze link`.execute(db);
    await tie(2).execute(db);
    await sql`
        insert into change (job_serial, ordinal, kind, verb, object_id, external_id, label, expected_revision)
        select 1, n, 'user', 'update', 'user_' || n, 'x' || n, '', 1 from generate_series(1, ${changes}::int) n`.execute(
      db,
    );
    await sql`analyze change`.execute(db);
    const read = await store.transaction(async (trx) => {
      const readSoFar = async (): Promise<number> => {
        const { rows } = await sql<{ read: number }>`
            select sum(pg_stat_get_xact_tuples_returned(oid))::bigint as read from pg_class
            where relname in ('change', 'change_pkey') or relname like 'link%'`.execute(trx);
        return rows[0]?.read ?? Number.NaN;
      };
      await preferKeyLookups(trx);
      const before = await readSoFar();
      const batch = { trx, job, sync, from: 0, through: changes, revision: 2 };
      await writeObjects(batch, await loadContents(batch));
      return (await readSoFar()) - before;
    });
    expect(read).toBeLessThan(20 * changes);
  });
});
