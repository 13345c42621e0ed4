import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { LineFramer } from '../line-framer.ts';
import type { ParsedRecord } from '../record.ts';
import { LdifParser } from './record.ts';
import { ldifWriter, renderAttributeLine } from './render.ts';

const limits = { maxLineBytes: 10_000, maxRecordBytes: 100_000 };

/** Parses in chunks of the given size, so that every boundary falls inside something. */
function parse(text: string | Buffer, chunkSize = 7): ParsedRecord[] {
  const bytes = Buffer.from(text);
  const framer = new LineFramer('blankLine', limits);
  const parser = new LdifParser({});
  const raws = [];
  for (let at = 0; at < bytes.length; at += chunkSize)
    raws.push(...framer.push(bytes.subarray(at, at + chunkSize)));
  raws.push(...framer.end());
  return raws.flatMap((raw) => parser.parse(raw) ?? []);
}

const person = 'objectClass: inetOrgPerson\nsn: Doe\n';

test('reads folded lines, comments, base64, blanks and CR LF (RFC 2849)', () => {
  const text = `# made by hand
version: 1
# a comment that is
  folded
dn: uid=jdoe,ou=Pe
 ople,dc=example,dc=com
objectClass: inetOrgPerson
description:   three blanks before
title:: w5xiZXI=
mail: a@example.com
mail: b@example.com
empty:

dn:: b3U9w5xiZXIsZGM9ZXhhbXBsZSxkYz1jb20=
objectClass: organizationalUnit
`.replaceAll('\n', '\r\n');
  for (const chunkSize of [1, 2, 3, 5, 64, 10_000]) {
    const [jdoe, unit, ...rest] = parse(text, chunkSize);
    expect(rest).toEqual([]);
    expect(jdoe).toMatchObject({
      kind: 'user',
      location: 'uid=jdoe,ou=People,dc=example,dc=com',
      name: 'uid=jdoe',
    });
    expect(jdoe?.attributes()).toEqual({
      objectClass: ['inetOrgPerson'],
      description: ['three blanks before'],
      title: ['Über'],
      mail: ['a@example.com', 'b@example.com'],
      empty: [''],
    });
    expect(unit).toMatchObject({ kind: 'organizationalUnit', location: 'ou=Über,dc=example,dc=com' });
  }
});

test('tells kinds by object class and keeps members apart', () => {
  const [group, posix, domain] = parse(`dn: cn=g,dc=x
objectClass: groupOfUniqueNames
uniqueMember: UID=A, dc=X

dn: cn=p,dc=x
objectClass: posixGroup
memberUid: Jane

dn: dc=x
objectClass: domain
`);
  expect(group?.kind).toBe('group');
  expect(group?.members()).toEqual([
    { attribute: 'uniqueMember', text: 'UID=A, dc=X', reference: 'uid=a,dc=x' },
  ]);
  expect(posix?.members()[0]?.reference).toBe('uid:jane');
  expect(domain?.kind).toBe('other');
});

test('takes entryUUID as the id, the normalised DN without one', () => {
  const [first, second] = parse(
    `dn: uid=A,dc=X\n${person}entryUUID: 5D3A2C58-0000-4000-8000-000000000001\n\ndn: UID=B, dc=X\n${person}`,
  );
  expect(first?.externalId).toBe('5d3a2c58-0000-4000-8000-000000000001');
  expect(second?.externalId).toBe('uid=b,dc=x');
});

test('attributes named like members of an object are attributes', () => {
  const [entry] = parse(`dn: uid=a,dc=x\n${person}constructor: c\ntoString: t\n`);
  expect(entry?.attributes()).toMatchObject({ constructor: ['c'], toString: ['t'] });
});

