import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compactDecrypt, createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';

/** One event as an application understands it. */
export interface ReceivedEvent {
  readonly eventId: string;
  readonly eventType: string;
  readonly bizId: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- its members are those of any kind
  readonly data: any;
}

/** How the receiver answers an event; undefined: 200 with an acknowledgement. */
export type Manner = (event: ReceivedEvent, response: ServerResponse) => void | 'acknowledge' | Promise<void>;

export interface ReceiverOptions {
  /** Address of the key set, asked for at the first event; or the set itself. */
  keys: string | JSONWebKeySet;
  audience: string;
  tenantId: string;
  /** 64 hexadecimal digits: events must be encrypted with it. */
  encryptKey?: string;
}

export interface EventReceiver extends AsyncDisposable {
  readonly url: string;
  /** Events in the order of their arrival, each try. */
  readonly tries: ReceivedEvent[];
  /** Events that were taken, each once. */
  readonly taken: ReceivedEvent[];
  /** Ids of events that were taken. */
  readonly known: Set<string>;
  /** Requests that were no proper event, and why. */
  readonly faults: string[];
  /** What the application holds by now, by id. */
  readonly held: Map<string, Record<string, unknown>>;
  readonly members: Map<string, Set<string>>;
  manner: Manner;
  options: ReceiverOptions | undefined;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

type Keys = ReturnType<typeof createRemoteJWKSet>;
const known = new WeakMap<ReceiverOptions, Keys>();

/** Keys are kept; for an unknown kid the set is asked for again. */
function keysOf(options: ReceiverOptions): Keys {
  const { keys } = options;
  const found = known.get(options);
  if (found !== undefined) return found;
  const made = (
    typeof keys === 'string'
      ? createRemoteJWKSet(new URL(keys), { cooldownDuration: 0 })
      : createLocalJWKSet(keys)
  ) as Keys;
  known.set(options, made);
  return made;
}

/** Verifies and opens a request as the vendor's own receivers do. */
async function open(body: string, options: ReceiverOptions): Promise<ReceivedEvent> {
  const { event } = JSON.parse(body) as { event: string };
  const { payload, protectedHeader } = await jwtVerify(event, keysOf(options), {
    issuer: 'urn:alibaba:idaas:app:event',
    audience: options.audience,
    subject: options.tenantId,
    algorithms: ['RS256'],
    typ: 'JWT',
    requiredClaims: ['iat', 'exp', 'jti'],
  });
  if (protectedHeader.kid === undefined) throw new Error('no kid');
  if (payload['dataEncrypted'] !== (options.encryptKey !== undefined))
    throw new Error('not as encrypted as agreed');
  const content = await plain(payload, options.encryptKey);
  if (content.instanceId !== options.tenantId || content.eventVersion !== 'V1.0')
    throw new Error('wrong envelope');
  const [data] = JSON.parse(content.eventData) as [Record<string, string>];
  const { eventId = '', eventType = '', bizId = '', bizData = '', eventTime } = data;
  if (!/^\d{13}$/.test(eventTime ?? '')) throw new Error('eventTime is not in milliseconds');
  return { eventId, eventType, bizId, data: JSON.parse(bizData) };
}

interface Content {
  readonly instanceId: string;
  readonly eventVersion: string;
  readonly eventData: string;
}

async function plain(payload: Record<string, unknown>, encryptKey: string | undefined): Promise<Content> {
  if (encryptKey === undefined) return payload['plainData'] as Content;
  if (payload['plainData'] !== '') throw new Error('the data are there in plain text as well');
  const { plaintext } = await compactDecrypt(String(payload['cipherData']), Buffer.from(encryptKey, 'hex'), {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  return JSON.parse(Buffer.from(plaintext).toString()) as Content;
}

function take(receiver: EventReceiver, event: ReceivedEvent): void {
  if (receiver.known.has(event.eventId)) return;
  receiver.known.add(event.eventId);
  receiver.taken.push(event);
  const { eventType, bizId, data } = event;
  const verb = eventType.split(':').at(-1) ?? '';
  if (/^(add|remove)_(user|group)$/.test(verb)) {
    const members = receiver.members.get(bizId) ?? new Set();
    receiver.members.set(bizId, members);
    const member = String(data.userId ?? data.memberGroupId);
    if (verb.startsWith('add_')) members.add(member);
    else members.delete(member);
  } else if (verb === 'delete') {
    receiver.held.delete(bizId);
    receiver.members.delete(bizId);
  } else if (verb !== 'test') receiver.held.set(bizId, data);
}

async function answer(
  receiver: EventReceiver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (receiver.options === undefined) throw new Error('the receiver knows no keys yet');
  const event = await open(body, receiver.options);
  receiver.tries.push(event);
  if ((await receiver.manner(event, response)) !== 'acknowledge') return;
  take(receiver, event);
  const done = { eventId: event.eventId, eventCode: 'SUCCESS', eventMessage: 'SUCCESS' };
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({ successEvents: [done], skippedEvents: [], failedEvents: [], retriedEvents: [] }),
  );
}

/** An application that takes events on a free port of the loopback, and keeps what they say. */
export async function startEventReceiver(options?: ReceiverOptions): Promise<EventReceiver> {
  const server = createServer((request, response) => {
    answer(receiver, request, response).catch((error: unknown) => {
      receiver.faults.push(String(error));
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'bad_request', errorDescription: String(error) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: EventReceiver = {
    url: `http://127.0.0.1:${port}/events?app=shop`,
    tries: [],
    taken: [],
    known: new Set(),
    faults: [],
    held: new Map(),
    members: new Map(),
    manner: () => 'acknowledge',
    options,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
