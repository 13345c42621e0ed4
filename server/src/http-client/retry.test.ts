import { describe, expect, test } from 'vitest';
import { backoffSeconds, retryAfterSeconds } from './retry.ts';

describe('retryAfterSeconds', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  test.each([
    ['120', 120],
    ['2.128', 2.128],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s', (value, seconds) => {
    expect(retryAfterSeconds(value, now)).toBe(seconds);
  });
});

test('backoff doubles up to its ceiling and never waits less than half', () => {
  const upper = [1, 2, 3, 4, 20].map((attempt) => backoffSeconds(attempt, () => 1));
  const lower = [1, 2, 3, 4, 20].map((attempt) => backoffSeconds(attempt, () => 0));
  expect(upper).toEqual([0.5, 1, 2, 4, 30]);
  expect(lower).toEqual([0.25, 0.5, 1, 2, 15]);
});
