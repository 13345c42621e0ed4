import type { ReadRequest } from '../../sync/connector.ts';
import { matchOnly } from './match-attributes.ts';

/** The kinds that Entra ID has. */
export type EntraKind = 'user' | 'group';
export const entraKinds: readonly EntraKind[] = ['user', 'group'];

/** Properties by kind, as `$select` has them. */
export type Selection = Readonly<Record<EntraKind, readonly string[]>>;

/** Read whatever the mapping wants: to tell objects apart, to name them, and to see what they are. */
const always: Selection = {
  user: ['accountEnabled', 'displayName', 'id', 'mail', 'mailNickname', 'userPrincipalName', 'userType'],
  group: ['displayName', 'groupTypes', 'id', 'mailEnabled', 'mailNickname', 'members', 'securityEnabled'],
};

/** `employeeOrgData.department` is a part of `employeeOrgData`. */
function propertyOf(attribute: string): string {
  const dot = attribute.indexOf('.');
  return dot < 0 ? attribute : attribute.slice(0, dot);
}

/** What Graph is asked for so that a read has its attributes, sorted and without duplicates. */
export function selectionFor(
  attributes: ReadRequest['attributes'],
  more: Partial<Selection> = {},
): Selection {
  const build = (kind: EntraKind): readonly string[] => {
    const wanted = attributes[kind].filter((name) => !matchOnly.includes(name)).map(propertyOf);
    return [...new Set([...always[kind], ...wanted, ...(more[kind] ?? [])])].toSorted();
  };
  return { user: build('user'), group: build('group') };
}

export function covers(held: Selection, wanted: Selection): boolean {
  return entraKinds.every((kind) => wanted[kind].every((name) => held[kind].includes(name)));
}

export function union(left: Selection, right: Selection): Selection {
  const both = (kind: EntraKind): readonly string[] =>
    [...new Set([...left[kind], ...right[kind]])].toSorted();
  return { user: both('user'), group: both('group') };
}
