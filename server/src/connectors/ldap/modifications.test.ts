import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameValues, valueKey, type AttributeValue } from '../../directory/attributes.ts';
import { afterRename, modificationsBetween, replacements } from './modifications.ts';
import type { Modification } from './protocol/messages/requests.ts';

type Values = Record<string, readonly AttributeValue[]>;

/** What a server makes of modifications (RFC 4511 section 4.6); strict about values that are there or not. */
function perform(before: Values, modifications: readonly Modification[]): Values {
  const after: Values = { ...before };
  for (const { operation, attribute, values = [] } of modifications) {
    const now = after[attribute] ?? [];
    const keys = new Set(values.map(valueKey));
    const have = new Set(now.map(valueKey));
    if (operation === 'replace') after[attribute] = values;
    if (operation === 'delete') {
      expect(values.every((value) => have.has(valueKey(value)))).toBe(true);
      after[attribute] = now.filter((value) => !keys.has(valueKey(value)));
    }
    if (operation === 'add') {
      expect(values.some((value) => have.has(valueKey(value)))).toBe(false);
      after[attribute] = [...now, ...values];
    }
  }
  return after;
}

const text = fc.integer({ min: 0, max: 150 }).map((number) => `value ${number}`);
const bytes = fc.uint8Array({ minLength: 1, maxLength: 3 });
const list = fc.uniqueArray(fc.oneof({ weight: 20, arbitrary: text }, bytes), {
  selector: (value) => valueKey(value),
  maxLength: 120,
});
const entry = fc.dictionary(fc.constantFrom('a', 'b', 'c'), list);

describe('modifications', () => {
  test('make the wanted values of any values before', () => {
    fc.assert(
      fc.property(entry, entry, (before, set) => {
        const modifications = modificationsBetween(before, set);
        for (const [name, after] of Object.entries(perform(before, modifications))) {
          expect(sameValues(after, name in set ? set[name] : before[name])).toBe(true);
        }
        const replaced = perform({}, replacements(modifications, set));
        for (const [name, values] of Object.entries(replaced)) expect(values).toEqual(set[name]);
      }),
    );
  });

  test('are none where nothing differs', () => {
    fc.assert(
      fc.property(entry, (values) => {
        expect(modificationsBetween(values, values)).toEqual([]);
      }),
    );
  });

  test('of a long list are small when the difference is', () => {
    const before = Array.from({ length: 100 }, (_, index) => `${index}`);
    expect(modificationsBetween({ a: before }, { a: [...before.slice(1), 'x'] })).toEqual([
      { operation: 'delete', attribute: 'a', values: ['0'] },
      { operation: 'add', attribute: 'a', values: ['x'] },
    ]);
  });
});

test('a rename swaps the values that name the entry', () => {
  const before = { UID: ['a, b', 'c'], cn: ['x'], sn: ['y'] };
  expect(afterRename(before, 'uid=a\\2C b+cn=x', 'uid=d+cn=x')).toEqual({
    UID: ['c', 'd'],
    cn: ['x'],
    sn: ['y'],
  });
});
