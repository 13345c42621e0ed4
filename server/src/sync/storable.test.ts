import { expect, test } from 'vitest';
import { isStorable, requireStorable } from './storable.ts';

const entry = {
  reference: 'uid=a',
  location: 'uid=a',
  parents: [],
  name: 'uid=a',
  attributes: { cn: ['A', ''] },
};

test('a text with a NUL, half a character or nothing in it cannot be an id', () => {
  expect(['a', 'ü', '😀'].every(isStorable)).toBe(true);
  expect(['', 'a\u0000b', '\ud83d'].some(isStorable)).toBe(false);
});

test('a broken record fails alone and says which value it is', () => {
  expect(requireStorable(entry)).toBe(entry);
  expect(() => requireStorable({ ...entry, attributes: { title: ['x\u0000'] } })).toThrow(
    /uid=a: a value of title/,
  );
  expect(() => requireStorable({ ...entry, members: ['\ud83d'] })).toThrow(/name or a reference/);
});
