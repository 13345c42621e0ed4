import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../../../test/vectors/ldap-dn.json' with { type: 'json' };
import { LockstepError } from '../../kernel/errors.ts';
import { type Dn, dnDepth, isWithin, normaliseDn, parentDn, parseDn, renderDn } from './dn.ts';

type VectorValue = string | { $hex: string };

function fromVector(rdns: readonly (readonly { type: string; value: VectorValue }[])[]): Dn {
  return {
    rdns: rdns.map((pairs) => ({
      pairs: pairs.map(({ type, value }) => ({
        type,
        value: typeof value === 'string' ? value : Buffer.from(value.$hex, 'hex'),
      })),
    })),
  };
}

const types = fc.constantFrom('cn', 'CN', 'uid', 'ou', 'dc', '2.5.4.3', 'x-custom', 'o;lang-de');
const values = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string(),
  fc.constantFrom(' ', '#a', 'a ', '  a  b ', ',+"\\<>;=', '\0', '\\', '\\ ', 'ﬁ', 'ẞ', 'İ', 'ΑΣ'),
);
const rdns = fc.array(fc.record({ type: types, value: values }), { minLength: 1, maxLength: 3 });
const names: fc.Arbitrary<Dn> = fc.array(rdns).map((list) => ({ rdns: list.map((pairs) => ({ pairs })) }));

describe('RFC 4514', () => {
  test.each(vectors.names)('$text', (vector) => {
    const dn = fromVector(vector.rdns);
    expect(parseDn(vector.text)).toEqual(dn);
    const rendered = 'rendered' in vector ? vector.rendered : vector.text;
    expect(renderDn(dn).toLowerCase()).toBe(rendered.toLowerCase());
    expect(normaliseDn(vector.text)).toBe(vector.normal);
  });

  test.each(vectors.invalid)('refused: $text', ({ text, column }) => {
    let thrown: unknown;
    try {
      parseDn(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(LockstepError);
    expect(thrown).toMatchObject({ code: 'InvalidDn', position: { line: 1, column } });
  });
});

describe('laws', () => {
  test('what is rendered parses to the same name', () => {
    fc.assert(
      fc.property(names, (dn) => {
        expect(parseDn(renderDn(dn))).toEqual(dn);
      }),
      { numRuns: 2000 },
    );
  });

  test('normalising is the same for a name and its text, and twice is once', () => {
    fc.assert(
      fc.property(names, (dn) => {
        const normal = normaliseDn(dn);
        expect(normaliseDn(renderDn(dn))).toBe(normal);
        expect(normaliseDn(normal)).toBe(normal);
        expect(dnDepth(parseDn(normal))).toBe(dnDepth(dn));
      }),
      { numRuns: 2000 },
    );
  });

  test('the fast path for plain names says what the parser says', () => {
    const plain = fc.stringMatching(/^(?:(?:uid|CN|o)=[\w .:=/-]{0,12})(?:,(?:ou|Dc)=[\w '()-]{0,12})*$/);
    fc.assert(
      fc.property(plain, (text) => {
        expect(normaliseDn(text)).toBe(normaliseDn(parseDn(text)));
      }),
      { numRuns: 2000 },
    );
  });

  test('any text parses or is refused with InvalidDn', () => {
    const pieces = fc.array(
      fc.constantFrom('cn', '=', ',', '+', '\\', '"', '#', ' ', '0', 'f', 'ä', ';', '<'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            parseDn(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'InvalidDn' });
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

test('parents and containment compare names, not texts', () => {
  const base = parseDn('OU=People, dc=Example,dc=com');
  const dn = parseDn('cn=a\\,b,ou=people,DC=example,DC=COM');
  expect(isWithin(dn, base)).toBe(true);
  expect(isWithin(base, base)).toBe(true);
  expect(isWithin(base, dn)).toBe(false);
  expect(isWithin(parseDn('cn=x,ou=other,dc=example,dc=com'), base)).toBe(false);
  expect(isWithin(dn, parseDn(''))).toBe(true);
  expect(renderDn(parentDn(dn)!)).toBe('ou=people,DC=example,DC=COM');
  expect(parentDn(parseDn(''))).toBeNull();
});

test('plain names normalise at 100,000 a second and more', () => {
  const texts = Array.from({ length: 20_000 }, (_, index) => `uid=User${index},ou=People,dc=Example,dc=com`);
  const started = process.cpuUsage();
  for (const text of texts) normaliseDn(text);
  const { user, system } = process.cpuUsage(started);
  expect((user + system) / 1000).toBeLessThan(200);
});
