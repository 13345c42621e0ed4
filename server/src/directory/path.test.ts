import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePath, renderPath } from './path.ts';

test('every list of names survives rendering and parsing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, unit: fc.constantFrom('a', '/', '\\', ' ', 'ü') })),
      (names) => {
        expect(parsePath(renderPath(names))).toEqual(names);
      },
    ),
  );
});

test.each(['', 'a', '//', '/a/', '/a//b', '/a\\'])('%j is refused', (path) => {
  expect(() => parsePath(path)).toThrow(/not a path/);
});
