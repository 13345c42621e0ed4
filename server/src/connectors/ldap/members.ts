import { normaliseReference } from './location.ts';

/** The attributes in which groups of any class keep members, in lower case. */
export const memberAttributes = ['member', 'uniquemember', 'memberuid'] as const;

/** How a memberUid value, and with the same text the user that it means, is named. */
export function uidReference(uid: string): string {
  return `uid:${uid.toLowerCase()}`;
}

/** The uid in such a reference, in lower case; undefined for any other. */
export function uidOfReference(reference: string): string | undefined {
  return reference.startsWith('uid:') ? reference.slice(4) : undefined;
}

/**
 * The reference that a value of a member attribute means.
 * A uniqueMember may end in a bit string that tells apart DNs used again (RFC 4517 section 3.3.21): it is dropped.
 * What is no DN is kept as it is, so that it shows as a reference that resolves to nothing.
 */
export function memberReference(attribute: string, value: string): string {
  const name = attribute.toLowerCase();
  if (name === 'memberuid') return uidReference(value);
  const dn = name === 'uniquemember' ? value.replace(/#'[01]*'B$/, '') : value;
  return normaliseReference(dn) ?? dn;
}

/**
 * Normalised references of a group's members without duplicates and without the values that only fill an empty group:
 * the empty DN, the group itself, and a configured one.
 */
export function memberReferences(
  attributes: Iterable<readonly [name: string, values: readonly (string | Uint8Array)[]]>,
  group: string,
  placeholder: string,
): string[] {
  const fillers = new Set(['', group, normaliseReference(placeholder) ?? '']);
  const members = new Set<string>();
  for (const [name, values] of attributes) {
    for (const value of values) {
      if (typeof value !== 'string') continue;
      const reference = memberReference(name, value);
      if (!fillers.has(reference)) members.add(reference);
    }
  }
  return [...members];
}

/** The value that stands in an empty group. */
export function placeholderValue(placeholder: string, groupDn: string): string {
  if (placeholder === 'self') return groupDn;
  return placeholder === 'empty' ? '' : placeholder;
}
