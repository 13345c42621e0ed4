import { objectKinds, type ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { ReadRequest } from '../../sync/connector.ts';
import type { LdapShape } from './config.ts';
import { namesByDn } from './externalId.ts';
import { and, equality, or, parseFilter, type Filter } from './protocol/filter/filter.ts';

/**
 * One filter for all kinds. A scope's own filter limits users and groups; organizational units are always read, since
 * hiding one would cut off the matching entries beneath it.
 * @throws LockstepError InvalidFilter
 */
export function searchFilter(shape: LdapShape, scopeFilter: string | undefined): Filter {
  const { user, group, organizationalUnit } = shape.kinds;
  const people = anyClass([...user.readClasses, ...group.readClasses]);
  const units = anyClass(organizationalUnit.readClasses);
  if (scopeFilter === undefined) return or(...people, ...units);
  return or(and(or(...people), parseFilter(scopeFilter)), ...units);
}

function anyClass(classes: readonly string[]): Filter[] {
  return [...new Set(classes)].map((name) => equality('objectClass', name));
}

/** Everything that is asked for, each name once whatever its case; operational attributes come only when named (RFC 4511 section 4.5.1.8). */
export function requestedAttributes(shape: LdapShape, request: ReadRequest): string[] {
  const names = [
    'objectClass',
    ...(namesByDn(shape) ? [] : [shape.externalIdAttribute]),
    'uid',
    ...objectKinds.flatMap((kind) => request.attributes[kind]),
    ...(request.memberships ? ['member', 'uniqueMember', 'memberUid'] : []),
    ...(shape.disabled === undefined ? [] : [shape.disabled.attribute]),
  ];
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()];
}

/**
 * For each kind the attributes that are handed on: description in lower case to the spelling that was asked for, so
 * that a mapping finds them however the server spells them. RFC 4522: a certificate comes with `;binary` also when it
 * was asked for without.
 */
export function wantedAttributes(request: ReadRequest): Record<ObjectKind, ReadonlyMap<string, string>> {
  const wanted = (kind: ObjectKind): ReadonlyMap<string, string> => {
    const names = new Map<string, string>([['objectclass', 'objectClass']]);
    for (const name of request.attributes[kind]) {
      const lower = name.toLowerCase();
      if (!lower.includes(';')) names.set(`${lower};binary`, name);
      names.set(lower, name);
    }
    return names;
  };
  return {
    user: wanted('user'),
    organizationalUnit: wanted('organizationalUnit'),
    group: wanted('group'),
  };
}
