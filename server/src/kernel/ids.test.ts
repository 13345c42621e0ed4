import { assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { firstJobId, newJobId } from './ids.ts';

const moment = integer({ min: 0, max: 2 ** 47 });

test('ids of jobs sort by the time at which they were made, and the first of a moment is not behind any of it', () => {
  assert(
    property(moment, moment, (one, other) => {
      expect(firstJobId(one) <= newJobId(one)).toBe(true);
      if (one < other) expect(newJobId(one) < firstJobId(other + 32)).toBe(true);
    }),
  );
});
