import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { newId, newJobId } from '../../kernel/ids.ts';
import { insertTenant } from '../queries/installation.ts';
import type { Executor, Store } from '../store.ts';
import { countRecentRemovals } from './guarded-plan.ts';

const hour = 60 * 60_000;
const now = Date.UTC(2026, 0, 10);
const since = new Date(now - 24 * hour);

interface Ended {
  readonly hoursAgo: number;
  readonly mode?: 'apply' | 'approve';
  readonly changesOnly?: boolean;
}

/** Jobs of a sync, each with one user that it deletes. */
async function addJobs(store: Store, syncId: string, jobs: readonly Ended[]): Promise<void> {
  const tenantId = newId('tenant');
  await insertTenant(store.db, { id: tenantId, name: tenantId });
  const rows = jobs.map(({ hoursAgo, mode = 'apply', changesOnly = true }) => {
    const ended = now - hoursAgo * hour;
    return { id: newJobId(ended), ended: new Date(ended), mode, position: { changesOnly } };
  });
  await sql`
    with made as (
      insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through,
        ended_at, read_position)
      select id, ${tenantId}, ${syncId}, 'idp_a', 'in', 'ingress', mode, 'success', 'native', ended, position
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as j (id text, ended timestamptz, mode text, position jsonb)
      returning serial
    )
    insert into change (job_serial, ordinal, kind, verb, object_id, label)
    select serial, 1, 'user', 'delete', 'user_' || serial, 'u' from made`.execute(store.db);
}

const many = (count: number, hoursAgo: number) =>
  Array.from({ length: count }, (_, index) => ({ hoursAgo: hoursAgo - index / count }));

/** How many rows of a table the session has read within the transaction, and just before it. */
async function readSoFar(executor: Executor, table: string): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read
    from pg_stat_xact_user_tables where relname = ${table}`.execute(executor);
  return rows[0]?.read ?? Number.NaN;
}

describeOnSharedStores('losses of earlier runs', (makeStore) => {
  test('are those of runs of changes within the time, after the last approval', async () => {
    const store = await makeStore();
    await addJobs(store, 'syn_x', [
      { hoursAgo: 30, mode: 'approve' },
      ...many(3, 26),
      ...many(4, 20),
      { hoursAgo: 3, changesOnly: false },
    ]);
    const count = async () => (await countRecentRemovals(store.db, 'syn_x', since)).get('user');
    expect(await count()).toBe(4);
    await addJobs(store, 'syn_x', [{ hoursAgo: 2, mode: 'approve' }, { hoursAgo: 1 }]);
    expect(await count()).toBe(1);
  });

  test('cost what these runs did, however long the record of others is and whatever the sync did before', async () => {
    const store = await makeStore();
    const recent = 300;
    await addJobs(store, 'syn_x', [...many(2000, 100), ...many(recent, 20)]);
    await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, label)
      select 1000000, n, 'user', 'delete', 'user_large_' || n, 'u' from generate_series(1, 50000) n`.execute(
      store.db,
    );
    await sql`analyze job, change`.execute(store.db);
    await store.transaction(async (trx) => {
      const read = async () => [await readSoFar(trx, 'job'), await readSoFar(trx, 'change')];
      const [jobsBefore = 0, changesBefore = 0] = await read();
      expect((await countRecentRemovals(trx, 'syn_x', since)).get('user')).toBe(recent);
      const [jobs = 0, changes = 0] = await read();
      expect(jobs - jobsBefore).toBeLessThan(recent * 3);
      expect(changes - changesBefore).toBeLessThan(recent * 3);
    });
  });
});
