import { expect, test } from 'vitest';
import { renderValues } from './change-report.ts';

const photo = { $base64: Buffer.from([1, 2, 3]).toString('base64') };

test('values are shown as they were and will be, of several those that go and come', () => {
  const before = {
    $name: ['ann'],
    cn: ['Ann'],
    mail: ['a@x', 'b@x'],
    title: ['Dr.'],
    same: ['1'],
    order: ['1', '2'],
  };
  const after = {
    $name: ['anna'],
    cn: ['Anna'],
    mail: ['b@x', 'c@x'],
    photo: [photo],
    same: ['1'],
    order: ['2', '1'],
  };
  expect(renderValues({ before, after })).toEqual([
    '    cn: "Ann" -> "Anna"',
    '    mail: - "a@x", + "c@x"',
    '    order: in another order',
    '    photo: (none) -> 3 bytes',
    '    title: "Dr." -> (none)',
  ]);
});

test('a long value is cut, and none reaches the terminal as a command', () => {
  const after = { description: ['ä'.repeat(100)], title: ['a\u001b[31m\u202eb'] };
  expect(renderValues({ before: null, after })).toEqual([
    `    description: (none) -> "${'ä'.repeat(80)}"... (100 characters)`,
    String.raw`    title: (none) -> "a\u001b[31m\u202eb"`,
  ]);
});

test('nothing is said of values that are forgotten', () => {
  expect(renderValues({ before: null, after: null })).toEqual([]);
});
