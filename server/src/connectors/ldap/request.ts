import { objectKinds, type ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { ReadRequest } from '../../sync/connector.ts';
import { sameDescription, type LdapShape } from './config.ts';
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
 * For each kind the attributes that are handed on: description (see `sameDescription`) to the spellings that were asked
 * for, so that a mapping finds them however the server spells and names them (`sn` where `surname` was asked for).
 * RFC 4522: a certificate comes with `;binary` also when it was asked for without.
 */
export function wantedAttributes(
  request: ReadRequest,
): Record<ObjectKind, ReadonlyMap<string, ReadonlySet<string>>> {
  const wanted = (kind: ObjectKind): ReadonlyMap<string, ReadonlySet<string>> => {
    const names = new Map<string, Set<string>>([['objectclass', new Set(['objectClass'])]]);
    const add = (description: string, name: string): void => {
      const spellings = names.get(description);
      if (spellings === undefined) names.set(description, new Set([name]));
      else spellings.add(name);
    };
    for (const name of request.attributes[kind]) {
      const description = sameDescription(name);
      add(description, name);
      if (!description.includes(';')) add(`${description};binary`, name);
    }
    return names;
  };
  return {
    user: wanted('user'),
    organizationalUnit: wanted('organizationalUnit'),
    group: wanted('group'),
  };
}
