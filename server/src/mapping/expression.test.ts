import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeValue, Attributes } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import { compileExpression, positionAt } from './expression.ts';
import { mappingFunctions } from './functions.ts';

const person: Attributes = {
  mail: ['Ann@Example.com', 'ann@example.org'],
  givenName: ['Ann'],
  sn: [' Lee '],
  c: ['DE'],
  'x-floor': ['3'],
  jpegPhoto: [Uint8Array.of(0xff, 0xd8)],
};

function evaluate(text: string, source: Attributes = person): readonly AttributeValue[] {
  const expression = compileExpression(text, 'map.user.x');
  return expression.evaluate((index) => source[expression.attributes[index] as string]);
}

function refusal(text: string): LockstepError {
  try {
    compileExpression(text, 'map.user.x');
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('values of an expression', () => {
  it.each<[string, readonly AttributeValue[]]>([
    ['source.mail[0]', ['Ann@Example.com']],
    ['source.mail', ['Ann@Example.com', 'ann@example.org']],
    ['source["x-floor"][0]', ['3']],
    ['source.givenName[0] + " " + trim(source.sn[0])', ['Ann Lee']],
    ['first(source.title, "Staff")', ['Staff']],
    ['join(source.mail, ";")', ['Ann@Example.com;ann@example.org']],
    ['lower(source.mail)', ['ann@example.com', 'ann@example.org']],
    ['upper(first(source.givenName))', ['ANN']],
    ['replace(source.mail[0], "Ann", "$&")', ['$&@Example.com']],
    ['replace(source.mail, "@", " at ")', ['Ann at Example.com', 'ann at example.org']],
    ['split(source.mail[0], "@")[1]', ['Example.com']],
    ['matches(source.mail[0], "^[A-Z]") ? "upper" : "lower"', ['upper']],
    ['{"DE": "Germany", "FR": "France"}[source.c[0]]', ['Germany']],
    ['source.mail.filter(m, m.endsWith(".org"))', ['ann@example.org']],
    ['distinct(["a", "b", "a"])', ['a', 'b']],
    ['["a", "a", ""]', ['a']],
    ['size(source.mail)', ['2']],
    ['1.5', ['1.5']],
    ['has(source.mail)', ['true']],
    ['has(source.title)', ['false']],
    ['has(source.title) ? source.title[0] : source.givenName[0]', ['Ann']],
    ['"DE" in source.c', ['true']],
    ['source.jpegPhoto', [Uint8Array.of(0xff, 0xd8)]],
  ])('%s', (text, values) => {
    expect(evaluate(text)).toEqual(values);
  });

  it('a text beyond all measure fails the one object', () => {
    const uid = ['x'.repeat(5000)];
    const tenfold = 'replace(source.uid[0], "x", "xxxxxxxxxx")';
    expect(evaluate(tenfold, { uid })[0]).toHaveLength(50_000);
    const more = `replace(${tenfold}, "x", "${'x'.repeat(400)}")`;
    expect(() => evaluate(more, { uid })).toThrow('gave a text of 20000000 characters');
  });

  it('so does one that takes the longer, the longer the text is', () => {
    const text = 'matches(source.uid[0], "^.*.*.*.*.*.*.*x$")';
    expect(evaluate(text, { uid: ['aaax'] })).toEqual(['true']);
    expect(() => evaluate(text, { uid: ['a'.repeat(900)] })).toThrow('takes too long on a text of 900');
  });

  it.each([
    'matches(source.uid[0], "^(a+)+$")',
    'source.uid[0].matches("^(a+)+$")',
    'source.uid[0] . matches ( "^(a+)+$" )',
  ])('a pattern that would not come to its end fails the one object: %s', (text) => {
    expect(evaluate(text, { uid: ['aaa'] })).toEqual(['true']);
    expect(evaluate(text, { uid: ['aab'] })).toEqual(['false']);
    const hostile = { uid: [`${'a'.repeat(60)}!`] };
    expect(() => evaluate(text, hostile)).toThrow('the pattern ^(a+)+$ takes too long');
  });

  it.each([
    'source.title[0]',
    'source.title[0] + "!"',
    'lower(source.title[0])',
    'first(source.title)',
    'join(source.title, ",")',
    'source.title',
    'source.mail[7]',
    'split(source.mail[0], "@")[7]',
    '{"FR": "France"}[source.c[0]]',
    'source.title[0] == "x"',
    '""',
    '[]',
    '[""]',
    'dyn(null)',
    'has(source.title) ? source.title[0] : ""',
  ])('%s has no value', (text) => {
    expect(evaluate(text)).toEqual([]);
  });

  it('reads an attribute whose name JavaScript knows as absent', () => {
    const bare = Object.create(null) as Attributes;
    expect(evaluate('source.constructor', bare)).toEqual([]);
    expect(evaluate('source["__proto__"]', bare)).toEqual([]);
  });

  it('fails on a binary value that is computed with', () => {
    expect(() => evaluate('lower(source.jpegPhoto)')).toThrow(/binary/);
    expect(() => evaluate('source.jpegPhoto[0]')).toThrow(/not of type 'string'/);
  });

  it('evaluates the example of every function', () => {
    for (const { example } of mappingFunctions) {
      expect(() => evaluate(example), example).not.toThrow();
    }
  });

  it('gives the same for every object, whatever was evaluated before', () => {
    const expression = compileExpression('lower(source.mail)', 'x');
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 4 }), (mail) => {
        const wanted = [...new Set(mail.map((value) => value.toLowerCase()))].filter((value) => value !== '');
        expect(expression.evaluate(() => mail)).toEqual(wanted);
      }),
    );
  });
});

