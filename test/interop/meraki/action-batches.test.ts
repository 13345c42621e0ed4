import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { serveMeraki, type Answer, type MerakiApi } from './meraki-api.ts';

interface Batch {
  id: string;
  confirmed: boolean;
  status: {
    completed: boolean;
    failed: boolean;
    errors: string[];
    createdResources: { id: string; uri: string }[];
  };
  actions: { body: unknown }[];
}

function paths(api: MerakiApi) {
  const organization = `/organizations/${api.organizationId}`;
  return { batches: `/api/v1${organization}/actionBatches`, iam: `${organization}/iam/users` };
}

async function countUsers(api: MerakiApi): Promise<number> {
  return (await api.call<{ userCount: number }>('getOrganizationIamUsersSummaryPanel')).body.userCount;
}

function newUser(api: MerakiApi, name: string) {
  const body = { email: `${name}@corp.example`, password: 'hunter2-secret' };
  return { resource: `${paths(api).iam}/idps/users`, operation: 'create', body };
}

async function submit(api: MerakiApi, actions: unknown[], more: object = {}): Promise<Answer<unknown>> {
  return api.send('POST', paths(api).batches, { confirmed: true, synchronous: true, actions, ...more });
}

async function waitForEnd(api: MerakiApi, id: string): Promise<Batch> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { body } = await api.send('GET', `${paths(api).batches}/${id}`);
    const batch = body as Batch;
    if (batch.status.completed || batch.status.failed) return batch;
    if (Date.now() > deadline) throw new Error('the batch did not end');
  }
}

describeOnServerStore('action batches of the Meraki API', (makeStore) => {
  test('actions are done in order, and shown without their secrets', async () => {
    await using api = await serveMeraki(await makeStore());
    await api.native('PUT', '/auth-zones/office', { type: 'ssid' });
    const { iam } = paths(api);
    const idpConfig = {
      tenantId: 't',
      clientId: 'c',
      clientSecret: 'hunter2-secret',
      client_secret: 'hunter2',
    };
    const answer = await submit(api, [
      newUser(api, 'alice'),
      {
        resource: `${iam}/authorizations`,
        operation: 'create',
        body: { email: 'alice@corp.example', authZone: { id: '1' } },
      },
      {
        resource: `${iam}/authorizations/authorization/revoke`,
        operation: 'revoke',
        body: { authorizationId: '1', authZone: { id: '1' } },
      },
      { resource: `${iam}/idps`, operation: 'create', body: { name: 'corp', type: 'Azure AD', idpConfig } },
      { resource: `${iam}/idps/1`, operation: 'update', body: { description: 'changed' } },
      { resource: `${iam}/idps/testConnectivity`, operation: 'test_connectivity', body: { idpId: '1' } },
      { resource: `${iam}/idps/1/sync`, operation: 'create', body: {} },
    ]);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      organizationId: api.organizationId,
      confirmed: true,
      synchronous: true,
      status: { completed: true, failed: false, errors: [] },
    });
    const created = (answer.body as Batch).status.createdResources;
    expect(created.map(({ uri }) => uri)).toEqual([
      `${iam}/idps/users/1`,
      `${iam}/authorizations/1`,
      `${iam}/idps/1`,
      `${iam}/idps/1/sync`,
    ]);
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(api.app.sent).toHaveLength(1);
    const list = (await api.send('GET', `${paths(api).batches}?status=completed`)).body as Batch[];
    expect(list).toEqual([answer.body]);
  });

  test('one action that fails undoes the others', async () => {
    await using api = await serveMeraki(await makeStore());
    const { iam } = paths(api);
    for (const last of [
      newUser(api, 'alice'),
      { resource: `${iam}/idps/users/77`, operation: 'destroy', body: {} },
      { resource: `${iam}/idps/users`, operation: 'create', body: { email: 'no address' } },
    ]) {
      const { status, body } = await submit(api, [newUser(api, 'alice'), newUser(api, 'bob'), last]);
      expect(status).toBe(201);
      expect(body).toMatchObject({
        status: { completed: false, failed: true, errors: [expect.any(String)], createdResources: [] },
      });
      expect(await countUsers(api)).toBe(0);
    }
    const failed = (await api.send('GET', `${paths(api).batches}?status=failed`)).body as Batch[];
    expect(failed).toHaveLength(3);
    const { rows } = await sql`select seq from directory_log`.execute(api.app.store.db);
    expect(rows).toEqual([]);
  });

  test('a batch waits to be confirmed, and goes on by itself when it is not synchronous', async () => {
    await using api = await serveMeraki(await makeStore());
    const kept = (await submit(api, [newUser(api, 'alice')], { confirmed: false, synchronous: false }))
      .body as Batch;
    expect(kept).toMatchObject({ confirmed: false, status: { completed: false, failed: false } });
    expect(await countUsers(api)).toBe(0);
    const path = `${paths(api).batches}/${kept.id}`;
    expect((await api.send('PUT', path, { confirmed: true })).status).toBe(200);
    expect(await waitForEnd(api, kept.id)).toMatchObject({ confirmed: true, status: { completed: true } });
    expect(await countUsers(api)).toBe(1);
    // Once is enough.
    expect((await api.send('PUT', path, { confirmed: true })).body).toMatchObject({
      status: { completed: true },
    });
    const unconfirmed = (await submit(api, [newUser(api, 'bob')], { confirmed: false })).body as Batch;
    expect((await api.send('DELETE', `${paths(api).batches}/${unconfirmed.id}`)).status).toBe(204);
    expect((await api.send('GET', `${paths(api).batches}/${unconfirmed.id}`)).status).toBe(404);
  });

  test('a batch that a process left when it died is taken up', async () => {
    await using api = await serveMeraki(await makeStore());
    const kept = (await submit(api, [newUser(api, 'alice')], { confirmed: false, synchronous: false }))
      .body as Batch;
    await sql`update action_batch set status = 'pending'`.execute(api.app.store.db);
    expect(await waitForEnd(api, kept.id)).toMatchObject({ status: { completed: true } });
    expect(await countUsers(api)).toBe(1);
  });

  test('a batch acts for who made it, and what cannot be in one is refused', async () => {
    await using api = await serveMeraki(await makeStore());
    const { iam } = paths(api);
    const refused: [unknown[], string][] = [
      [[], 'must not be empty'],
      [Array.from({ length: 21 }, (_, number) => newUser(api, `user${number}`)), '20'],
      [[{ resource: `${iam}/search`, operation: 'create', body: {} }], 'cannot be done'],
      [[{ resource: `${iam}/idps/users`, operation: 'destroy', body: {} }], 'cannot be done'],
      [[{ ...newUser(api, 'x'), resource: '/organizations/77/iam/users/idps/users' }], 'cannot be done'],
    ];
    for (const [actions, text] of refused) {
      const answer = await submit(api, actions);
      expect(answer, text).toMatchObject({ status: 400, body: { errors: [expect.stringContaining(text)] } });
    }
    await sql`update account set role = 'reader'`.execute(api.app.store.db);
    expect((await submit(api, [newUser(api, 'alice')])).status).toBe(403);
  });

  test('five batches may wait at a time', async () => {
    await using api = await serveMeraki(await makeStore());
    for (let number = 0; number < 5; number += 1)
      await submit(api, [newUser(api, `u${number}`)], { confirmed: false });
    await sql`update action_batch set status = 'pending', synchronous = true`.execute(api.app.store.db);
    const answer = await submit(api, [newUser(api, 'one-more')]);
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [expect.stringContaining('executing batches')] },
    });
  });
});
