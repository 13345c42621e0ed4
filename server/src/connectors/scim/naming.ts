import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';

/** Kinds that SCIM knows. */
export type ScimKind = Extract<ObjectKind, 'user' | 'group'>;

/** The attribute that every resource of a kind has and that people know it by. */
export const nameAttributes: Readonly<Record<ScimKind, string>> = { user: 'userName', group: 'displayName' };

/** userName is not caseExact (RFC 7643 section 4.1.1); names of groups are treated alike. */
export function sameName(left: string, right: string): boolean {
  return foldName(left) === foldName(right);
}

export function foldName(name: string): string {
  return name.normalize('NFC').trim().toLowerCase();
}
