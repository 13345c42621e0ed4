import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../../../../../test/vectors/ldap-messages.json' with { type: 'json' };
import { BerReader, tags } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { type Control, readControls } from '../controls/control.ts';
import { findPagedResults, pagedResults } from '../controls/pagedResults.ts';
import { findReadEntry, postRead, postReadOid } from '../controls/readEntry.ts';
import { assertion, manageDsaIt } from '../controls/requestControls.ts';
import { RawSearchEntry } from './entry.ts';
import * as requests from './requests.ts';
import { readResult } from './result.ts';

type Vector = Readonly<Record<string, never>> & { readonly type: string };

function bytesOf(value: string | { $hex: string }): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value.$hex, 'hex');
}

function operationOf(vector: Vector): requests.WriteOperation {
  const { type, dn, ...rest } = vector as { type: string; dn: string } & Record<string, never>;
  switch (type) {
    case 'bind':
      return requests.simpleBind(dn, rest['password']!);
    case 'search':
      return requests.search(rest as unknown as requests.SearchParameters);
    case 'add': {
      const attributes = Object.entries<(string | { $hex: string })[]>(rest['attributes']!);
      return requests.add(
        dn,
        Object.fromEntries(attributes.map(([name, values]) => [name, values.map(bytesOf)])),
      );
    }
    case 'modify':
      return requests.modify(dn, rest['modifications']!);
    case 'modifyDn':
      return requests.modifyDn(dn, rest as unknown as requests.NewName);
    case 'compare':
      return requests.compare(dn, rest['attribute']!, rest['value']!);
    case 'delete':
      return requests.remove(dn);
    case 'extended':
      return requests.extended(rest['oid']!);
    case 'unbind':
      return requests.unbind();
    default:
      throw new Error(`unknown operation ${type}`);
  }
}

function controlOf(vector: Vector): Control {
  if (vector.type === 'pagedResults')
    return pagedResults(vector['size']!, Buffer.from(vector['cookie']!, 'hex'));
  if (vector.type === 'postRead') return postRead(vector['attributes']!, true);
  if (vector.type === 'assertion') return assertion(vector['filter']!);
  // OpenLDAP's tools send this one without criticality.
  return manageDsaIt(false);
}

test.each(vectors.requests)('request: $name', (vector) => {
  const controls = ('controls' in vector ? vector.controls : []) as unknown as Vector[];
  const write = operationOf(vector.operation as unknown as Vector);
  const bytes = requests.encodeMessage(new BerWriter(), vector.messageId, write, controls.map(controlOf));
  expect(bytes.toString('hex')).toBe(vector.hex);
});

function decoded(entry: RawSearchEntry): unknown {
  const { dn, attributes } = entry.decode();
  return { dn, attributes: Object.fromEntries(attributes) };
}

test.each(vectors.responses)('response: $name', (vector) => {
  const message = new BerReader(Buffer.from(vector.hex, 'hex')).inner(tags.sequence);
  expect(message.integer()).toBe(vector.messageId);
  expect(message.next().toString(16)).toBe(vector.tag);
  const { buffer, start, stop, end } = message;
  if ('entry' in vector) {
    expect(decoded(new RawSearchEntry(buffer, start, stop, end))).toEqual(vector.entry);
    return;
  }
  const controls = readControls(buffer, stop, end);
  const reader = new BerReader(buffer, start, stop);
  expect(readResult(reader, controls)).toMatchObject(vector.result);
  if ('pagedResults' in vector) {
    expect(findPagedResults(controls)).toEqual({ size: 0, cookie: Buffer.alloc(0) });
  }
  if ('postRead' in vector) expect(decoded(findReadEntry(controls, postReadOid)!)).toEqual(vector.postRead);
  if ('value' in vector) expect(reader.text(0x8b)).toBe(vector.value);
});

test('what the server says has no NUL at its end, as Active Directory sends it', () => {
  const said = Buffer.from('0a01310400040764617461203500', 'hex');
  expect(readResult(new BerReader(said), [])).toMatchObject({ code: 49, message: 'data 5' });
});

function encodeEntry(
  dn: string,
  attributes: readonly (readonly [string, readonly Uint8Array[]])[],
): RawSearchEntry {
  const writer = new BerWriter();
  writer.octets(dn);
  writer.begin();
  for (const [name, values] of attributes) {
    writer.begin();
    writer.octets(name);
    writer.begin(tags.set);
    for (const value of values) writer.octets(value);
    writer.end();
    writer.end();
  }
  writer.end();
  const bytes = writer.take();
  return new RawSearchEntry(bytes, 0, bytes.length);
}

describe('entries', () => {
  const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,20}(;[a-z]{1,5})?$/);
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
  );

  test('values decode to text or octets that encode to what was sent', () => {
    const attributes = fc.uniqueArray(fc.tuple(name, fc.array(value)), {
      selector: ([key]) => key.toLowerCase(),
    });
    fc.assert(
      fc.property(fc.string(), attributes, (dn, list) => {
        const entry = encodeEntry(dn, list);
        const back = entry.decode();
        expect(back.dn).toBe(dn.toWellFormed());
        expect([...back.attributes.keys()]).toEqual(list.map(([key]) => key));
        for (const [key, values] of list) {
          const found = back.attributes.get(key)!;
          expect(found.map((item) => Buffer.from(item as string))).toEqual(values);
          expect(found.every((item) => typeof item !== 'string' || !item.includes('\0'))).toBe(true);
          expect(entry.peekAll(key.toUpperCase())).toEqual(values.map((item) => item.toString()));
          expect(entry.peek(key)).toBe(values[0]?.toString());
        }
        expect(entry.peek('none-such')).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('attributes named as binary stay octets; repeated ones are joined', () => {
    const text = Buffer.from('text');
    const entry = encodeEntry('cn=a', [
      ['jpegPhoto', [text]],
      ['cn', [text]],
      ['cn', [Buffer.from('b')]],
    ]);
    const { attributes } = entry.decode((attribute) => attribute === 'jpegPhoto');
    expect(attributes.get('jpegPhoto')).toEqual([text]);
    expect(attributes.get('cn')).toEqual(['text', 'b']);
  });

  test('damaged entries are protocol errors and nothing worse', () => {
    const sound = encodeEntry('cn=a,dc=b', [
      ['objectClass', [Buffer.from('person'), Buffer.from('top')]],
      ['description', [Buffer.alloc(200, 0x61)]],
    ]).bytes;
    const edits = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(edits, fc.nat(sound.length), (changes, length) => {
        const bytes = Buffer.from(sound);
        for (const [at, octet] of changes) bytes[at] = octet;
        const entry = new RawSearchEntry(bytes, 0, length);
        for (const use of [() => entry.decode(), () => entry.peek('description'), () => entry.dn()]) {
          try {
            use();
          } catch (error) {
            expect(error).toMatchObject({ code: 'ProtocolError' });
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});
