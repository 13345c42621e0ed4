import { expect, test } from 'vitest';
import { markReferences, partReferences, recordReferences, sameReferences } from './references.ts';

const change = (after: Record<string, string[]>) =>
  ({ kind: 'user', verb: 'update', objectId: 'user_a', externalId: 'a', label: 'a', after }) as const;

test('values that look like a reference are left as they are', () => {
  const hostile = { title: ['\u001fuser_b'], description: ['user_b'] };
  expect(partReferences(hostile, { user_b: null })).toEqual({ attributes: hostile, pending: {} });
  expect(recordReferences(change(hostile), { user_b: null }).after).toEqual(hostile);
});

test('what is no id of an object in scope names nobody', () => {
  const source = { manager: ['constructor', '__proto__', 'user_b'] };
  expect(markReferences('user', source, {})).toEqual({});
  const known = { user_b: 'ref-b' };
  const { manager = [] } = markReferences('user', source, known);
  expect(manager).toHaveLength(1);
  expect(sameReferences(manager, ['REF-B'], known, (text) => text.toLowerCase())).toBe(true);
  expect(sameReferences(manager, ['REF-C'], known, (text) => text.toLowerCase())).toBe(false);
});

test('references are recorded by id, and those of objects that are to come apart from the others', () => {
  const known = { user_b: 'ref-b', user_c: null };
  const { manager = [], secretary = [] } = markReferences(
    'user',
    { manager: ['user_b'], secretary: ['user_c'] },
    known,
  );
  const { attributes, pending } = partReferences({ boss: manager, help: secretary }, known);
  expect(pending).toEqual({ '$pending.help': ['user_c'] });
  expect(recordReferences(change(attributes as Record<string, string[]>), known).after).toEqual({
    boss: ['user_b'],
    $references: ['boss'],
  });
});
