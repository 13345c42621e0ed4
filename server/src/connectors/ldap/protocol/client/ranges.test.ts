import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { BerReader, tags } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { encodeMessage } from '../messages/requests.ts';
import { connectLdap } from './client.ts';
import { parseRange, readRanges } from './ranges.ts';

/** Answers searches for `member` as Active Directory does: at most `most` values in one answer. */
async function startRangeServer(members: readonly string[], most: number, spoil?: (from: number) => number) {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      const message = new BerReader(chunk).inner(tags.sequence);
      const id = message.integer();
      if (message.peek() !== 0x63) return;
      const attribute = requestedAttribute(message.inner(0x63));
      asked.push(attribute);
      const from = parseRange(attribute)?.from ?? 0;
      const part = members.slice(from, from + most);
      const last = from + part.length >= members.length;
      const to = spoil ? spoil(from) : from + part.length - 1;
      const name = members.length <= most ? 'member' : `member;range=${from}-${last ? '*' : to}`;
      socket.write(answer(id, name, part));
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await connectLdap({ url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const stop = async (): Promise<void> => {
    await client.unbind();
    server.close();
  };
  return { client, asked, [Symbol.asyncDispose]: stop };
}

function requestedAttribute(search: BerReader): string {
  search.text();
  for (let skipped = 0; skipped < 6; skipped += 1) search.next();
  return search.inner(tags.sequence).text();
}

function answer(id: number, name: string, values: readonly string[]): Buffer {
  const entry = encodeMessage(new BerWriter(), id, (writer) => {
    writer.begin(0x64);
    writer.octets('cn=group');
    writer.begin();
    for (const [attribute, list] of [
      ['member', []],
      [name, values],
    ] as const) {
      writer.begin();
      writer.octets(attribute);
      writer.begin(tags.set);
      for (const value of list) writer.octets(value);
      writer.end();
      writer.end();
    }
    writer.end();
    writer.end();
  });
  const done = Buffer.from(`300c0201${id.toString(16).padStart(2, '0')}65070a010004000400`, 'hex');
  return Buffer.concat([entry, done]);
}

const members = Array.from({ length: 4700 }, (_, index) => `cn=user${index}`);

test('all values of a large attribute arrive, part by part', async () => {
  await using server = await startRangeServer(members, 1500);
  const found: (string | Buffer)[] = [];
  for await (const part of readRanges(server.client, 'cn=group', 'member')) found.push(...part);
  expect(found).toEqual(members);
  expect(server.asked).toEqual(['member', ...[1500, 3000, 4500].map((from) => `member;range=${from}-*`)]);
});

test('what is known already is not read again, and a server without ranges gives everything', async () => {
  await using server = await startRangeServer(members, 1500);
  const rest: (string | Buffer)[] = [];
  for await (const part of readRanges(server.client, 'cn=group', 'member', 3000)) rest.push(...part);
  expect(rest).toEqual(members.slice(3000));
  await using small = await startRangeServer(members.slice(0, 10), 1500);
  for await (const part of readRanges(small.client, 'cn=group', 'member'))
    expect(part).toEqual(members.slice(0, 10));
});

test.each([
  ['stays where it is', (from: number) => (from === 0 ? 1499 : from - 1)],
  ['sends no range that could be understood', () => -1],
  ['says that it sent more than it did', (from: number) => from + 2000],
])('a server that %s is refused', async (_what, spoil) => {
  await using server = await startRangeServer(members, 1500, spoil);
  const read = async (): Promise<void> => {
    for await (const part of readRanges(server.client, 'cn=group', 'member'))
      expect(part.length).toBeGreaterThan(0);
  };
  await expect(read()).rejects.toMatchObject({ code: 'ProtocolError' });
});

test('range options are told from names', () => {
  expect(parseRange('member;range=0-1499')).toEqual({ attribute: 'member', from: 0, to: 1499 });
  expect(parseRange('Member;Range=1500-*')).toEqual({ attribute: 'Member', from: 1500, to: undefined });
  expect(parseRange('member')).toBeUndefined();
  expect(parseRange('member;binary')).toBeUndefined();
});
