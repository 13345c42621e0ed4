import { expect, test } from 'vitest';
import { BatchSize } from './batch-size.ts';

const objects = (changes: number, milliseconds: number) => ({ changes, milliseconds, memberships: false });
const memberships = (changes: number, milliseconds: number) => ({
  ...objects(changes, milliseconds),
  memberships: true,
});

function after(...batches: readonly ReturnType<typeof objects>[]): number {
  const size = new BatchSize();
  for (const batch of batches) size.learn(batch);
  return size.size;
}

const often = <Batch>(batch: Batch): Batch[] => Array.from({ length: 9 }, () => batch);

test('a fast system gets more at a time, a slow one less, within bounds', () => {
  expect(after()).toBe(500);
  expect(after(objects(500, 300))).toBe(1000);
  expect(after(...often(objects(4000, 300)))).toBe(1000);
  expect(after(...often(memberships(4000, 300)))).toBe(4000);
  expect(after(...often(memberships(4000, 300)), objects(20, 5))).toBe(1000);
  expect(after(objects(500, 2000))).toBe(500);
  expect(after(objects(500, 26_000))).toBe(250);
  expect(after(...often(objects(500, 26_000)))).toBe(100);
});

test('a batch that was cut short says nothing of what a whole one would take', () => {
  expect(after(objects(20, 5))).toBe(500);
});
