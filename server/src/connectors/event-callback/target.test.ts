import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventCallbackConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { startEventReceiver, type EventReceiver } from '../../../../test/simulators/event-receiver.ts';
import { MemoryReplica } from '../../../../test/simulators/memory-replica.ts';
import type { Endpoint, TargetChange } from '../../sync/connector.ts';
import { makeEventCallbackConnector } from './connector.ts';

const { publicKey, privateKey } = await generateKeyPair('RS256');
const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256' }] };

let receiver: EventReceiver;
let replica: MemoryReplica;
let endpoint: Endpoint;
beforeEach(async () => {
  receiver = await startEventReceiver({ keys, audience: 'app_test', tenantId: 'idaas_test' });
  replica = new MemoryReplica();
  endpoint = await open(receiver.url);
});
afterEach(async () => {
  await endpoint[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

function open(url: string): Promise<Endpoint> {
  const settings = eventCallbackConnectionSchema.parse({
    type: 'event_callback',
    url,
    retries: 1,
    concurrency: 3,
  });
  return makeEventCallbackConnector(() => Promise.resolve()).open(settings, {
    baseDirectory: '/',
    secret: () => undefined,
    replica,
    signer: {
      tenantId: 'idaas_test',
      connectionId: 'app_test',
      now: () => new Date(),
      sign: (claims) =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'test' })
          .sign(privateKey),
    },
  });
}

let ordinal = 0;
function change(more: Partial<TargetChange> & Pick<TargetChange, 'kind' | 'verb'>): TargetChange {
  ordinal += 1;
  const empty = { externalId: null, location: null, parentLocation: null, name: null, set: {}, before: {} };
  return { ordinal, ...empty, ...more };
}

const create = (id: string): TargetChange =>
  change({
    kind: 'user',
    verb: 'create',
    parentLocation: '',
    name: id,
    set: { userId: [id], username: [id] },
  });
const createGroup = (id: string): TargetChange =>
  change({
    kind: 'group',
    verb: 'create',
    parentLocation: '',
    name: id,
    set: { groupId: [id], groupName: [id] },
  });
const rename = (id: string): TargetChange =>
  change({ kind: 'group', verb: 'update', externalId: id, location: id, set: { groupName: ['other'] } });
const join = (group: string, member: string): TargetChange =>
  change({
    kind: 'membership',
    verb: 'addMember',
    externalId: group,
    location: group,
    member: { kind: 'user', externalId: member, location: member, alias: null, reference: member },
  });

const signal = new AbortController().signal;
async function apply(changes: readonly TargetChange[], recovering = false) {
  const session = await endpoint.openTarget({ job: 'sync_1', scopes: [] });
  return session.apply(changes, { recovering, signal });
}

test('what follows an event that was missed is not told, what does not follow it is', async () => {
  await apply([create('ada'), createGroup('staff'), createGroup('board')]);
  receiver.manner = ({ eventType }, response) =>
    eventType.endsWith(':group:update') ? void response.writeHead(500).end() : 'acknowledge';
  const outcomes = await apply([rename('staff'), join('staff', 'ada'), join('board', 'ada')]);
  expect(outcomes).toMatchObject([
    { ok: false, code: 'TargetRejected' },
    { ok: false, code: 'DependencyFailed', message: expect.stringContaining('staff') },
    { ok: true },
  ]);
  expect([...receiver.members.keys()]).toEqual(['board']);
});

test('an event that was taken and not written down comes again under the same id; one that was, does not', async () => {
  const changes = [create('ada'), create('bob')];
  replica.beforeWrite = () => {
    throw new Error('the process ended');
  };
  await expect(apply(changes)).rejects.toThrow('the process ended');
  replica.beforeWrite = () => undefined;
  expect(await apply(changes, true)).toMatchObject([{ ok: true, externalId: 'ada' }, { ok: true }]);
  const told = receiver.tries.filter(({ bizId }) => bizId === 'ada');
  expect(told).toHaveLength(2);
  expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(1);
  const count = receiver.tries.length;
  expect(await apply(changes, true)).toMatchObject([{ ok: true }, { ok: true }]);
  expect(receiver.tries).toHaveLength(count);
});

test('so many events are under way at a time', async () => {
  let [now, most] = [0, 0];
  receiver.manner = async (_event, response) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    response.end();
  };
  await apply(Array.from({ length: 20 }, (_, index) => create(`user${index}`)));
  expect(receiver.tries).toHaveLength(20);
  expect(most).toBeLessThanOrEqual(3);
});

test('an application that is not there at all is an error of the whole, and what was told is written down', async () => {
  await endpoint[Symbol.asyncDispose]();
  endpoint = await open('http://127.0.0.1:1/events');
  await expect(apply([create('ada')])).rejects.toMatchObject({ code: 'ConnectionFailed' });
  expect(replica.written).toEqual([]);
});

test('nothing can be read from an application', () => {
  const request = {
    scopes: [],
    attributes: { user: [], organizationalUnit: [], group: [] },
    memberships: true,
    signal,
  };
  expect(() => endpoint.read(request)).toThrow('target');
});
