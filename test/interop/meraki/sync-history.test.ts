import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../servers/shared-store.ts';
import { linksOf, serveMeraki, type MerakiApi } from './meraki-api.ts';

interface Sync {
  idpSyncId: string;
  idpId: string;
  status: string;
  message: string;
}
interface History {
  items: Sync[];
  meta: { counts: { items: { total: number; remaining: number } } };
}

const source = { type: 'file', path: 'in.ldif', baseDn: 'dc=example' };

async function addIdp(api: MerakiApi, name: string): Promise<string> {
  const connection = (await api.native('PUT', `/connections/${name}`, source)) as { serial: number };
  await api.native('PUT', `/syncs/${name}`, {
    connection: name,
    direction: 'ingress',
    scopes: [{ source: 'dc=example', target: '/' }],
  });
  return String(connection.serial);
}

/** Ends all jobs as a worker would. */
async function endJobs(api: MerakiApi, status = 'success'): Promise<void> {
  await sql`update job set status = ${status}, ended_at = now() where status = 'pending'`.execute(
    api.app.store.db,
  );
}

async function addJobs(api: MerakiApi, name: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    await api.native('POST', `/syncs/${name}/jobs`, {});
    await endJobs(api);
  }
}

async function history(
  api: MerakiApi,
  query = '',
): Promise<{ body: History; links: Record<string, string> }> {
  const answer = await api.call<History>('getOrganizationIamUsersIdpsSyncHistory', { query });
  return { body: answer.body, links: linksOf(answer) };
}

function searchOf(link: string | undefined): string {
  return new URL(link ?? 'http://nowhere').search;
}

