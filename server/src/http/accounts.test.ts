import { AsyncLocalStorage } from 'node:async_hooks';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { AccountView, CreatedToken } from '@lockstep/contract/account.ts';
import type { Page } from '@lockstep/contract/page.ts';
import type { CreatedTenant, TenantView } from '@lockstep/contract/tenant.ts';
import type { TokenView } from '@lockstep/contract/token.ts';
import { openIdleApplication } from '../../../test/servers/application.ts';
import { expectProblem, serveApplication, type ApiClient } from '../../../test/servers/api-client.ts';
import {
  countWaiting,
  describeOnServerStore,
  describeOnSharedStores,
  type SharedStore,
} from '../../../test/servers/shared-store.ts';
import { newId } from '../kernel/ids.ts';
import type { Store } from '../store/store.ts';
import { claimActionBatch, insertActionBatch } from '../store/queries/action-batches.ts';
import { deleteAccountRow } from '../store/queries/accounts.ts';
import { deleteConnectionRow } from '../store/queries/connections.ts';
import { lockTenant } from '../store/queries/tenant.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** How much later it is for the server, in milliseconds. */
let passed = 0;

async function start(makeStore: SharedStore): Promise<ApiClient> {
  const app = await openIdleApplication(await makeStore());
  return serveApplication({ ...app, clock: { now: () => new Date(Date.now() + passed) } });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const token = async (api: ApiClient, account: string, body = {}) =>
  (await api.json<CreatedToken>('POST', `/accounts/${account}/tokens`, body)).token;
const status = async (api: ApiClient, as: string, method: string, path: string, body?: unknown) =>
  (await api.send(method, path, body, bearer(as))).status;

describeOnSharedStores('accounts', (makeStore) => {
  test('do what their role allows, as it is now', async () => {
    await using api = await start(makeStore);
    const made = await api.json<AccountView>('PUT', '/accounts/auditor', { role: 'reader' });
    expect(made).toMatchObject({ name: 'auditor', role: 'reader' });
    expect(await api.json('GET', '/accounts/auditor')).toEqual(made);
    const auditor = await token(api, 'auditor');
    expect(auditor).toMatch(/^[0-9a-f]{40}$/);
    const zone = ['PUT', '/auth-zones/z', { type: 'ssid' }] as const;
    expect(await status(api, auditor, 'GET', '/syncs')).toBe(200);
    expect(await status(api, auditor, ...zone)).toBe(403);
    expect(await status(api, auditor, 'GET', '/accounts')).toBe(403);
    expect(await status(api, auditor, 'PUT', '/accounts/auditor', { role: 'administrator' })).toBe(403);
    expect(await api.json('PUT', '/accounts/auditor', { role: 'administrator' })).toEqual({
      ...made,
      role: 'administrator',
    });
    expect(await status(api, auditor, ...zone)).toBe(200);
    const listed = await api.json<Page<AccountView>>('GET', '/accounts');
    expect(listed.items.map(({ name }) => name)).toEqual(['administrator', 'auditor']);
    const first = await api.json<Page<AccountView>>('GET', '/accounts?limit=1');
    const second = await api.json<Page<AccountView>>('GET', `/accounts?limit=1&after=${first.next}`);
    expect([...first.items, ...second.items]).toEqual(listed.items);
    expect(second.next).toBeNull();
  });

  test('are let in by tokens, each of which ends by itself', async () => {
    await using api = await start(makeStore);
    await api.json('PUT', '/accounts/auditor', { role: 'reader' });
    const laptop = await api.json<CreatedToken>('POST', '/accounts/auditor/tokens', { label: 'laptop' });
    expect(laptop).toMatchObject({ label: 'laptop', status: 'active', expiresAt: null, lastUsedAt: null });
    const expiresAt = new Date(Date.now() + day).toISOString();
    const short = await token(api, 'auditor', { label: 'short', expiresAt });
    for (const one of [laptop.token, short]) expect(await status(api, one, 'GET', '/syncs')).toBe(200);
    const list = async () => (await api.json<Page<TokenView>>('GET', '/accounts/auditor/tokens')).items;
    const [used] = await list();
    expect(used?.lastUsedAt).not.toBeNull();
    expect(await status(api, laptop.token, 'GET', '/syncs')).toBe(200);
    expect((await list())[0]?.lastUsedAt).toBe(used?.lastUsedAt);
    passed = day + minute;
    expect(await status(api, short, 'GET', '/syncs')).toBe(401);
    expect(await status(api, laptop.token, 'GET', '/syncs')).toBe(200);
    expect(Date.parse((await list())[0]?.lastUsedAt ?? '')).toBeGreaterThan(
      Date.parse(used?.lastUsedAt ?? '') + day - minute,
    );
    expect((await list()).map(({ status: is }) => is)).toEqual(['active', 'expired']);
    passed = 0;
    expect((await list()).map(({ status: is }) => is)).toEqual(['active', 'expiring']);
    await api.json('DELETE', `/accounts/auditor/tokens/${laptop.id}`);
    expect(await status(api, laptop.token, 'GET', '/syncs')).toBe(401);
    expect(await status(api, short, 'GET', '/syncs')).toBe(200);
    const kept = JSON.stringify(await api.app.store.db.selectFrom('api_token').selectAll().execute());
    const told = JSON.stringify(await list());
    for (const text of [laptop.token, short]) expect(`${kept} ${told}`).not.toContain(text);
    const past = { expiresAt: new Date(Date.now() - day).toISOString() };
    expect(await expectProblem(await api.send('POST', '/accounts/auditor/tokens', past), 400)).toMatchObject({
      field: 'expiresAt',
    });
    const tooLate = { name: 'late', expiresAt: '9999-12-31T23:59:59-12:00' };
    for (const [path, body] of [
      ['/accounts/auditor/tokens', { expiresAt: tooLate.expiresAt }],
      ['/access-keys', tooLate],
    ] as const)
      expect(await expectProblem(await api.send('POST', path, body), 400)).toMatchObject({
        field: 'body.expiresAt',
        detail: 'body.expiresAt: must be before the year 10000',
      });
    await api.json('PUT', '/accounts/other', { role: 'reader' });
    await expectProblem(await api.send('DELETE', `/accounts/other/tokens/${laptop.id}`), 404);
    await expectProblem(await api.send('POST', '/accounts/nobody/tokens', {}), 404);
    await expectProblem(await api.send('GET', '/accounts/nobody/tokens'), 404);
  });

  test('end with all that they were given', async () => {
    await using api = await start(makeStore);
    const { db } = api.app.store;
    await api.json('PUT', '/accounts/ada', { role: 'administrator' });
    const ada = await token(api, 'ada');
    const { accountId } = (await (await api.send('GET', '/identity', undefined, bearer(ada))).json()) as {
      accountId: string;
    };
    await api.json('POST', '/access-keys', { name: 'hers', account: 'ada' });
    const client = await api.send('POST', '/oauth-clients', { name: 'hers' }, bearer(ada));
    const { id: clientId } = (await client.json()) as { id: string };
    const { accountId: admin, tenantId } = api.app.credentials;
    for (const id of [accountId, admin])
      await sql`
        insert into oauth_grant (id, client_id, account_id, scopes) values (${newId('oauthGrant')}, ${clientId}, ${id}, '[]')`.execute(
        db,
      );
    await sql`
      insert into action_batch (id, tenant_id, account_id, status, synchronous, sealed_actions)
      values ('batch_x', ${tenantId}, ${accountId}, 'pending', false, '')`.execute(db);
    await api.json('DELETE', '/accounts/ada');
    expect(await status(api, ada, 'GET', '/identity')).toBe(401);
    for (const table of ['api_token', 'access_key', 'oauth_client', 'oauth_grant', 'action_batch']) {
      const { rows } = await sql<{ account_id: string }>`
        select account_id from ${sql.table(table)} where account_id <> ${admin}`.execute(db);
      expect(rows, table).toEqual([]);
    }
    await expectProblem(await api.send('DELETE', '/accounts/ada'), 404);
    await expectProblem(await api.send('GET', '/accounts/ada'), 404);
    expect(await api.json('GET', '/identity')).toMatchObject({ accountId: admin });
  });

  test('leave a tenant an administrator', async () => {
    await using api = await start(makeStore);
    for (const [method, body] of [
      ['PUT', { role: 'operator' }],
      ['DELETE', undefined],
    ] as const) {
      const refused = await expectProblem(await api.send(method, '/accounts/administrator', body), 409);
      expect(refused.detail).toContain('administrator is the only administrator');
    }
    await api.json('PUT', '/accounts/administrator', { role: 'administrator' });
    await api.json('PUT', '/accounts/ada', { role: 'administrator' });
    await api.json('PUT', '/accounts/administrator', { role: 'reader' });
    expect(await api.json('GET', '/identity')).toMatchObject({ role: 'reader' });
  });

  test('are of one tenant, and tenants are made by the first one alone', async () => {
    await using api = await start(makeStore);
    const made = await api.json<CreatedTenant>('POST', '/tenants', { name: 'acme & söhne' });
    const theirs = made.administrator.apiToken;
    const identity = await api.send('GET', '/identity', undefined, bearer(theirs));
    expect(await identity.json()).toEqual({
      tenantId: made.id,
      tenantName: 'acme & söhne',
      accountId: made.administrator.accountId,
      role: 'administrator',
    });
    await api.json('PUT', '/accounts/auditor', { role: 'reader' });
    const put = await api.send('PUT', '/accounts/auditor', { role: 'operator' }, bearer(theirs));
    expect(put.status).toBe(200);
    expect(await api.json('GET', '/accounts/auditor')).toMatchObject({ role: 'reader' });
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', { name: 'more' }],
    ] as const)
      await expectProblem(await api.send(method, '/tenants', body, bearer(theirs)), 403);
    const taken = await expectProblem(await api.send('POST', '/tenants', { name: 'acme & söhne' }), 409);
    expect(taken).toMatchObject({ code: 'Conflict', field: 'name' });
    await expectProblem(await api.send('POST', '/tenants', { name: 'a/b' }), 400);
    const listed = await api.json<Page<TenantView>>('GET', '/tenants');
    expect(listed.items.map(({ name }) => name)).toEqual(['default', 'acme & söhne']);
    expect(JSON.stringify(listed)).not.toContain(theirs);
    await api.json('PUT', '/connections/hr', { type: 'scim_server' });
    const seen = await api.send('GET', '/connections', undefined, bearer(theirs));
    expect(await seen.json()).toEqual({ items: [], next: null });
  });
});

