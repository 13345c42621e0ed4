import { expect, test } from 'vitest';
import { BatchSize } from './batch-size.ts';

function after(...batches: (readonly [changes: number, milliseconds: number])[]): number {
  const size = new BatchSize();
  for (const [changes, milliseconds] of batches) size.learn(changes, milliseconds);
  return size.size;
}

test('a fast system gets more at a time, a slow one less, within bounds', () => {
  expect(after()).toBe(500);
  expect(after([500, 300])).toBe(1000);
  expect(after(...Array.from({ length: 9 }, () => [4000, 300] as const))).toBe(4000);
  expect(after([500, 2000])).toBe(500);
  expect(after([500, 26_000])).toBe(250);
  expect(after(...Array.from({ length: 9 }, () => [500, 26_000] as const))).toBe(100);
});

test('a batch that was cut short says nothing of what a whole one would take', () => {
  expect(after([20, 5])).toBe(500);
});
