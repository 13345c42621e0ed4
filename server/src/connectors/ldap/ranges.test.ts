import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { Completeness, Endpoint, RawEntry, TargetChange } from '../../sync/connector.ts';
import { ldapConnector } from './connector.ts';
import { BerReader } from './protocol/ber/reader.ts';
import { BerWriter } from './protocol/ber/writer.ts';

/** Members of the one group that the server below knows; it hands out three at a time, as Active Directory does. */
let members: string[] = [];
let option = 'range';
let modifies = 0;
const step = 3;
let server: Server;

beforeAll(async () => {
  server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      // Every request of this test is shorter than what a length of one or two more octets can tell.
      for (;;) {
        if (pending.length < 2) return;
        const extra = pending[1]! > 0x80 ? pending[1]! & 0x7f : 0;
        if (pending.length < 2 + extra) return;
        const length = extra === 0 ? pending[1]! : pending.readUIntBE(2, extra);
        const end = 2 + extra + length;
        if (pending.length < end) return;
        answer(socket, pending.subarray(0, end));
        pending = pending.subarray(end);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

function answer(socket: Socket, message: Buffer): void {
  const reader = new BerReader(message, 0, message.length).inner(0x30);
  const id = reader.integer();
  if (reader.peek() === 0x66) {
    modifies += 1;
    finish(socket, id, 0x67);
  }
  if (reader.peek() !== 0x63) return;
  const text = message.toString('latin1');
  const range = /member;range=(\d+)-\*/.exec(text);
  const from = Number(range?.[1] ?? 0);
  const isLast = from + step >= members.length;
  const description = `member;${option}=${from}-${isLast ? '*' : from + step - 1}`;
  // The base search for the node itself asks for no attributes.
  const isNode = text.includes('1.1');
  if (isNode) send(socket, id, 'dc=x', {});
  else {
    send(socket, id, 'cn=big,dc=x', {
      objectClass: ['groupOfNames'],
      entryUUID: ['id-of-big'],
      cn: ['big'],
      member: [],
      [description]: members.slice(from, from + step),
    });
  }
  finish(socket, id, 0x65);
}

function finish(socket: Socket, id: number, tag: number): void {
  const done = new BerWriter();
  done.begin();
  done.integer(id);
  done.begin(tag);
  done.integer(0, 0x0a);
  done.octets('');
  done.octets('');
  done.end();
  done.end();
  socket.write(done.take());
}

function send(socket: Socket, id: number, dn: string, attributes: Record<string, string[]>): void {
  const writer = new BerWriter();
  writer.begin();
  writer.integer(id);
  writer.begin(0x64);
  writer.octets(dn);
  writer.begin();
  for (const [name, values] of Object.entries(attributes)) {
    writer.begin();
    writer.octets(name);
    writer.begin(0x31);
    for (const value of values) writer.octets(value);
    writer.end();
    writer.end();
  }
  writer.end();
  writer.end();
  writer.end();
  socket.write(writer.take());
}

function openEndpoint(): Promise<Endpoint> {
  const { port } = server.address() as AddressInfo;
  const settings = ldapConnectionSchema.parse({
    type: 'ldap',
    url: `ldap://127.0.0.1:${port}`,
    baseDn: 'dc=x',
  });
  return ldapConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
}

async function readGroup(): Promise<{ entry: RawEntry; completeness: Completeness }> {
  const endpoint = await openEndpoint();
  const stream = endpoint.read({
    scopes: [{ node: 'dc=x' }],
    attributes: { user: [], organizationalUnit: [], group: ['cn'] },
    memberships: true,
    signal: new AbortController().signal,
  });
  const first = await stream.next();
  const end = await stream.next();
  if (first.done || !end.done) throw new Error('one batch and an end were expected');
  return { entry: first.value[0]!, completeness: end.value };
}

test('members that come in ranges are fetched to the end, and the fingerprint covers them all', async () => {
  members = Array.from({ length: 8 }, (_, index) => `uid=${index},dc=x`);
  const { entry, completeness } = await readGroup();
  expect(completeness.complete).toBe(true);
  expect(entry.externalId).toBe('id-of-big');
  const group = entry.decode();
  expect(group.members).toEqual(members);
  expect(group.attributes).toMatchObject({ cn: ['big'] });
  const again = await readGroup();
  expect(again.entry.fingerprint).toEqual(entry.fingerprint);
  members = [...members.slice(0, 7), 'uid=other,dc=x'];
  const changed = await readGroup();
  expect(changed.entry.fingerprint).not.toEqual(entry.fingerprint);
  expect(changed.entry.decode().members?.at(-1)).toBe('uid=other,dc=x');
});

test('a range that holds everything is everything', async () => {
  members = ['uid=0,dc=x', 'uid=1,dc=x'];
  const { entry, completeness } = await readGroup();
  expect(completeness.complete).toBe(true);
  expect(entry.decode().members).toEqual(members);
});

test('a part that is not recognised in time is no group with fewer members', async () => {
  members = Array.from({ length: 8 }, (_, index) => `uid=${index},dc=x`);
  option = 'Range';
  const { entry } = await readGroup();
  option = 'range';
  expect(() => entry.decode()).toThrow('of member;Range=0-2 the rest was not read');
});

test('a removal that is tried again is looked up among all members, whatever part comes first', async () => {
  members = Array.from({ length: 8 }, (_, index) => `uid=${index},dc=x`);
  const change: TargetChange = {
    ordinal: 1,
    kind: 'membership',
    verb: 'removeMember',
    externalId: null,
    location: 'cn=big,dc=x',
    parentLocation: null,
    name: null,
    set: {},
    before: {},
    member: {
      kind: 'user',
      externalId: 'id-of-7',
      location: 'uid=7,dc=x',
      alias: null,
      reference: 'uid=7,dc=x',
    },
  };
  const endpoint = await openEndpoint();
  await using session = await endpoint.openTarget({ job: 'job', scopes: [{ node: 'dc=x' }] });
  const signal = new AbortController().signal;
  expect(await session.apply([change], { recovering: true, signal })).toEqual([{ ordinal: 1, ok: true }]);
  expect(modifies).toBe(1);
});
