import { expect, test } from 'vitest';
import { changedAttributes, renderSentence, type SentenceChange } from './sentence.ts';

const user: SentenceChange = { kind: 'user', verb: 'update', label: 'jdoe' };
const image = (parent: string, name: string, more: Record<string, string[]> = {}) => ({
  $parent: [parent],
  $name: [name],
  ...more,
});

const cases: [string, SentenceChange][] = [
  ['create user "jdoe" in /Sales', { ...user, verb: 'create', after: image('/Sales', 'jdoe') }],
  [
    'update user "jdoe": mail, title',
    { ...user, before: { mail: ['a'] }, after: { mail: ['b'], title: ['c'] } },
  ],
  [
    'update user "jdoe": mail, title (emptied)',
    { ...user, before: { mail: ['a'], title: ['c'] }, after: { mail: ['b'], title: [] } },
  ],
  [
    'update user "jdoe": a, b, c, d and 2 more',
    { ...user, after: { a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'], f: ['1'] } },
  ],
  [
    'move user "jdoe" from /Sales to /Support',
    { ...user, verb: 'move', before: image('/Sales', 'jdoe'), after: image('/Support', 'jdoe') },
  ],
  [
    'move user "jd" from /Sales to / as "jdoe" and set mail',
    { ...user, verb: 'move', before: image('/Sales', 'jd'), after: image('/', 'jdoe', { mail: ['x'] }) },
  ],
  [
    'rename organizational unit "Sales" to "Support"',
    {
      kind: 'organizationalUnit',
      verb: 'move',
      label: 'Support',
      before: image('/', 'Sales'),
      after: image('/', 'Support'),
    },
  ],
  ['bind user "jdoe"', { ...user, verb: 'bind' }],
  ['disable user "jdoe"', { ...user, verb: 'disable' }],
  ['enable user "jdoe" and set mail', { ...user, verb: 'enable', after: { mail: ['a'] } }],
  ['delete user "jdoe" from /Sales', { ...user, verb: 'delete', before: image('/Sales', 'jdoe') }],
  ['user "jdoe" is the same', { ...user, verb: null }],
  [
    'add user "jdoe" to group "admins"',
    { kind: 'membership', verb: 'addMember', label: 'admins < jdoe', memberKind: 'user' },
  ],
  [
    'remove group "b" from group "a \\"x\\""',
    { kind: 'membership', verb: 'removeMember', label: 'a "x" < b', memberKind: 'group' },
  ],
  [
    'delete user "jdoe"; skipped: held by the guard (Held)',
    { ...user, verb: 'delete', result: 'skipped', error: { code: 'Held', message: 'held by the guard' } },
  ],
  ['bind user "jdoe"; failed', { ...user, verb: 'bind', result: 'failed' }],
];

test.each(cases)('%s', (sentence, change) => {
  expect(renderSentence(change)).toBe(sentence);
});

test('pseudo attributes and equal values are no changed attributes', () => {
  expect(
    changedAttributes({ $enabled: ['true'], a: ['1'], b: [] }, { $enabled: ['false'], a: ['1'] }),
  ).toEqual([]);
});

test('that a dry run carries nothing out goes without saying', () => {
  const error = { code: 'DryRun', message: 'planned only' };
  const change = { kind: 'user', verb: 'create', label: 'ann', result: 'skipped', error } as const;
  expect(renderSentence(change)).toBe('create user "ann"');
  expect(renderSentence({ ...change, error: { code: 'Held', message: 'held' } })).toBe(
    'create user "ann"; skipped: held (Held)',
  );
});
