import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { openLdap } from '../../../../test/servers/ldap-endpoint.ts';
import { startScripted, type ScriptedServer } from '../../../../test/servers/scripted-ldap.ts';
import type { TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';
import { type BerReader, tags } from './protocol/ber/reader.ts';
import { BerWriter } from './protocol/ber/writer.ts';
import { encodeMessage } from './protocol/messages/requests.ts';
import { resultCodes } from './protocol/messages/result.ts';

const [searchRequest, modifyRequest, addRequest, modifyDnRequest] = [0x63, 0x66, 0x68, 0x6c];

/** A server that answers each request with a result code, or with bytes of its own. */
let server: ScriptedServer;
let session: TargetSession;
let answer: (request: number) => number | Buffer;
let asked: number[];

beforeEach(async () => {
  asked = [];
  server = await startScripted(serve);
  const settings = ldapConnectionSchema.parse({
    type: 'ldap',
    url: server.url,
    baseDn: 'dc=x',
  });
  const endpoint = await openLdap(settings);
  session = await endpoint.openTarget({ job: 'job', scopes: [{ node: 'dc=x' }] });
});

afterEach(async () => {
  await session[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function serve(message: BerReader, socket: Socket): void {
  const id = message.integer();
  const request = message.peek() ?? 0;
  if (![searchRequest, modifyRequest, addRequest, modifyDnRequest].includes(request)) return;
  asked.push(request);
  const given = answer(request);
  socket.write(typeof given === 'number' ? result(id, request, given) : given);
}

function result(id: number, request: number, code: number): Buffer {
  return encodeMessage(new BerWriter(), id, (writer) => {
    writer.begin(request === searchRequest ? 0x65 : request + 1);
    writer.integer(code, tags.enumerated);
    writer.octets('');
    writer.octets('');
    writer.end();
  });
}

function apply(...uids: string[]): Promise<readonly TargetOutcome[]> {
  const changes = uids.map((uid, index): TargetChange => {
    const named = { name: `uid=${uid}`, parentLocation: 'dc=x', set: { uid: [uid] }, before: {} };
    return { ordinal: index + 1, kind: 'user', verb: 'create', externalId: null, location: null, ...named };
  });
  return session.apply(changes, { recovering: false, signal: new AbortController().signal });
}

test('what became of a change is not known when the server breaks the protocol: the batch is tried again', async () => {
  let adds = 0;
  answer = (request) => (request === addRequest && ++adds === 2 ? Buffer.from('HTTP/1.1 400') : 0);
  await expect(apply('a', 'b', 'c')).rejects.toMatchObject({
    code: 'ConnectionFailed',
    message: expect.stringContaining('does not begin with a SEQUENCE'),
  });
  expect(await apply('a', 'b', 'c')).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
});

test('what the server supports is asked again when it could not say, and a server that does not say is written to', async () => {
  answer = () => resultCodes.busy;
  await expect(apply('a')).rejects.toMatchObject({ code: 'ConnectionFailed' });
  expect(asked).toEqual([searchRequest]);
  answer = (request) => (request === addRequest ? 0 : resultCodes.insufficientAccessRights);
  await expect(apply('a')).resolves.toMatchObject([{ ok: false, code: 'TargetRejected' }]);
  expect(asked.slice(1, 3)).toEqual([searchRequest, addRequest]);
});

test('where only a rename may change how a name is spelled, an update renames, and modifies the rest', async () => {
  const update = {
    ordinal: 1,
    kind: 'organizationalUnit',
    verb: 'update',
    externalId: null,
    location: 'ou=sales,dc=x',
    parentLocation: null,
    name: null,
    before: { ou: ['sales'], description: ['old'] },
  } as const;
  const options = { recovering: false, signal: new AbortController().signal };
  let modifies = 0;
  answer = (request) => (request === modifyRequest && ++modifies === 1 ? resultCodes.notAllowedOnRDN : 0);
  const set = { ou: ['Sales'], description: ['new'] };
  expect(await session.apply([{ ...update, set }], options)).toMatchObject([{ ok: true }]);
  expect(asked.slice(1)).toEqual([modifyRequest, modifyDnRequest, modifyRequest]);
  // Another value of the naming attribute is written after the rename.
  modifies = 0;
  asked = [];
  expect(await session.apply([{ ...update, set: { ou: ['Sales', 'Trade'] } }], options)).toMatchObject([
    { ok: true },
  ]);
  expect(asked).toEqual([modifyRequest, modifyDnRequest, modifyRequest]);
  answer = (request) => (request === modifyRequest ? resultCodes.notAllowedOnRDN : 0);
  asked = [];
  expect(await session.apply([{ ...update, set: { ou: ['Sales'] } }], options)).toMatchObject([{ ok: true }]);
  expect(asked).toEqual([modifyRequest, modifyDnRequest]);
  asked = [];
  expect(await session.apply([{ ...update, set: { ou: ['other'] } }], options)).toMatchObject([
    { ok: false, message: expect.stringContaining('notAllowedOnRDN') },
  ]);
  expect(asked).toEqual([modifyRequest]);
});
