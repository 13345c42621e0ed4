import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { openLdap } from '../../../../test/servers/ldap-endpoint.ts';
import { startScripted, type ScriptedServer } from '../../../../test/servers/scripted-ldap.ts';
import type { Completeness, RawEntry } from '../../sync/connector.ts';
import { type BerReader, tags } from './protocol/ber/reader.ts';
import { BerWriter } from './protocol/ber/writer.ts';
import { encodeMessage } from './protocol/messages/requests.ts';

type Values = Readonly<Record<string, readonly string[]>>;
interface Asked {
  readonly base: string;
  /** 0: the base itself; 2: the subtree. */
  readonly scope: number;
}

/** A server that says what a test wants. */
let server: ScriptedServer;
let answer: (asked: Asked) => readonly (readonly [dn: string, values: Values])[];
const node = 'ou=People,dc=example,dc=com';

beforeEach(async () => {
  server = await startScripted(serve);
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

function serve(message: BerReader, socket: Socket): void {
  const id = message.integer();
  if (message.peek() !== 0x63) return;
  const search = message.inner(0x63);
  const base = search.text();
  const scope = search.integer(tags.enumerated);
  for (const [dn, values] of answer({ base, scope })) socket.write(entry(id, dn, values));
  socket.write(done(id));
}

function entry(id: number, dn: string, values: Values): Buffer {
  return encodeMessage(new BerWriter(), id, (writer) => {
    writer.begin(0x64);
    writer.octets(dn);
    writer.begin();
    for (const [name, all] of Object.entries(values)) {
      writer.begin();
      writer.octets(name);
      writer.begin(tags.set);
      for (const value of all) writer.octets(value);
      writer.end();
      writer.end();
    }
    writer.end();
    writer.end();
  });
}

function done(id: number): Buffer {
  return encodeMessage(new BerWriter(), id, (writer) => {
    writer.begin(0x65);
    writer.integer(0, tags.enumerated);
    writer.octets('');
    writer.octets('');
    writer.end();
  });
}

/** Answers searches beneath the node with these people; it has a schema or not. */
function people(entries: readonly (readonly [string, Values])[], schema: readonly string[] = []): void {
  answer = ({ base, scope }) => {
    if (scope !== 0) return entries;
    if (base === 'cn=schema') return [[base, { attributeTypes: schema }]];
    return [[base, schema.length > 0 && base === '' ? { subschemaSubentry: ['cn=schema'] } : {}]];
  };
}

function person(uid: string, more: Values = {}, under = node): [string, Values] {
  return [`uid=${uid},${under}`, { objectClass: ['inetOrgPerson'], uid: [uid], ...more }];
}

async function read(more: object = {}): Promise<{ ids: string[]; end: Completeness }> {
  const settings = ldapConnectionSchema.parse({ type: 'ldap', url: server.url, baseDn: node, ...more });
  await using endpoint = await openLdap(settings);
  const stream = endpoint.read({
    scopes: [{ node }],
    attributes: { user: ['uid'], organizationalUnit: [], group: [] },
    memberships: true,
    signal: new AbortController().signal,
  });
  const entries: RawEntry[] = [];
  for (;;) {
    const step = await stream.next();
    if (step.done) return { ids: entries.map(({ externalId }) => externalId), end: step.value };
    entries.push(...step.value);
  }
}

const uuidType = "( 1.3.6.1.1.16.4 NAME 'entryUUID' )";

describe('names that lie elsewhere', () => {
  test.each([
    `uid=eve,ou=Elsewhere,dc=example,dc=com`,
    'uid=eve,dc=example,dc=com',
    `uid=eve\\,${node}`,
    'uid=eve',
  ])('%s ends the read', async (dn) => {
    people([person('jane', { entryUUID: ['1'] }), [dn, person('eve', { entryUUID: ['2'] })[1]]]);
    await expect(read()).rejects.toMatchObject({
      code: 'ProtocolError',
      message: expect.stringContaining('does not lie under'),
      remedy: expect.stringContaining('Look into the server'),
    });
  });

  test('spelling is no other place', async () => {
    people([person('jane', { entryUUID: ['1'] }, 'OU=people, DC=Example,DC=com')]);
    expect(await read()).toMatchObject({ ids: ['1'], end: { complete: true } });
  });

  test('what a referral led to is left out, and the read is incomplete', async () => {
    people([person('jane', { entryUUID: ['1'] }), person('eve', { entryUUID: ['2'] }, 'dc=other')]);
    const { ids, end } = await read({ referrals: 'follow' });
    expect(ids).toEqual(['1']);
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining('does not lie under') });
  });
});

describe('entries without an id', () => {
  test('an empty id is none: the entry is left out, and the read is incomplete', async () => {
    people([person('jane', { entryUUID: ['1'] }), person('eve', { entryUUID: [''] })]);
    const { ids, end } = await read();
    expect(ids).toEqual(['1']);
    expect(end).toMatchObject({
      complete: false,
      reason: expect.stringContaining('let the bind DN read entryUUID'),
    });
    expect(end.warnings).toHaveLength(1);
  });

  test('so is one that other entries have', async () => {
    people([person('jane', { entryUUID: ['1'] }), person('eve')]);
    const { ids, end } = await read();
    expect(ids).toEqual(['1']);
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining('is missing') });
  });

  test('so is one that the schema has, when no entry shows it', async () => {
    people([person('jane'), person('eve')], [uuidType]);
    const { ids, end } = await read();
    expect(ids).toEqual([]);
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining('externalIdAttribute') });
  });

  test('ids that come after entries without one throw doubt on these', async () => {
    people([person('eve'), person('jane', { entryUUID: ['1'] })]);
    const { end } = await read();
    expect(end).toMatchObject({ complete: false, reason: expect.stringContaining(`uid=eve,${node}`) });
  });

  test('a server whose schema has no ids, and one that is said to have none, are told by DN', async () => {
    const dns = [`uid=jane,${node}`.toLowerCase(), `uid=eve,${node}`.toLowerCase()];
    people([person('jane'), person('eve')], ["( 2.5.4.3 NAME ( 'cn' 'commonName' ) )"]);
    expect(await read()).toMatchObject({ ids: dns, end: { complete: true } });
    people([person('jane', { dn: ['x'] }), person('eve', { entryUUID: ['1'] })], [uuidType]);
    expect(await read({ externalIdAttribute: 'dn' })).toMatchObject({ ids: dns, end: { complete: true } });
  });
});

test('a full page without a word about pages need not be the last', async () => {
  people([person('jane', { entryUUID: ['1'] }), person('eve', { entryUUID: ['2'] })]);
  expect(await read({ pageSize: 2 })).toMatchObject({
    ids: ['1', '2'],
    end: { complete: false, reason: expect.stringContaining('page 1 of the search below') },
  });
  // One that does not know pages sends everything at once.
  for (const pageSize of [1, 3]) expect(await read({ pageSize })).toMatchObject({ end: { complete: true } });
});

test('a server that sends what it was not asked for without end is left at the limit', async () => {
  people(Array.from({ length: 2000 }, (_, index) => person(`u${index}`, { entryUUID: [`${index}`] })));
  await expect(read({ maxEntries: 1000 })).rejects.toMatchObject({
    code: 'LimitExceeded',
    remedy: expect.stringContaining('maxEntries'),
  });
});

test('a million odd entries are a short reason', async () => {
  people(Array.from({ length: 3000 }, (_, index) => person(`u${index}`, { objectClass: [`odd${index}`] })));
  const { end } = await read();
  expect(end.complete).toBe(false);
  expect(end.reason?.split(';').length).toBeLessThan(20);
});
