import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ScimProfile, scimProfiles } from '../profile.ts';
import type { Json } from '../resource.ts';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { groupSchemaUrn } from '../urns.ts';
import { applyPatch } from './apply.ts';
import { applyMemberPatch, isEmptyMemberPatch } from './members.ts';
import type { PatchOperation } from './request.ts';

const model = getResourceModel(createSchemaRegistry(), 'Group');
const group = { schemas: [groupSchemaUrn], id: 'g', displayName: 'G' };
const { strict, entra } = scimProfiles;

function patch(operations: PatchOperation[], profile: ScimProfile = entra) {
  return applyPatch(group, operations, model, { profile, apart: 'members' });
}
const refs = (...ids: string[]): Json[] => ids.map((value) => ({ value }));
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

const sorted = (members: Json | undefined) =>
  ((members ?? []) as { value: string }[]).map(({ value }) => value).sort();

describe('members apart from their group', () => {
  test('are added and removed by id', () => {
    const { members, changed } = patch([
      { op: 'add', path: 'members', value: refs('a', 'b') },
      { op: 'remove', path: 'members[value eq "c"]' },
      { op: 'remove', path: 'members[value eq "d" or value eq "e"]' },
      { op: 'add', value: { members: [{ value: 'f', type: 'Group', display: 'F' }] } },
      { op: 'add', path: 'members', value: { value: 'h' } },
    ]);
    expect(members.added).toEqual([
      ...refs('a', 'b'),
      { value: 'f', type: 'Group', display: 'F' },
      { value: 'h' },
    ]);
    expect(members).toMatchObject({ replaced: false, removed: ['c', 'd', 'e'], removedWhere: [] });
    expect(changed).toBe(false);
  });

  test('count as the last operation left them', () => {
    expect(
      patch([
        { op: 'add', path: 'members', value: refs('a', 'b') },
        { op: 'remove', path: 'members[value eq "a"]' },
        { op: 'remove', path: 'members[value eq "c"]' },
        { op: 'add', path: 'members', value: refs('c') },
      ]).members,
    ).toEqual({ replaced: false, added: refs('b', 'c'), removed: ['a'], removedWhere: [] });
  });

  test('are replaced as a whole', () => {
    const replaced = { replaced: true, added: refs('x'), removed: [], removedWhere: [] };
    expect(patch([{ op: 'replace', path: 'members', value: refs('x') }]).members).toEqual(replaced);
    expect(
      patch([
        { op: 'remove', path: 'members' },
        { op: 'add', path: 'members', value: refs('x') },
      ]).members,
    ).toEqual(replaced);
    const withName = patch([{ op: 'replace', value: { displayName: 'H', members: refs('x') } }]);
    expect(withName.members).toEqual(replaced);
    expect(withName.resource['displayName']).toBe('H');
  });

  test('with a list of values in a removal lose those alone, and none for an empty list', () => {
    expect(patch([{ op: 'remove', path: 'members', value: refs('a') }]).members).toMatchObject({
      replaced: false,
      removed: ['a'],
    });
    expect(isEmptyMemberPatch(patch([{ op: 'remove', path: 'members', value: [] }]).members)).toBe(true);
    expect(patch([{ op: 'remove', path: 'members', value: ['a'] }]).members.removed).toEqual(['a']);
    expect(() => patch([{ op: 'remove', path: 'members', value: refs('a') }], strict)).toThrow(
      code('InvalidValue'),
    );
  });

  test('are selected by other filters only when the group is at hand', () => {
    const { members } = patch([
      {
        op: 'add',
        path: 'members',
        value: [
          { value: 'u', type: 'User' },
          { value: 'g', type: 'Group' },
        ],
      },
      { op: 'remove', path: 'members[type eq "Group"]' },
    ]);
    expect(members.added).toEqual([{ value: 'u', type: 'User' }]);
    expect(members.removedWhere).toHaveLength(1);
    expect(
      applyMemberPatch(
        [
          { value: 'o', type: 'Group' },
          { value: 'p', type: 'User' },
        ],
        members,
      ),
    ).toEqual([
      { value: 'p', type: 'User' },
      { value: 'u', type: 'User' },
    ]);
  });

  test('cannot be changed in themselves', () => {
    const operation: PatchOperation = { op: 'replace', path: 'members[value eq "a"].display', value: 'x' };
    expect(() => patch([operation])).toThrow(code('NotMutable'));
    expect(() => patch([{ op: 'add', path: 'members', value: [{ display: 'x' }] }])).toThrow(
      code('InvalidValue'),
    );
  });

  test('come out the same as when the group is patched whole', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const ids = fc.uniqueArray(id).map((each) => refs(...each));
    const operation: fc.Arbitrary<PatchOperation> = fc.oneof(
      fc.record({
        op: fc.constantFrom('add', 'replace', 'remove'),
        path: fc.constant('members'),
        value: ids,
      }),
      id.map((each) => ({ op: 'remove' as const, path: `members[value eq "${each}"]` })),
      id.map((each) => ({ op: 'remove' as const, path: `members[value ne "${each}"]` })),
    );
    fc.assert(
      fc.property(ids, fc.array(operation, { maxLength: 6 }), (before, operations) => {
        const whole = applyPatch({ ...group, members: before }, operations, model, { profile: entra });
        const apart = applyMemberPatch(before, patch(operations).members);
        expect(sorted(apart)).toEqual(sorted(whole.resource['members']));
      }),
    );
  });
});
