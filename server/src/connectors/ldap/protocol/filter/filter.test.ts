import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../../../../../test/vectors/ldap-filter.json' with { type: 'json' };
import { BerWriter } from '../ber/writer.ts';
import {
  and,
  encodeFilter,
  equality,
  type Filter,
  not,
  or,
  parseFilter,
  present,
  renderFilter,
} from './filter.ts';

/** `{"$hex": …}` of the vectors becomes octets; parts that are undefined are left out, as in JSON. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if ('$hex' in value) return Buffer.from(String(value.$hex), 'hex');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([key, part]) => [key, revive(part)]),
  );
}

function encode(filter: Filter): string {
  const writer = new BerWriter();
  encodeFilter(filter, writer);
  return writer.take().toString('hex');
}

describe('RFC 4515', () => {
  test.each(vectors.filters)('$text', (vector) => {
    const filter = parseFilter(vector.text);
    expect(revive(filter)).toEqual(revive(vector.filter));
    expect(renderFilter(filter)).toBe('rendered' in vector ? vector.rendered : vector.text);
    if ('hex' in vector) expect(encode(filter)).toBe(vector.hex);
  });

  test.each(vectors.invalid)('refused: $text', ({ text, line, column }) => {
    let thrown: unknown;
    try {
      parseFilter(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'InvalidFilter', position: { line, column } });
  });
});

const attribute = fc.constantFrom('cn', 'objectClass', '2.5.4.3', 'cn;lang-de', 'x_y');
const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('*', '(', ')', '\\', '\0', ' a '));
const part = value.filter((text) => text !== '');
const filters = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 5 },
    fc.record({
      type: fc.constantFrom('equality', 'greaterOrEqual', 'lessOrEqual', 'approximate'),
      attribute,
      value,
    }),
    attribute.map(present),
    fc.record({
      type: fc.constant('substrings'),
      attribute,
      initial: part,
      any: fc.array(part),
      final: part,
    }),
    fc.record({
      type: fc.constant('extensible'),
      attribute,
      rule: attribute,
      dnAttributes: fc.boolean(),
      value,
    }),
    fc.array(tie('filter'), { maxLength: 4 }).map((list) => and(...list)),
    fc.array(tie('filter'), { maxLength: 4 }).map((list) => or(...list)),
    tie('filter').map(not),
  ),
})).filter;

test('what is rendered parses to the same filter', () => {
  fc.assert(
    fc.property(filters, (filter) => {
      expect(parseFilter(renderFilter(filter))).toEqual(filter);
    }),
    { numRuns: 1000 },
  );
});

test('any text parses or is refused with InvalidFilter', () => {
  const pieces = fc.array(
    fc.constantFrom('(', ')', '&', '|', '!', 'cn', '=', '*', '\\', '2a', ':', 'dn', '>', ' '),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          encode(parseFilter(text));
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidFilter' });
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('deep nesting is refused, not an exhausted stack', () => {
  expect(() => parseFilter(`${'(!'.repeat(100_000)}(a=b)${')'.repeat(100_000)}`)).toThrow(/nested/);
  expect(encode(parseFilter(`${'(!'.repeat(150)}(a=b)${')'.repeat(150)}`)).length).toBeGreaterThan(600);
});

test('octets that are no UTF-8 are escaped one by one', () => {
  expect(renderFilter(equality('objectGUID', Buffer.from([0xff, 0x41, 0])))).toBe(
    '(objectGUID=\\ff\\41\\00)',
  );
});
