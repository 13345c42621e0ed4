import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LockstepError } from '../../kernel/errors.ts';
import { scimProfiles } from '../profile.ts';
import type { Filter } from './ast.ts';
import { compareOperators } from './ast.ts';
import { parseFilter } from './parse.ts';
import { renderFilter } from './render.ts';

// The examples of RFC 7644 section 3.4.2.2.
const fromRfc = [
  'userName eq "bjensen"',
  `name.familyName co "O'Malley"`,
  'userName sw "J"',
  'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
  'title pr',
  'meta.lastModified gt "2011-05-13T04:42:34Z"',
  'meta.lastModified ge "2011-05-13T04:42:34Z"',
  'meta.lastModified lt "2011-05-13T04:42:34Z"',
  'meta.lastModified le "2011-05-13T04:42:34Z"',
  'title pr and userType eq "Employee"',
  'title pr or userType eq "Intern"',
  'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
  'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
  'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
  'userType eq "Employee" and (emails.type eq "work")',
  'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
  'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
];

function faultOf(text: string, options = {}): LockstepError {
  try {
    parseFilter(text, options);
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error(`"${text}" was parsed`);
}

const valueOf = (text: string) => (parseFilter(`x eq ${text}`) as { value: unknown }).value;

describe('parsing a filter', () => {
  test.each(fromRfc)('understands %s', (text) => {
    const filter = parseFilter(text);
    expect(parseFilter(renderFilter(filter))).toEqual(filter);
  });

  test('binds and closer than or, and not to its parentheses', () => {
    expect(parseFilter('a pr or b pr and not (c pr)')).toEqual({
      kind: 'or',
      operands: [
        { kind: 'present', path: { name: 'a' } },
        {
          kind: 'and',
          operands: [
            { kind: 'present', path: { name: 'b' } },
            { kind: 'not', operand: { kind: 'present', path: { name: 'c' } } },
          ],
        },
      ],
    });
  });

  test('takes a URN apart at its last colon, whatever dots it has', () => {
    const text = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName eq "Ann"';
    expect(parseFilter(text)).toMatchObject({
      path: {
        schema: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
        name: 'manager',
        subAttribute: 'displayName',
      },
    });
  });

  test('reads values as JSON', () => {
    expect(valueOf(String.raw`"a\"b\\\u00e9\n"`)).toBe('a"b\\é\n');
    expect([valueOf('-1.5e2'), valueOf('true'), valueOf('false'), valueOf('null')]).toEqual([
      -150,
      true,
      false,
      null,
    ]);
    expect(valueOf('"(not [a] filter)"')).toBe('(not [a] filter)');
  });

  test('takes operators and words in any case', () => {
    expect(parseFilter('a EQ "x" AND NOT (b PR)')).toEqual(parseFilter('a eq "x" and not (b pr)'));
  });

  test('takes literals in any case where the profile does', () => {
    expect(parseFilter('active eq True', { profile: scimProfiles.entra })).toMatchObject({ value: true });
    expect(faultOf('active eq True', { profile: scimProfiles.strict }).code).toBe('InvalidFilter');
  });

  test('draws a comparison behind brackets into them', () => {
    expect(parseFilter('emails[type eq "work"].value eq "a@b"')).toEqual(
      parseFilter('emails[(type eq "work") and value eq "a@b"]'),
    );
  });

  test.each([
    ['', 1],
    ['userName', 9],
    ['userName eq', 12],
    ['userName eq bjensen', 13],
    ['userName xx "a"', 10],
    ['userName eq "a', 13],
    [String.raw`userName eq "a\q"`, 13],
    ['userName eq "a" and', 20],
    ['(userName pr', 13],
    ['userName pr)', 12],
    ['a pr b pr', 6],
    ['emails[type eq "work"', 22],
    ['emails[ims[type pr]]', 11],
    ['na..me pr', 1],
    ['1a pr', 1],
    ['a eq 01', 6],
    ['"a" eq 1', 1],
  ])('refuses %j at character %i', (text, column) => {
    const fault = faultOf(text);
    expect(fault.code).toBe('InvalidFilter');
    expect(fault.position?.column).toBe(column);
  });

  test('refuses what is too long or too deep', () => {
    expect(faultOf(`a eq "${'x'.repeat(100)}"`, { maxLength: 50 }).message).toContain('50 characters');
    expect(faultOf(`${'('.repeat(33)}a pr${')'.repeat(33)}`).message).toContain('nested');
    expect(parseFilter(`${'('.repeat(32)}a pr${')'.repeat(32)}`)).toEqual(parseFilter('a pr'));
    expect(faultOf(`${'not ('.repeat(1000)}a pr${')'.repeat(1000)}`).message).toContain('nested');
  });
});

const name = fc.constantFrom('userName', 'not', 'and', 'pr', '$ref', 'x-y_1');
const path = fc.record(
  { schema: fc.constantFrom('urn:a:b:2.0:User', 'urn:x'), name, subAttribute: name },
  { requiredKeys: ['name'] },
);
const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => (each === 0 ? 0 : each)),
);
const chain = (of: fc.Arbitrary<Filter>) =>
  fc.record({ kind: fc.constantFrom('and', 'or'), operands: fc.array(of, { minLength: 2, maxLength: 4 }) });
const not = (operand: fc.Arbitrary<Filter>) => fc.record({ kind: fc.constant('not' as const), operand });
const filters = fc.letrec<{ filter: Filter; inner: Filter; plain: Filter }>((tie) => {
  return {
    plain: fc.oneof(
      fc.record({
        kind: fc.constant('compare' as const),
        path,
        operator: fc.constantFrom(...compareOperators),
        value,
      }),
      fc.record({ kind: fc.constant('present' as const), path }),
    ),
    inner: fc.oneof({ maxDepth: 2 }, tie('plain'), chain(tie('inner')), not(tie('inner'))),
    filter: fc.oneof(
      { maxDepth: 3 },
      tie('plain'),
      chain(tie('filter')),
      not(tie('filter')),
      fc.record({ kind: fc.constant('valuePath' as const), path, filter: tie('inner') }),
    ),
  };
});

describe('any filter', () => {
  test('is the same after it was rendered and parsed', () => {
    fc.assert(
      fc.property(filters.filter, (filter) => {
        expect(parseFilter(renderFilter(filter), { maxLength: 1_000_000 })).toEqual(filter);
      }),
    );
  });

  test('that is none is refused with InvalidFilter, whatever it is', () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      '[',
      ']',
      '"',
      '\\',
      ' ',
      'and',
      'or',
      'not',
      'eq',
      'pr',
      'a',
      '.b',
      '1',
      'urn:',
    );
    const hostile = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 60 }).map((each) => each.join(' ')),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        try {
          parseFilter(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidFilter' });
        }
      }),
    );
  });

  test.each([
    `a eq "${'\\"'.repeat(8000)}`,
    '('.repeat(16_000),
    '"'.repeat(16_001),
    'a pr and '.repeat(1800),
    `${' '.repeat(16_000)}x`,
    'urn:'.repeat(4000),
  ])('hostile and long is refused (%#)', (text) => {
    expect(faultOf(text).code).toBe('InvalidFilter');
  });
});
