import { expect, test } from 'vitest';
import { isIndexable, isStorable, printable, requireStorable } from './storable.ts';

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

test('what is looked up by has so many octets that two of it fit into a row of an index', () => {
  expect(isIndexable('ä'.repeat(650))).toBe(true);
  expect(isIndexable('ä'.repeat(651))).toBe(false);
  const long = 'x'.repeat(1301);
  expect(requireStorable({ ...entry, location: long, attributes: { cn: [long] } })).toBeDefined();
  for (const more of [{ reference: long }, { alias: long }, { parents: [long] }, { members: ['a', long] }])
    expect(() => requireStorable({ ...entry, ...more })).toThrow(
      /^uid=a: .* is longer than 1300 octets: xxx/,
    );
});

test('what is shown of a text can be kept', () => {
  expect(printable('a\u0000\ud83d')).toBe('a\ufffd\ufffd');
  expect(printable('x'.repeat(1_000_000)).length).toBeLessThan(3000);
});
