import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import {
  startEventReceiver,
  type EventReceiver,
  type ReceivedEvent,
} from '../../simulators/event-receiver.ts';
import type { CheckedAnswer } from './eiam-client.ts';
import { openScene, type Scene } from './provisioning-scene.ts';

const encryptKey = 'c0ffee'.padEnd(64, '0');
const userEvent = (name: string): string => `urn:alibaba:idaas:app:event:ud:user:${name}`;

const typesOf = (events: readonly ReceivedEvent[]): string[] =>
  events.map(({ eventType }) => eventType.split(':').slice(-2).join(':'));

describeOnServerStore('EIAM applications with event callbacks', (makeStore) => {
  let scene: Scene;
  let receiver: EventReceiver;
  beforeEach(async () => {
    receiver = await startEventReceiver();
    scene = await openScene(await makeStore());
  });
  afterEach(async () => {
    await scene[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  const callback = (more: Record<string, unknown> = {}) => ({
    ProvisionProtocolType: 'idaas_callback',
    CallbackProvisioningConfig: { CallbackUrl: receiver.url, ...more },
  });

  async function shown(ApplicationId: string): Promise<CheckedAnswer> {
    return (await scene.call('GetApplicationProvisioningConfig', { ApplicationId }))
      .ApplicationProvisioningConfig;
  }

  /** Lets the receiver verify by the address that the API shows. */
  async function introduce(ApplicationId: string, key?: string): Promise<void> {
    const keys: string = (await shown(ApplicationId)).ProvisionJwksEndpoint;
    const { tenantId } = scene;
    receiver.options = { keys, audience: ApplicationId, tenantId, ...(key && { encryptKey: key }) };
  }

  test('an application is told of everything by signed and encrypted events, once', async () => {
    const north = await scene.call('CreateOrganizationalUnit', {
      ParentId: scene.sales,
      OrganizationalUnitName: 'North',
    });
    const ada = await scene.newUser('ada', { PrimaryOrganizationalUnitId: north.OrganizationalUnitId });
    const bob = await scene.newUser('bob');
    const id = await scene.newApplication(callback({ EncryptKey: encryptKey, EncryptRequired: true }));
    await introduce(id, encryptKey);
    const first = await scene.synchronize(id);
    expect(first).toMatchObject({
      Status: 'success',
      TargetId: id,
      TargetType: 'application',
      Result: {
        UserStatistics: { Created: { Success: 2, Total: 2 }, Pushed: { Success: 2 } },
        OrganizationalUnitStatistics: { Created: { Success: 1 } },
      },
    });
    expect(receiver.faults).toEqual([]);
    expect(typesOf(receiver.taken)[0]).toBe('organizational_unit:create');
    expect(receiver.held.get(ada)).toMatchObject({
      userId: ada,
      username: 'ada',
      displayName: 'The ada',
      email: 'ada@example.com',
      userExternalId: ada,
      status: 'enabled',
      primaryOrganizationalUnitId: north.OrganizationalUnitId,
    });
    expect(receiver.held.get(bob)).toMatchObject({ primaryOrganizationalUnitId: scene.sales });
    expect(receiver.held.get(north.OrganizationalUnitId)).toMatchObject({
      organizationalUnitName: 'North',
      parentId: scene.sales,
    });

    const again = await scene.synchronize(id);
    expect(again.Status).toBe('success');
    expect(receiver.tries).toHaveLength(3);

    await scene.call('UpdateUser', { UserId: ada, DisplayName: 'Countess' });
    await scene.call('DisableUser', { UserId: ada });
    await scene.call('SetUserPrimaryOrganizationalUnit', {
      UserId: bob,
      OrganizationalUnitId: north.OrganizationalUnitId,
    });
    expect((await scene.synchronize(id)).Status).toBe('success');
    expect(typesOf(receiver.taken).slice(3).toSorted()).toEqual([
      'user:disable',
      'user:update_info',
      'user:update_primary_ou',
    ]);
    expect(receiver.held.get(ada)).toMatchObject({ displayName: 'Countess', status: 'disabled' });
    await scene.call('DeleteUser', { UserId: ada });
    expect((await scene.synchronize(id)).Result.UserStatistics.Deleted).toMatchObject({
      Success: 1,
      Total: 1,
    });
    expect(receiver.taken.at(-1)).toMatchObject({ eventType: userEvent('delete'), data: { userId: ada } });
  });

  test('groups and their members are told, and what leaves', async () => {
    const ada = await scene.newUser('ada');
    const { GroupId } = await scene.call('CreateGroup', { GroupName: 'staff' });
    await scene.call('AddUsersToGroup', { GroupId, UserIds: [ada] });
    const id = await scene.newApplication(callback(), [scene.root]);
    await introduce(id);
    expect((await scene.synchronize(id)).Status).toBe('success');
    expect(receiver.held.get(GroupId)).toMatchObject({ groupId: GroupId, groupName: 'staff' });
    expect([...(receiver.members.get(GroupId) ?? [])]).toEqual([ada]);
    await scene.call('DeleteUser', { UserId: ada });
    expect((await scene.synchronize(id)).Status).toBe('success');
    expect(receiver.held.has(ada)).toBe(false);
    expect([...(receiver.members.get(GroupId) ?? [])]).toEqual([]);
    const before = receiver.tries.length;
    expect((await scene.synchronize(id)).Status).toBe('success');
    expect(receiver.tries).toHaveLength(before);
  });

  test('what an application does not listen to is left out of the plan', async () => {
    const ada = await scene.newUser('ada');
    const id = await scene.newApplication(
      callback({ ListenEventScopes: [userEvent('create'), userEvent('update_info')] }),
    );
    await introduce(id);
    await scene.synchronize(id);
    expect(typesOf(receiver.taken)).toEqual(['user:create']);
    await scene.call('DisableUser', { UserId: ada });
    const quiet = await scene.synchronize(id);
    expect(quiet.Result.UserStatistics.Updated.Total).toBe(0);
    await scene.call('UpdateUser', { UserId: ada, DisplayName: 'Countess' });
    await scene.synchronize(id);
    await scene.call('DeleteUser', { UserId: ada });
    await scene.synchronize(id);
    expect(typesOf(receiver.taken)).toEqual(['user:create', 'user:update_info']);
  });

  test('a try that fails is repeated, and the same event is known by its id', async () => {
    await scene.newUser('ada');
    const id = await scene.newApplication(callback());
    await introduce(id);
    const answers = [500, 503, 429];
    receiver.manner = (_event, response) => {
      const status = answers.shift();
      if (status === undefined) return 'acknowledge';
      response.writeHead(status, { 'retry-after': '7' }).end('<html>busy</html>');
      return undefined;
    };
    expect((await scene.synchronize(id)).Status).toBe('success');
    expect(new Set(receiver.tries.map(({ eventId }) => eventId)).size).toBe(1);
    expect(receiver.tries).toHaveLength(4);
    expect(scene.pauses).toEqual([7, 7, 7]);
  });

  test.each([
    ['500', (response) => void response.writeHead(500).end(), 6, 'TargetRejected', 'answered 500'],
    [
      'a redirect',
      (response) => void response.writeHead(302, { location: '/other' }).end(),
      1,
      'TargetRejected',
      'redirects are not followed',
    ],
    [
      'a web page',
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      6,
      'ProtocolError',
      'no JSON',
    ],
    [
      'a broken connection',
      (response) => void response.destroy(),
      6,
      'ConnectionFailed',
      'cannot be reached',
    ],
    [
      'the acknowledgement of another event',
      (response) => void response.end(JSON.stringify({ successEvents: [{ eventId: 'evnt_other' }] })),
      6,
      'ProtocolError',
      'acknowledged other events',
    ],
    [
      'failed for good',
      (response, eventId) =>
        void response.end(
          JSON.stringify({ failedEvents: [{ eventId, eventCode: 'full', eventMessage: 'no seats' }] }),
        ),
      1,
      'TargetRejected',
      'full: no seats',
    ],
  ] as const satisfies readonly (readonly [
    string,
    (response: ServerResponse, eventId: string) => void,
    number,
    string,
    string,
  ])[])(
    '%s ends as a dead letter, and the next job tells it again',
    async (_, refuse, tries, code, reason) => {
      await scene.newUser('ada');
      const bob = await scene.newUser('bob');
      const id = await scene.newApplication(callback());
      await introduce(id);
      receiver.manner = (event, response) => {
        if (event.bizId === bob) return 'acknowledge';
        refuse(response, event.eventId);
        return undefined;
      };
      const job = await scene.synchronize(id);
      expect(job).toMatchObject({
        Status: 'partial_success',
        Result: { UserStatistics: { Created: { Success: 1, Failed: 1 } } },
      });
      expect(receiver.tries.filter(({ bizId }) => bizId !== bob)).toHaveLength(tries);
      const [failure, ...others] = await scene.failures(job.SynchronizationJobId);
      expect(others).toEqual([]);
      expect(failure).toMatch(new RegExp(`^ada: ${code} not delivered after .*${reason}`));
      receiver.manner = () => 'acknowledge';
      expect((await scene.synchronize(id)).Status).toBe('success');
      expect(receiver.held.size).toBe(2);
    },
  );

  test('an application that hangs is given up on in time', async () => {
    await scene.newUser('ada');
    const id = await scene.newApplication(callback());
    await introduce(id);
    await scene.api.json('PUT', `/connections/${id}`, {
      type: 'event_callback',
      url: receiver.url,
      timeoutSeconds: 0.2,
      retries: 1,
    });
    receiver.manner = () => undefined;
    const job = await scene.synchronize(id);
    expect(await scene.failures(job.SynchronizationJobId)).toEqual([
      expect.stringContaining('ConnectionFailed not delivered after 2 tries'),
    ]);
  });

  test('where nothing is taken at all, the rest is not tried', async () => {
    for (let index = 0; index < 40; index += 1) await scene.newUser(`user${index}`);
    const id = await scene.newApplication(callback());
    await introduce(id);
    receiver.manner = (_event, response) => void response.writeHead(500).end();
    const job = await scene.synchronize(id);
    expect(job.Status).toBe('failed');
    const failures = await scene.failures(job.SynchronizationJobId);
    expect(failures).toHaveLength(40);
    expect(failures.filter((text) => text.includes('took none of the')).length).toBeGreaterThan(5);
    expect(receiver.tries.length).toBeLessThan(40 * 6);
  });

  test('keys are published for everybody, one pair for a tenant, and a retired one stays for a while', async () => {
    const id = await scene.newApplication(callback());
    const address: string = (await shown(id)).ProvisionJwksEndpoint;
    expect(new URL(address).pathname).toBe(`/v2/${scene.tenantId}/${id}/provisioning/jwks`);
    const keys = async (): Promise<{ kid: string; d?: string }[]> =>
      ((await (await fetch(address)).json()) as { keys: { kid: string }[] }).keys;
    const both = await Promise.all([keys(), keys()]);
    expect(both[0]).toEqual(both[1]);
    expect(both[0]).toEqual([
      { kty: 'RSA', use: 'sig', alg: 'RS256', e: 'AQAB', kid: expect.any(String), n: expect.any(String) },
    ]);
    await introduce(id);
    await scene.newUser('ada');
    expect((await scene.synchronize(id)).Status).toBe('success');
    const made = await scene.api.json<{ id: string; status: string }>('POST', '/signing-keys');
    expect(made.status).toBe('current');
    expect((await keys()).map(({ kid }) => kid)).toEqual([made.id, both[0]?.[0]?.kid]);
    await scene.newUser('bob');
    expect((await scene.synchronize(id)).Status).toBe('success');
    expect(receiver.held.size).toBe(2);
    expect(receiver.faults).toEqual([]);
    const listed = await scene.api.json<{ items: unknown[] }>('GET', '/signing-keys');
    expect(listed.items).toMatchObject([{ status: 'current' }, { status: 'retired' }]);
    for (const path of [
      `/v2/${scene.tenantId}/app_x/provisioning/jwks`,
      `/v2/x/${id}/provisioning/jwks`,
      '/v2/x',
    ])
      expect((await fetch(new URL(path, address))).status).toBe(404);
  });

  test('a test of the connection sends a test event', async () => {
    const id = await scene.newApplication(callback());
    await introduce(id);
    const path = `/connections/${id}/test`;
    const passed = await scene.api.json<{ ok: boolean; steps: { step: string }[] }>('POST', path);
    expect(passed).toMatchObject({ ok: true });
    expect(passed.steps.map(({ step }) => step)).toEqual(['dns', 'tcp', 'tls', 'event']);
    expect(typesOf(receiver.taken)).toEqual(['common:test']);
    receiver.manner = (_event, response) => void response.writeHead(403).end();
    const refused = await scene.api.json<{ ok: boolean; steps: { detail: string }[] }>('POST', path);
    expect(refused.ok).toBe(false);
    expect(refused.steps.at(-1)?.detail).toContain('403');
  });
});
