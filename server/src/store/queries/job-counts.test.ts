import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { newId, newJobId } from '../../kernel/ids.ts';
import type { Store } from '../store.ts';
import { insertTenant } from './installation.ts';
import { countJobsBeyond, type JobFilter } from './jobs.ts';

const minute = 60_000;
const start = Date.UTC(2026, 0, 1);

interface Job {
  readonly id: string;
  readonly connection: string;
  readonly direction: 'ingress' | 'egress';
  readonly mode: 'apply' | 'dryRun';
}

/** Jobs at distances from a millisecond to a year, of two connections. */
function makeJobs(): Job[] {
  const moments = [0, 1, 2, 3, 5, 8, 60, 61, 700, 701, 5000, 5001, 90_000, 90_001, 520_000].flatMap(
    (minutes) => [start + minutes * minute, start + minutes * minute + 1, start + minutes * minute + 900],
  );
  return moments.map((moment, index) => ({
    id: newJobId(moment),
    connection: index % 3 === 0 ? 'idp_a' : 'idp_b',
    direction: index % 5 === 0 ? 'egress' : 'ingress',
    mode: index % 7 === 0 ? 'dryRun' : 'apply',
  }));
}

async function addJobs(store: Store, tenantId: string, jobs: readonly Job[]): Promise<void> {
  await sql`
    insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through)
    select id, ${tenantId}, 'syn_x', connection, 'x', direction, mode, 'success', 'native'
    from jsonb_to_recordset(${JSON.stringify(jobs)}::jsonb) as j (id text, connection text, direction text, mode text)`.execute(
    store.db,
  );
}

describeOnSharedStores('jobs beyond one', (makeStore) => {
  test('are counted exactly for every job and filter, as jobs come and go', async () => {
    const store = await makeStore();
    const tenantId = newId('tenant');
    const other = newId('tenant');
    for (const id of [tenantId, other]) await insertTenant(store.db, { id, name: id });
    const jobs = makeJobs();
    await addJobs(store, other, makeJobs());
    const filters: readonly (readonly [JobFilter, (job: Job) => boolean])[] = [
      [{}, () => true],
      [{ direction: 'ingress' }, ({ direction }) => direction === 'ingress'],
      [
        { modes: ['apply', 'approve'], connectionIds: ['idp_a'] },
        ({ mode, connection }) => mode === 'apply' && connection === 'idp_a',
      ],
      [{ connectionIds: [] }, () => false],
      [{ status: ['success'] }, () => true],
      [{ status: ['failed'] }, () => false],
    ];
    const check = async (there: readonly Job[]): Promise<void> => {
      for (const [filter, isIn] of filters) {
        const found = there.filter(isIn);
        for (const { id } of jobs.filter((_job, index) => index % 4 === 0)) {
          const counted = [
            await countJobsBeyond(store.db, tenantId, filter, { olderThan: id }),
            await countJobsBeyond(store.db, tenantId, filter, { newerThan: id }),
          ];
          const expected = [
            found.filter((job) => job.id < id).length,
            found.filter((job) => job.id > id).length,
          ];
          expect([JSON.stringify(filter), id, counted]).toEqual([JSON.stringify(filter), id, expected]);
        }
      }
    };
    await addJobs(store, tenantId, jobs.slice(10));
    await check(jobs.slice(10));
    for (const job of jobs.slice(0, 10)) await addJobs(store, tenantId, [job]);
    await check(jobs);
    const gone = new Set(jobs.filter((_job, index) => index % 2 === 0).map(({ id }) => id));
    await sql`delete from job where tenant_id = ${tenantId} and id = any(${[...gone]}::text[])`.execute(
      store.db,
    );
    await check(jobs.filter(({ id }) => !gone.has(id)));
    await sql`delete from job where tenant_id = ${tenantId}`.execute(store.db);
    await check([]);
    const left = await sql`select 1 from job_span where tenant_id = ${tenantId}`.execute(store.db);
    expect(left.rows).toEqual([]);
  });
});
