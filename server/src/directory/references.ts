import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';

/** Attributes of directory objects whose values are the ids of other directory objects, users or groups. */
export const referenceAttributes: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: ['manager', 'secretary'],
  organizationalUnit: [],
  group: ['owner'],
};
