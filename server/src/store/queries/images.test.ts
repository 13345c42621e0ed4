import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import type { Executor } from '../store.ts';
import { forgetImagesOf } from './images.ts';

const changes = 40_000;

/** How many changes the session has read within the transaction, and just before it. */
async function changesRead(executor: Executor): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read
    from pg_stat_xact_user_tables where relname = 'change'`.execute(executor);
  return rows[0]?.read ?? Number.NaN;
}

describeOnSharedStores('images of a long job', (makeStore) => {
  test('are forgotten part by part, and each part is all that is read for it', async () => {
    const store = await makeStore();
    await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, label, after)
      select case when n > ${changes}::int then 2 else 1 end, n, 'user', 'update', 'user_' || n, 'u', '{"title": ["x"]}'
      from generate_series(1, ${changes}::int + 1) n`.execute(store.db);
    await sql`analyze change`.execute(store.db);
    await store.transaction(async (trx) => {
      const before = await changesRead(trx);
      await forgetImagesOf({ ...store, db: trx }, 1);
      expect((await changesRead(trx)) - before).toBeLessThan(changes * 3);
    });
    const { rows } = await sql<{ serial: number }>`
      select job_serial as serial from change where after is not null`.execute(store.db);
    expect(rows).toEqual([{ serial: 2 }]);
  });
});
