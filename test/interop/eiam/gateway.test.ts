import { expect, test } from 'vitest';
import type { CreatedAccessKey, SecurityTokenView } from '@lockstep/contract/access.ts';
import { openIdleApplication } from '../../servers/application.ts';
import { serveApplication, type ApiClient } from '../../servers/api-client.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { draftV1, draftV3, sendDraft, type Key, type Reply } from './signing-client.ts';

interface Gate extends AsyncDisposable {
  readonly client: ApiClient;
  readonly tenantId: string;
  readonly administrator: Key;
  call(key: Key, action: string, parameters?: Record<string, string>): Promise<Reply>;
}

function policy(...statements: readonly object[]): { document: Record<string, unknown> } {
  return { document: { Version: '1', Statement: statements } };
}

async function newKey(gate: Gate, request: object = {}): Promise<Key> {
  const made = await gate.client.json<CreatedAccessKey>('POST', '/access-keys', { name: 'k', ...request });
  return { id: made.id, secret: made.secret };
}

async function newToken(gate: Gate, parent: Key, request: object = {}): Promise<Required<Key>> {
  const path = `/access-keys/${parent.id}/security-tokens`;
  const made = await gate.client.json<SecurityTokenView>('POST', path, request);
  return { id: made.accessKeyId, secret: made.accessKeySecret, token: made.securityToken };
}

async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { Code: string }).Code];
}

