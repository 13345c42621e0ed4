import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { newId, newJobId } from '../../kernel/ids.ts';
import { selectChangesOfObject } from './changes.ts';
import { insertTenant } from './installation.ts';

const members = 3000;
const limit = 1000;

describeOnSharedStores('changes of a group with many members', (makeStore) => {
  test('are read page by page, newest first', async () => {
    const store = await makeStore();
    const tenantId = newId('tenant');
    await insertTenant(store.db, { id: tenantId, name: tenantId });
    const jobs = [newJobId(1000), newJobId(2000)];
    await sql`
      insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through)
      select id, ${tenantId}, 'syn_x', 'idp_x', 'x', 'ingress', 'apply', 'success', 'native'
      from unnest(${jobs}::text[]) id`.execute(store.db);
    await sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, member_id, label)
      select serial, n, 'membership', 'addMember', 'group_all', 'user_' || n, '' from job, generate_series(1, ${members}::int) n
      order by 1, 2`.execute(store.db);
    await sql`analyze job, change`.execute(store.db);
    const seen = await store.transaction(async (trx) => {
      const object = { tenantId, id: 'group_all' };
      const found: { jobId: string; ordinal: number }[] = [];
      for (let page = 0; page < (jobs.length * members) / limit; page++) {
        const rows = await selectChangesOfObject(trx, object, { before: found.at(-1), limit });
        found.push(...rows.map(({ jobId, ordinal }) => ({ jobId, ordinal })));
      }
      const { rows } = await sql<{ read: number }>`
        select pg_stat_get_xact_tuples_fetched('change'::regclass) + pg_stat_get_xact_tuples_returned('change'::regclass) as read`.execute(
        trx,
      );
      return { found, read: rows[0]?.read };
    });
    const ordinals = Array.from({ length: members }, (_, index) => members - index);
    expect(seen.found).toEqual(
      jobs.toReversed().flatMap((jobId) => ordinals.map((ordinal) => ({ jobId, ordinal }))),
    );
    expect(seen.read).toBeLessThan(2 * jobs.length * members);
  });
});
