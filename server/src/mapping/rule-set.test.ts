import { expect, test } from 'vitest';
import { parseRuleSet } from './rule-set.ts';

test('a map of expressions becomes a rule for each attribute', () => {
  expect(
    parseRuleSet(
      '{ "a": (source.x[0] + "(") + ")", // one, two\n "b": ("q"),\n"c": null, "d": source.y }',
      'e',
    ),
  ).toEqual({
    a: { cel: '(source.x[0] + "(") + ")"' },
    b: { cel: '("q")' },
    c: null,
    d: { cel: 'source.y' },
  });
  expect(parseRuleSet('{}', 'e')).toEqual({});
});

test.each([
  ['return {"a": 1}', /no CEL expression/],
  ['"a"', /no map/],
  ['{source.x[0]: "a"}', /must be a text/],
  ['{"a": {"b": "c"}}', /e\.a: the expression gives a map/],
  ['{"a": request.user.name}', /e\.a:/],
  ['{"a": nothing(source.x)}', /unknown function nothing/],
])('%s is refused', (text, message) => {
  expect(() => parseRuleSet(text, 'e')).toThrow(message);
});