describe('attributes that an expression reads', () => {
  it.each([
    ['source.a[0] + source["b-c"][0] + join(source.a, "")', ['a', 'b-c']],
    ['has(source.d) ? "x" : source.e.map(v, source.f[0] + v)[0]', ['d', 'e', 'f']],
    ['cel.bind(v, source.a, v + v)', ['a']],
    ['{"k": source.a}["k"]', ['a']],
    ['"fixed"', []],
  ])('%s', (text, attributes) => {
    expect(compileExpression(text, 'x').attributes).toEqual(attributes);
  });
});

describe('refused when saved', () => {
  it.each([
    ['source.mail[0] +', 1, 17, /Unexpected token/],
    ['lower(source.mail[0]) + lowr(source.mail[0])', 1, 25, /unknown function lowr/],
    ['"a" +\n  source.mail[0].toLower()', 2, 3, /unknown function toLower/],
    ['source.mail[0] + 1', 1, 1, /no such overload: string \+ int/],
    ['sorce.mail', 1, 1, /Unknown variable: sorce/],
    ['has("a")', 1, 1, /has\(string\)/],
    ['"x" + source[source.c[0]][0]', 1, 7, /computed name/],
    ['size(source) > 3', 1, 6, /stands alone/],
    ['matches(source.c[0], "[a")', 1, 22, /not a regular expression/],
    ['source.c[0].matches("(")', 1, 21, /not a regular expression/],
    ['{"a": "b"}', 1, 1, /gives a map/],
    ['timestamp("2026-01-01T00:00:00Z")', 1, 1, /gives a .*imestamp/],
    ['', 1, 1, /Unexpected token/],
  ])('%s', (text, line, column, message) => {
    const error = refusal(text);
    expect(error.code).toBe('InvalidExpression');
    expect(error.message).toMatch(message);
    expect(error.message).toContain('map.user.x');
    expect(error.field).toBe('map.user.x');
    expect(error.position).toEqual({ line, column });
    expect(error.remedy).toBeTruthy();
  });

  it('a name that is not known says where the attributes are', () => {
    expect(refusal('sorce.mail').remedy).toContain('read from `source`');
  });

  it('never raises anything but a LockstepError, whatever the text', () => {
    const fragments = fc.constantFrom(
      'source',
      '.',
      'a',
      '[',
      ']',
      '0',
      '(',
      ')',
      '"',
      'has',
      '+',
      '?',
      ':',
      'first',
      '\n',
      ' ',
      '{',
      '}',
      '\\',
      'é',
      '😀',
      '=',
      '&&',
      '-',
      "'",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragments).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            compileExpression(text, 'x');
          } catch (error) {
            expect(error).toBeInstanceOf(LockstepError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

it('finds line and column of an offset', () => {
  expect(positionAt('ab\ncd', 0)).toEqual({ line: 1, column: 1 });
  expect(positionAt('ab\ncd', 4)).toEqual({ line: 2, column: 2 });
});