describeOnSharedStores('syncs of identity providers in the Meraki API', (makeStore) => {
  test('history pages forwards and backwards with counts that fit while jobs are added', async () => {
    await using api = await serveMeraki(await makeStore());
    const idp = await addIdp(api, 'corp');
    await addJobs(api, 'corp', 7);
    // Neither previews nor the other direction belong to the history.
    await api.native('POST', '/syncs/corp/jobs', { mode: 'dryRun' });
    await endJobs(api);
    const first = await history(api, '?perPage=3&colour=red');
    expect(first.body.meta.counts.items).toEqual({ total: 7, remaining: 4 });
    expect(Object.keys(first.links)).toEqual(['first', 'next', 'last']);
    expect(first.links['next']).toContain(`${api.url}/api/v1/organizations/${api.organizationId}/iam/`);
    expect(searchOf(first.links['first'])).toBe('?colour=red&perPage=3&startingAfter=0');
    await addJobs(api, 'corp', 2);
    const second = await history(api, searchOf(first.links['next']));
    expect(second.body.meta.counts.items).toEqual({ total: 9, remaining: 1 });
    expect(Object.keys(second.links)).toEqual(['first', 'prev', 'next', 'last']);
    const third = await history(api, searchOf(second.links['next']));
    expect(third.body.meta.counts.items).toEqual({ total: 9, remaining: 0 });
    expect(Object.keys(third.links)).toEqual(['first', 'prev', 'last']);
    const seen = [first, second, third].flatMap(({ body }) =>
      body.items.map((item) => Number(item.idpSyncId)),
    );
    expect(seen).toHaveLength(7);
    expect(seen).toEqual([...new Set(seen)].sort((left, right) => right - left));
    const back = await history(api, searchOf(third.links['prev']));
    expect(back.body.items).toEqual(second.body.items);
    expect(back.body.meta.counts.items).toEqual({ total: 9, remaining: 5 });
    const last = await history(api, searchOf(third.links['last']));
    expect(last.body.items.map((item) => item.idpSyncId).at(-1)).toBe(String(Math.min(...seen)));
    expect(last.body.meta.counts.items).toEqual({ total: 9, remaining: 6 });
    expect(last.links).not.toHaveProperty('next');
    for (const item of first.body.items) {
      expect(item).toMatchObject({ idpId: idp, status: 'Completed' });
      expect(item.message).not.toBe('');
    }
  });

  test('perPage is clamped, and what is no number or token is refused', async () => {
    await using api = await serveMeraki(await makeStore());
    await addIdp(api, 'corp');
    await addJobs(api, 'corp', 4);
    expect((await history(api, '?perPage=1')).body.items).toHaveLength(3);
    expect((await history(api, '?perPage=-1')).body.items).toHaveLength(3);
    expect(searchOf((await history(api, '?perPage=5000')).links['last'])).toContain('perPage=100');
    expect((await history(api, '?perPage=3&perPage=50')).body.items).toHaveLength(3);
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/sync/history`;
    for (const query of ['perPage=ten', 'startingAfter=77', 'endingBefore=%00', 'startingAfter=sync_']) {
      const refused = await api.send('GET', `${path}?${query}`);
      expect(refused).toMatchObject({ status: 400, body: { errors: [expect.stringContaining("'")] } });
    }
  });

  test('history is filtered by identity provider, also by one that is gone', async () => {
    await using api = await serveMeraki(await makeStore());
    const [corp, lab] = [await addIdp(api, 'corp'), await addIdp(api, 'lab')];
    await addJobs(api, 'corp', 2);
    await addJobs(api, 'lab', 1);
    expect((await history(api, `?idpId=${corp}`)).body.meta.counts.items.total).toBe(2);
    await api.call('deleteOrganizationIamUsersIdp', { params: { id: corp } });
    expect((await history(api, `?idpId=${corp}`)).body.items.map((item) => item.idpId)).toEqual([corp, corp]);
    expect((await history(api)).body.items.map((item) => item.idpId)).toEqual([lab, corp, corp]);
    expect((await history(api, '?idpId=999')).body).toEqual({
      items: [],
      meta: { counts: { items: { total: 0, remaining: 0 } } },
    });
    expect((await history(api, '?idpId=../1')).body.items).toEqual([]);
  });

  test('a sync is asked for once however often, for all or for some addresses', async () => {
    await using api = await serveMeraki(await makeStore());
    const idpId = await addIdp(api, 'corp');
    const sync = async (body?: unknown) =>
      (await api.call<Sync>('createOrganizationIamUsersIdpSync', { params: { idpId }, body })).body;
    const first = await sync({ emails: ['a@b.example'], force: true });
    expect(first).toMatchObject({ idpId, status: 'Queued', syncedBy: 'api' });
    expect(await sync({ emails: 'a@b.example' })).toEqual(first);
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/${idpId}/sync`;
    for (const other of [{}, { emails: ['c@b.example'] }, { emails: [] }])
      expect(await api.send('POST', path, other)).toMatchObject({
        status: 400,
        body: { errors: [expect.stringContaining('other objects')] },
      });
    const { rows } = await sql`select selection, started_through from job`.execute(api.app.store.db);
    expect(rows).toEqual([{ selection: { emails: ['a@b.example'] }, started_through: 'meraki' }]);
    expect(api.app.sent).toHaveLength(1);
    await sql`update job set status = 'failed', error_code = 'ConnectionFailed', error_message = 'no answer', ended_at = now()`.execute(
      api.app.store.db,
    );
    const latest = await api.call<Sync>('getOrganizationIamUsersIdpSyncLatest', { params: { idpId } });
    expect(latest.body).toMatchObject({ idpSyncId: first.idpSyncId, status: 'Failed', message: 'no answer' });
    const second = await sync('');
    expect(second.idpSyncId).not.toBe(first.idpSyncId);
    const empty = await api.send('POST', path, '');
    expect(empty.body).toMatchObject({ idpSyncId: second.idpSyncId });
    // A run of everything is a run of some as well.
    expect(await sync({})).toEqual(second);
    expect(await sync({ emails: ['c@b.example'] })).toEqual(second);
  });

  test('a preview is never taken for the sync that was asked for', async () => {
    await using api = await serveMeraki(await makeStore());
    const idpId = await addIdp(api, 'corp');
    await api.native('POST', '/syncs/corp/jobs', { mode: 'dryRun' });
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/${idpId}/sync`;
    expect(await api.send('POST', path, {})).toMatchObject({
      status: 400,
      body: { errors: [expect.stringContaining('under way')] },
    });
    expect((await history(api)).body.items).toEqual([]);
    await endJobs(api);
    expect(await api.send('POST', path, {})).toMatchObject({ status: 201 });
  });

  test('the latest syncs are one for each identity provider that has any', async () => {
    await using api = await serveMeraki(await makeStore());
    const corp = await addIdp(api, 'corp');
    await addIdp(api, 'never');
    const lab = await addIdp(api, 'lab');
    await addJobs(api, 'corp', 2);
    await addJobs(api, 'lab', 1);
    const latest = async (query = '') =>
      (await api.call<{ items: Sync[] }>('getOrganizationIamUsersIdpsSyncLatest', { query })).body.items;
    expect((await latest()).map((item) => item.idpId)).toEqual([corp, lab]);
    expect((await latest(`?idpIds%5B%5D=${lab}&idpIds%5B%5D=77`)).map((item) => item.idpId)).toEqual([lab]);
    expect((await latest(`?idpIds=${lab},${corp}`)).map((item) => item.idpId)).toEqual([corp, lab]);
    const unsynced = await api.send(
      'GET',
      `/api/v1/organizations/${api.organizationId}/iam/users/idps/999/sync/latest`,
    );
    expect(unsynced).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } });
  });

  test('every status has its name', async () => {
    await using api = await serveMeraki(await makeStore());
    await addIdp(api, 'corp');
    const names = {
      held: 'Held',
      success: 'Completed',
      partial_success: 'Completed with errors',
      failed: 'Failed',
      cancelled: 'Cancelled',
    };
    for (const status of Object.keys(names)) {
      await api.native('POST', '/syncs/corp/jobs', {});
      await endJobs(api, status);
    }
    await api.native('POST', '/syncs/corp/jobs', {});
    await sql`update job set status = 'running' where status = 'pending'`.execute(api.app.store.db);
    const { body } = await history(api);
    expect(body.items.map((item) => item.status).reverse()).toEqual([...Object.values(names), 'In Progress']);
  });
});