/** What is asked for while another transaction has the lock of the tenant, and does `meanwhile`. */
async function askMeanwhile(
  api: ApiClient,
  meanwhile: (trx: Store['db']) => Promise<unknown>,
  ask: () => Promise<Response>[],
): Promise<number[]> {
  const { store, credentials } = api.app;
  const outside = AsyncLocalStorage.snapshot();
  const asked = await store.transaction(async (trx) => {
    await lockTenant(trx, credentials.tenantId);
    await meanwhile(trx);
    return outside(async () => {
      const requests = ask();
      await expect.poll(async () => countWaiting(store)).toBe(requests.length);
      return { answers: Promise.all(requests) };
    });
  });
  return (await asked.answers).map(({ status }) => status).toSorted((one, other) => one - other);
}

describeOnServerStore('accounts that are asked about at once', (makeStore) => {
  test('leave one of two administrators who are taken away', async () => {
    await using api = await start(makeStore);
    await api.json('PUT', '/accounts/ada', { role: 'administrator' });
    const statuses = await askMeanwhile(
      api,
      async () => undefined,
      () => ['administrator', 'ada'].map(async (name) => api.send('DELETE', `/accounts/${name}`)),
    );
    expect(statuses).toEqual([204, 409]);
  });

  test('are given no token or key when they go, nor is a connection', async () => {
    await using api = await start(makeStore);
    const { id } = await api.json<AccountView>('PUT', '/accounts/ada', { role: 'reader' });
    const hr = await api.json<{ id: string }>('PUT', '/connections/hr', { type: 'scim_server' });
    const statuses = await askMeanwhile(
      api,
      async (trx) => {
        await deleteAccountRow(trx, id);
        await deleteConnectionRow(trx, hr.id);
      },
      () => [
        api.send('POST', '/accounts/ada/tokens', {}),
        api.send('POST', '/access-keys', { name: 'hers', account: 'ada' }),
        api.send('POST', '/connections/hr/tokens', {}),
      ],
    );
    expect(statuses).toEqual([404, 404, 404]);
  });

  test('that go are let in no more where they ask for something of their own', async () => {
    await using api = await start(makeStore);
    const { id } = await api.json<AccountView>('PUT', '/accounts/ada', { role: 'administrator' });
    const hers = bearer(await token(api, 'ada'));
    const key = await api.json<{ id: string }>('POST', '/access-keys', { name: 'hers', account: 'ada' });
    const { rows } = await sql<{ serial: number }>`select serial from tenant`.execute(api.app.store.db);
    const organization = `/organizations/${rows[0]?.serial}`;
    const batch = {
      method: 'POST',
      headers: { ...hers, 'content-type': 'application/json' },
      body: JSON.stringify({
        actions: [{ resource: `${organization}/iam/users/authorizations`, operation: 'create' }],
      }),
    };
    const statuses = await askMeanwhile(
      api,
      async (trx) => deleteAccountRow(trx, id),
      () => [
        api.send('POST', '/access-keys', { name: 'more' }, hers),
        api.send('POST', '/oauth-clients', { name: 'more' }, hers),
        fetch(`${api.url}/api/v1${organization}/actionBatches`, batch),
        api.send('POST', `/access-keys/${key.id}/security-tokens`, {}, hers),
      ],
    );
    expect(statuses).toEqual([401, 401, 401, 404]);
  });

  test('go when a batch of theirs that is at work has ended', async () => {
    await using api = await start(makeStore);
    const { store, credentials } = api.app;
    const { id } = await api.json<AccountView>('PUT', '/accounts/ada', { role: 'administrator' });
    const serial = await insertActionBatch(store.db, {
      id: newId('actionBatch'),
      tenantId: credentials.tenantId,
      accountId: id,
      status: 'pending',
      synchronous: false,
      sealedActions: Buffer.from(''),
      createdAt: new Date(),
    });
    const outside = AsyncLocalStorage.snapshot();
    const asked = await store.transaction(async (trx) => {
      await claimActionBatch(trx, credentials.tenantId, serial);
      const deleting = await outside(async () => {
        const answer = api.send('DELETE', '/accounts/ada');
        await expect.poll(async () => countWaiting(store)).toBe(1);
        return { answer };
      });
      await lockTenant(trx, credentials.tenantId);
      return deleting;
    });
    expect((await asked.answer).status).toBe(204);
  });
});
