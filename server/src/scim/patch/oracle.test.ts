import * as fc from 'fast-check';
import { scimPatch, type ScimPatchOperation } from 'scim-patch';
import { expect, test } from 'vitest';
import { scimProfiles } from '../profile.ts';
import type { ScimResource } from '../resource.ts';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { userSchemaUrn } from '../urns.ts';
import { applyPatch } from './apply.ts';
import type { PatchOperation } from './request.ts';

// Where the oracle follows the RFC: names in their proper case, nothing read-only, filters that match.
const model = getResourceModel(createSchemaRegistry(), 'User');
const user: ScimResource = {
  schemas: [userSchemaUrn],
  userName: 'a',
  active: true,
  title: 'Dr',
  name: { givenName: 'A', familyName: 'B' },
  emails: [
    { type: 'work', value: 'w@x' },
    { type: 'home', value: 'h@x' },
  ],
};

const text = fc.constantFrom('x', 'y', 'z');
const write = fc.constantFrom('add' as const, 'replace' as const);
const operation: fc.Arbitrary<PatchOperation> = fc.oneof(
  fc.record({
    op: write,
    path: fc.constantFrom('title', 'userName', 'name.givenName', 'name.middleName'),
    value: text,
  }),
  fc.record({ op: write, path: fc.constant('active'), value: fc.boolean() }),
  fc.record({
    op: write,
    value: fc.record({ title: text, active: fc.boolean(), nickName: text }, { requiredKeys: [] }),
  }),
  fc.record({
    op: write,
    path: fc.constantFrom('emails[type eq "work"].value', 'emails[type eq "home"].display'),
    value: text,
  }),
  fc.record({
    op: fc.constant('replace' as const),
    path: fc.constant('name'),
    value: fc.record({ familyName: text }),
  }),
  fc.record({
    op: fc.constant('remove' as const),
    path: fc.constantFrom('title', 'nickName', 'name.middleName', 'emails[type eq "home"].display'),
  }),
);

test('beside scim-patch, the same operations make the same user', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
      const own = applyPatch(user, operations, model, { profile: scimProfiles.strict }).resource;
      const copy = structuredClone(user) as unknown as Parameters<typeof scimPatch>[0];
      const theirs = scimPatch(copy, structuredClone(operations) as unknown as ScimPatchOperation[]);
      expect(own).toEqual(structuredClone(theirs));
    }),
    { numRuns: 300 },
  );
});
