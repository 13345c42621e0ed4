import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';

/** The member of an object's data that has its id, and the one that has its name. */
export const idNames: Readonly<Record<ObjectKind, string>> = {
  user: 'userId',
  organizationalUnit: 'organizationalUnitId',
  group: 'groupId',
};
export const naming: Readonly<Record<ObjectKind, string>> = {
  user: 'username',
  organizationalUnit: 'organizationalUnitName',
  group: 'groupName',
};

/** Members that are true or false in JSON. */
export const booleans: ReadonlySet<string> = new Set(['emailVerified', 'phoneVerified', 'passwordSet']);