test.each([
  ['base64 cut off', `dn: uid=a,dc=x\n${person}jpegPhoto:: /9j/4A\n`, 'line 4, column 19'],
  ['foreign character in base64', `dn: uid=a,dc=x\ntitle:: YW*j\n`, 'line 2, column 11'],
  ['foreign character behind a fold', `dn: uid=a,dc=x\ntitle:: YWJj\n YW\n *j\n`, 'line 4, column 2'],
  ['no empty line between entries', `dn: uid=a,dc=x\n${person}dn: uid=b,dc=x\n${person}`, 'line 4, column 1'],
  ['a blank in the line between entries', `dn: uid=a,dc=x\n${person} \ndn: uid=b,dc=x\n${person}`, 'line 5'],
  ['no colon', `dn: uid=a,dc=x\n${person}nonsense\n`, 'line 4, column 1'],
  ['a URL', `dn: uid=a,dc=x\njpegPhoto:< file:///etc/passwd\n`, 'line 2, column 11'],
  ['no dn', `uid: a\n\n`, 'line 1'],
  ['a bad dn', `dn: nonsense\n${person}`, 'line 1'],
  ['a change record', `dn: uid=a,dc=x\nchangetype: delete\n`, 'change record'],
  ['another version', `version: 2\n\n`, 'version 1'],
  ['a continuation of nothing', ` dn: uid=a\n`, 'line 1'],
  ['cut off in a line', `dn: uid=a,dc=x\n${person}cn: Ja`, 'line 4'],
])('refuses %s and says where', (_, text, where) => {
  expect(() => parse(text)).toThrow(where);
});

test('refuses bytes that are no UTF-8 and says in which line', () => {
  const bytes = Buffer.concat([
    Buffer.from(`dn: uid=a,dc=x\n${person}cn: M`),
    Buffer.from([0xfc]),
    Buffer.from('ller\n'),
  ]);
  expect(() => parse(bytes)).toThrow('line 4, column 1');
  const folded = Buffer.from(`dn: uid=a,dc=x\n${person}cn: M\u00c3\n \u00bc\ufffd\n l\u00fcller\n`, 'latin1');
  expect(() => parse(folded)).toThrow('line 5, column 1');
});

test('takes a fold between the octets of a character, and any octets in a comment', () => {
  const folded = Buffer.from(
    `# M\u00fc\ndn: uid=a,dc=x\n${person}cn: \u00c3\n \u00bcb\ntitle:: YW\n *j\n`,
    'latin1',
  );
  expect(() => parse(folded)).toThrow('line 8, column 2');
  const [entry] = parse(Buffer.from(folded.toString('latin1').replace('*j', 'Jj'), 'latin1'));
  expect(entry?.attributes()).toMatchObject({ cn: ['\u00fcb'], title: ['abc'] });
});

test('refuses lines and records over the limits', () => {
  expect(() => parse(`dn: uid=a,dc=x\ncn: ${'x'.repeat(10_001)}\n`, 4096)).toThrow('longer than');
  expect(() => parse(`dn: uid=a,dc=x\n${'cn: y\n'.repeat(20_000)}`, 4096)).toThrow('larger than');
});

test('what is rendered is read back as it was, in lines of 76', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.string({ unit: 'grapheme', maxLength: 200 }),
          fc.uint8Array({ minLength: 1, maxLength: 200 }),
        ),
      ),
      fc.integer({ min: 1, max: 80 }),
      (values, chunkSize) => {
        const clean = values.filter((value) => typeof value !== 'string' || !value.includes('\0'));
        const text = `dn: uid=a,dc=x\nsn: s\n${clean.map((value) => renderAttributeLine(typeof value === 'string' ? 'cn' : 'photo', value)).join('')}`;
        expect(text.split('\n').every((line) => line.length <= 76)).toBe(true);
        const attributes = parse(text, chunkSize)[0]?.attributes() ?? {};
        expect(attributes['cn'] ?? []).toEqual(clean.filter((value) => typeof value === 'string'));
        expect((attributes['photo'] ?? []).map((value) => [...(value as Uint8Array)])).toEqual(
          clean.filter((value) => typeof value !== 'string').map((value) => [...value]),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('arbitrary bytes give records or a clear error, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 50 }), (bytes, chunkSize) => {
      try {
        parse(Buffer.from(bytes), chunkSize);
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/InvalidRecord|LimitExceeded/);
      }
    }),
    { numRuns: 500 },
  );
});

test('an empty groupOfNames names itself', () => {
  const text = ldifWriter.record({
    kind: 'group',
    externalId: 'x',
    location: 'cn=g,dc=x',
    parent: '',
    name: 'cn=g',
    enabled: null,
    attributes: { objectClass: ['top', 'groupOfNames'], cn: ['g'] },
    members: () => [],
  });
  expect(text).toContain('\nmember: cn=g,dc=x\n');
});
