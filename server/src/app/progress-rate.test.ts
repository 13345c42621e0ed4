import { expect, test } from 'vitest';
import { ProgressRate } from './progress-rate.ts';

const applying = (applied: number) => ({ phase: 'apply', read: 0, applied, total: 1000 }) as const;

function makeRate(): { at: (seconds: number) => Date; rate: ProgressRate } {
  let now = new Date(0);
  const rate = new ProgressRate({ now: () => now });
  return { rate, at: (seconds) => (now = new Date(seconds * 1000)) };
}

test('what remains follows from how fast it went', () => {
  const { at, rate } = makeRate();
  expect(rate.measure(applying(0), null)).toEqual({ rate: 0, remainingSeconds: null });
  at(2);
  expect(rate.measure(applying(200), null)).toEqual({ rate: 100, remainingSeconds: 8 });
});

test('where a quota is known, nothing is promised that it does not allow', () => {
  const { at, rate } = makeRate();
  const end = new Date(600_000);
  expect(rate.measure(applying(0), end).remainingSeconds).toBe(600);
  at(2);
  expect(rate.measure(applying(200), end).remainingSeconds).toBe(598);
  at(598);
  // Slower than the quota would allow.
  expect(rate.measure(applying(300), end).remainingSeconds).toBeGreaterThan(1000);
  expect(rate.measure({ phase: 'plan', read: 9, applied: 0, total: 0 }, end).remainingSeconds).toBeNull();
});