describeOnServerStore('EIAM gateway', (makeStore) => {
  async function openGate(
    options: { readonly clock?: { now(): Date }; readonly perSecond?: number } = {},
  ): Promise<Gate> {
    const application = await openIdleApplication(await makeStore());
    const app = options.clock === undefined ? application : { ...application, clock: options.clock };
    const client = await serveApplication(app, { eiamRequestsPerSecond: options.perSecond ?? 10_000 });
    const { accessKeyId, accessKeySecret, tenantId } = app.credentials;
    const host = new URL(client.url).host;
    return {
      client,
      tenantId,
      administrator: { id: accessKeyId, secret: accessKeySecret },
      call: async (key, action, parameters = {}) =>
        sendDraft(
          client.url,
          draftV3(host, key, action, parameters, options.clock && { now: options.clock.now() }),
        ),
      [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose](),
    };
  }

  test('parameters come in query or form, chunked or not, by GET or POST, by either signature', async () => {
    await using gate = await openGate();
    const { client, administrator, tenantId } = gate;
    const host = new URL(client.url).host;
    const answers: unknown[] = [];
    for (const draft of [draftV3, draftV1]) {
      for (const options of [{ method: 'GET' }, { method: 'POST' }, { method: 'POST', inBody: true }]) {
        const made = draft(host, administrator, 'GetInstance', { InstanceId: tenantId }, options);
        const reply = await sendDraft(client.url, made);
        answers.push(reply.status);
        expect(reply.headers['content-type']).toBe('application/json;charset=utf-8');
        expect(reply.headers['x-acs-request-id']).toBe(reply.body['RequestId']);
        expect(reply.body['RequestId']).toMatch(/^[0-9A-F-]{36}$/);
        expect(reply.body).not.toHaveProperty('Code');
      }
    }
    expect(answers).toEqual([200, 200, 200, 200, 200, 200]);
  });

  test('a query of 200 KB is read', async () => {
    await using gate = await openGate();
    const ids = Array.from({ length: 2000 }, (_, index): [string, string] => [
      `Ids.${index + 1}`,
      `ou_${'x'.repeat(90)}`,
    ]);
    const parameters = { InstanceId: gate.tenantId, ...Object.fromEntries(ids) };
    expect(await gate.call(gate.administrator, 'GetInstance', parameters)).toMatchObject({ status: 200 });
  });

  test('the root without an action is not of this API, a POST always is', async () => {
    await using gate = await openGate();
    const plain = await fetch(gate.client.url);
    expect(plain.headers.get('content-type')).toContain('application/problem+json');
    const posted = await fetch(gate.client.url, { method: 'POST' });
    expect(posted.status).toBe(400);
    expect(await posted.json()).toMatchObject({
      Code: 'MissingAction',
      HostId: new URL(gate.client.url).host,
      Recommend: expect.stringContaining('Keyword=MissingAction'),
    });
  });

  test('a request is taken once', async () => {
    await using gate = await openGate();
    const host = new URL(gate.client.url).host;
    for (const draft of [draftV3, draftV1]) {
      const made = draft(host, gate.administrator, 'GetInstance', { InstanceId: gate.tenantId });
      expect((await sendDraft(gate.client.url, made)).status).toBe(200);
      expect(await sendDraft(gate.client.url, made)).toMatchObject({
        status: 400,
        body: { Code: 'SignatureNonceUsed' },
      });
    }
    await using other = await serveApplication(gate.client.app);
    const made = draftV3(host, gate.administrator, 'GetInstance', { InstanceId: gate.tenantId });
    const both = await Promise.all([sendDraft(gate.client.url, made), sendDraft(other.url, made)]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 400]));
  });

  test('a nonce of another key is another nonce, and one whose request is too old may come again', async () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    await using gate = await openGate({ clock: { now: () => new Date(now) } });
    const host = new URL(gate.client.url).host;
    const second = await newKey(gate);
    const send = async (key: Key) => {
      const made = draftV1(host, key, 'ListRegions', { SignatureNonce: 'same' }, { now: new Date(now) });
      return (await sendDraft(gate.client.url, made)).body['Code'];
    };
    expect(await send(gate.administrator)).toBeUndefined();
    expect(await send(second)).toBeUndefined();
    now += 15 * 60_000;
    expect(await send(second)).toBe('SignatureNonceUsed');
    now += 2_000;
    expect(await send(second)).toBeUndefined();
  });

  test('a key ends when it is revoked and when its time is over', async () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    await using gate = await openGate({ clock: { now: () => new Date(now) } });
    const [revoked, short] = [await newKey(gate), await newKey(gate, { expiresAt: '2030-01-01T01:00:00Z' })];
    expect((await gate.call(revoked, 'ListRegions')).status).toBe(200);
    expect((await gate.call(short, 'ListRegions')).status).toBe(200);
    await gate.client.json('DELETE', `/access-keys/${revoked.id}`);
    now += 3_600_000;
    for (const key of [revoked, short]) {
      expect(await gate.call(key, 'ListRegions')).toMatchObject({
        status: 400,
        body: { Code: 'InvalidAccessKeyId.Inactive' },
      });
    }
    const { items } = await gate.client.json<{ items: { id: string; status: string }[] }>(
      'GET',
      '/access-keys',
    );
    expect(Object.fromEntries(items.map(({ id, status }) => [id, status]))).toMatchObject({
      [revoked.id]: 'revoked',
      [short.id]: 'expired',
      [gate.administrator.id]: 'active',
    });
    expect(JSON.stringify(items)).not.toContain(short.secret);
  });

  test('policies bound a key, and a refusal says why', async () => {
    await using gate = await openGate();
    const { client, tenantId } = gate;
    await client.json(
      'PUT',
      '/policies/read-one',
      policy({ Effect: 'Allow', Action: 'eiam:Get*', Resource: `acs:eiam:*:*:instance/${tenantId}` }),
    );
    await client.json(
      'PUT',
      '/policies/nothing',
      policy({
        Effect: 'Deny',
        Action: '*',
        Resource: '*',
        Condition: { IpAddress: { 'acs:SourceIp': '127.0.0.1' } },
      }),
    );
    const key = await newKey(gate, { policies: ['read-one'] });
    expect((await gate.call(key, 'GetInstance', { InstanceId: tenantId })).status).toBe(200);
    expect(await gate.call(key, 'ListRegions')).toMatchObject({
      status: 403,
      body: {
        Code: 'NoPermission',
        AccessDeniedDetail: { AuthAction: 'eiam:ListRegions', NoPermissionType: 'ImplicitDeny' },
      },
    });
    await client.json('PUT', `/access-keys/${key.id}/policies/nothing`);
    expect(await gate.call(key, 'GetInstance', { InstanceId: tenantId })).toMatchObject({
      status: 403,
      body: { AccessDeniedDetail: { NoPermissionType: 'ExplicitDeny' } },
    });
    expect((await client.send('DELETE', '/policies/nothing')).status).toBe(409);
    await client.json('DELETE', `/access-keys/${key.id}/policies/nothing`);
    await client.json('DELETE', '/policies/nothing');
    expect((await gate.call(key, 'GetInstance', { InstanceId: tenantId })).status).toBe(200);
    expect((await client.send('PUT', '/policies/bad', { document: { Version: '2' } })).status).toBe(400);
    expect((await client.send('PUT', `/access-keys/${key.id}/policies/none`)).status).toBe(404);
  });

  test('a temporary key needs its token, is narrowed by its policy, and ends', async () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    await using gate = await openGate({ clock: { now: () => new Date(now) } });
    const { tenantId: InstanceId } = gate;
    const parent = await newKey(gate);
    const session = policy({ Effect: 'Allow', Action: 'eiam:ListRegions', Resource: '*' }).document;
    const key = await newToken(gate, parent, { durationSeconds: 900, policy: session });
    expect((await gate.call(key, 'ListRegions')).status).toBe(200);
    expect((await gate.call(key, 'GetInstance', { InstanceId })).body).toMatchObject({
      Code: 'NoPermission',
      AccessDeniedDetail: { PolicyType: 'AssumeRolePolicy', AuthPrincipalType: 'AssumedRoleUser' },
    });
    const host = new URL(gate.client.url).host;
    const v1 = draftV1(host, key, 'ListRegions', {}, { now: new Date(now) });
    expect((await sendDraft(gate.client.url, v1)).status).toBe(200);
    const codeFor = async (bent: Key) => (await gate.call(bent, 'ListRegions')).body['Code'];
    expect(await codeFor({ id: key.id, secret: key.secret })).toBe('MissingSecurityToken');
    expect(await codeFor({ ...key, token: `${key.token}x` })).toBe('InvalidSecurityToken.Malformed');
    expect(await codeFor({ ...key, secret: parent.secret })).toBe('SignatureDoesNotMatch');
    expect(await codeFor({ ...parent, token: key.token })).toBe('InvalidSecurityToken.Malformed');
    const second = await newToken(gate, parent);
    expect(await codeFor({ ...key, token: second.token })).toBe('InvalidSecurityToken.Malformed');
    now += 900_000;
    expect(await codeFor(key)).toBe('InvalidSecurityToken.Expired');
    expect(await codeFor(second)).toBeUndefined();
    await gate.client.json('DELETE', `/access-keys/${parent.id}`);
    expect(await codeFor(second)).toBe('InvalidAccessKeyId.Inactive');
  });

  test('a key that calls too often is told when to come again', async () => {
    const clock = { now: () => new Date('2030-01-01T00:00:00Z') };
    await using gate = await openGate({ clock, perSecond: 5 });
    const other = await newKey(gate);
    const codes: unknown[] = [];
    for (let index = 0; index < 7; index += 1) {
      codes.push((await gate.call(gate.administrator, 'ListRegions')).status);
    }
    expect(codes).toEqual([200, 200, 200, 200, 200, 429, 429]);
    const refused = await gate.call(gate.administrator, 'ListRegions');
    expect(refused.body['Code']).toBe('Throttling.User');
    expect(refused.headers['x-acs-retry-after']).toBe('200');
    expect((await gate.call(other, 'ListRegions')).status).toBe(200);
  });

  test('bad input gets an error of this API', async () => {
    await using gate = await openGate();
    const { url } = gate.client;
    expect(await codeOf(await fetch(`${url}/?Action=GetInstance&Version=%ff`))).toEqual([
      400,
      'InvalidParameter',
    ]);
    expect(await codeOf(await fetch(`${url}/?Action=GetInstance`))).toEqual([400, 'MissingVersion']);
    expect(await codeOf(await fetch(`${url}/?Action=GetInstance&Version=2021-12-01`))).toEqual([
      400,
      'IncompleteSignature',
    ]);
    expect(await codeOf(await fetch(`${url}/?Action=No&Version=2021-12-01`))).toEqual([
      404,
      'InvalidAction.NotFound',
    ]);
    expect(
      await codeOf(await fetch(`${url}/?Action=GetInstance&Version=2021-12-01`, { method: 'PUT' })),
    ).toEqual([400, 'UnsupportedHTTPMethod']);
    const large = { method: 'POST', body: 'x'.repeat(20_000) };
    expect(await codeOf(await fetch(`${url}/?Action=GetInstance`, large))).toEqual([
      413,
      'RequestEntityTooLarge',
    ]);
    const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
    expect(await codeOf(await fetch(`${url}/?Action=GetInstance`, json))).toEqual([
      415,
      'UnsupportedMediaType',
    ]);
    const call = async (InstanceId: string) =>
      (await gate.call(gate.administrator, 'GetInstance', { InstanceId })).body['Code'];
    expect(await call('')).toBe('MissingParameter.InstanceId');
    expect(await call('idaas_aaaaaaaaaaaaaaaaaaaaaaaaaa')).toBe('ResourceNotFound.Instance');
    expect(await call('../../etc/passwd')).toBe('ResourceNotFound.Instance');
    expect(await call('x'.repeat(65))).toBe('InvalidParameter.InstanceId');
  });
});
