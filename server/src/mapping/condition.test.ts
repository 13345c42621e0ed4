import { expect, test } from 'vitest';
import { compileCondition } from './condition.ts';

test('a condition is met, not met, or has no value', () => {
  const condition = compileCondition('source.title[0] == "Engineer"', 'filter');
  expect(condition.isMet({ title: ['Engineer'] })).toBe(true);
  expect(condition.isMet({ title: ['Clerk'] })).toBe(false);
  expect(condition.isMet({ mail: ['a@example.com'] })).toBe(false);
});

test('a condition that does not compile is refused with its field', () => {
  expect(() => compileCondition('source.title ==', 'syncs.out.scopes.0.filter')).toThrow(
    /syncs\.out\.scopes\.0\.filter/,
  );
});
