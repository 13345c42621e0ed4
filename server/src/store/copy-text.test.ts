import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderRow } from './copy-encoding.ts';
import { CopyText } from './copy-text.ts';

const plain = ['plain', 'plain'] as const;
const textOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();

test('chunks together are the rows, whatever their length, and no row is divided', () => {
  const value = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.integer({ min: 1, max: 20_000 }));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), (values) => {
      const text = new CopyText(plain);
      const rows = values.map(([part, times]) => [part.repeat(times), times]);
      for (const row of rows) text.add(row);
      const chunks = text.takeAll();
      expect(textOf(chunks)).toBe(rows.map((row) => renderRow(row, plain)).join(''));
      for (const chunk of chunks) expect(chunk.at(-1)).toBe(0x0a);
      expect(text.isEmpty).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('what was taken is not given again, and what is full can be taken before the end', () => {
  const text = new CopyText(plain);
  expect(text.isEmpty).toBe(true);
  text.add(['a', 'x'.repeat(200_000)]);
  expect(text.hasFull).toBe(false);
  text.add(['b', 'y'.repeat(200_000)]);
  expect(textOf(text.takeFull())).toMatch(/^a\tx+\n$/);
  expect(text.hasFull).toBe(false);
  text.add(['c', 1]);
  expect(textOf(text.takeAll())).toMatch(/^b\ty+\nc\t1\n$/);
  expect(text.takeAll()).toEqual([]);
});

test('a row that is longer than a chunk is one chunk', () => {
  const text = new CopyText(['plain']);
  text.add(['ä'.repeat(400_000)]);
  expect(text.takeAll().map(({ length }) => length)).toEqual([800_001]);
});

test('a row of another width is refused', () => {
  expect(() => new CopyText(plain).add(['a'])).toThrow(RangeError);
});
