import { assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { firstJobId, newId, newJobId } from './ids.ts';

const moment = integer({ min: 0, max: 2 ** 47 });

test('ids of jobs sort by the time at which they were made, and the first of a moment is not behind any of it', () => {
  assert(
    property(moment, moment, (one, other) => {
      expect(firstJobId(one) <= newJobId(one)).toBe(true);
      if (one < other) expect(newJobId(one) < firstJobId(other + 32)).toBe(true);
    }),
  );
});

test('no job is before the first of a moment before 1970', () => {
  expect(firstJobId(-3_600_000) <= newJobId(0)).toBe(true);
  expect(firstJobId(Date.UTC(-1, 0)) <= newJobId(1)).toBe(true);
});

test('ids that are made in one millisecond sort in the order of their making', () => {
  const ids = Array.from({ length: 1000 }, () => newId('user', 1_700_000_000_000));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(1000);
});
