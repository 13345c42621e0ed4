import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../../../directory/attributes.ts';
import { namingAttributes, withoutEmpty, writeObjectClasses } from '../../../directory/inet-org-person.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { ExternalObject, Projected } from '../../../sync/connector.ts';
import { parseDn, renderRdn, type Rdn } from '../../../directory/dn/dn.ts';
import { findKey } from '../workspace/rdn.ts';

/** RFC 2307: only together do they make a posixAccount. */
const posixRequired = ['uid', 'uidNumber', 'gidNumber', 'homeDirectory'];
const posixOnly = ['uidNumber', 'gidNumber', 'homeDirectory', 'loginShell', 'gecos'];

/**
 * Fits mapped attributes to an LDIF entry that an LDAP server takes: object classes, cn and sn of a person, the RDN.
 * Attributes that no class of the entry provides for are left out.
 * @throws LockstepError RequiredValueMissing.
 */
export function projectLdif(
  kind: ObjectKind,
  mapped: Attributes,
  existing: ExternalObject | null,
): Projected {
  const classes = classesOf(existing);
  const attributes = withoutEmpty(mapped);
  if (kind === 'user') demandPersonNames(attributes, existing);
  const posix =
    kind === 'user' ? fitPosixAccount(attributes, classes) : fitPosixGroup(attributes, kind, classes);
  const wanted = existing === null || classes.size === 0 ? writeObjectClasses[kind] : [];
  attributes['objectClass'] = mergeClasses(existing, [...wanted, ...posix]);
  return { name: rdnOf(kind, attributes, existing), attributes };
}

function classesOf(existing: ExternalObject | null): Set<string> {
  return new Set(
    valuesOf(existing?.attributes ?? {}, 'objectClass').map((value) => String(value).toLowerCase()),
  );
}

function valuesOf(attributes: Attributes, name: string): readonly AttributeValue[] {
  return attributes[findKey(attributes, name) ?? name] ?? [];
}

/** Existing classes stay as they are spelled; what is missing is added. */
function mergeClasses(existing: ExternalObject | null, wanted: readonly string[]): readonly AttributeValue[] {
  const present = valuesOf(existing?.attributes ?? {}, 'objectClass');
  const known = classesOf(existing);
  return [...present, ...wanted.filter((name) => !known.has(name.toLowerCase()))];
}

/** RFC 4519 section 3.12: a person has a cn and an sn; the nearest thing to them stands in. */
function demandPersonNames(attributes: Attributes, existing: ExternalObject | null): void {
  const uid = valuesOf(attributes, 'uid');
  for (const name of ['cn', 'sn']) {
    if (findKey(attributes, name) !== undefined) continue;
    const standIn = [valuesOf(attributes, 'cn'), valuesOf(attributes, 'displayName'), uid].find(
      (values) => values.length > 0,
    );
    if (standIn !== undefined) attributes[name] = standIn;
    else if (existing === null) throw missing(name);
  }
}

function missing(name: string): LockstepError {
  return new LockstepError('RequiredValueMissing', `no value for ${name}`, {
    field: name,
    remedy: `Map a value to ${name}.`,
  });
}

function fitPosixAccount(attributes: Attributes, classes: ReadonlySet<string>): string[] {
  if (classes.has('posixaccount')) return [];
  if (posixRequired.every((name) => findKey(attributes, name) !== undefined)) return ['posixAccount'];
  drop(attributes, posixOnly);
  return [];
}

/** gidNumber belongs to posixGroup, which groupOfNames cannot be at the same time (RFC 2307 section 4). */
function fitPosixGroup(attributes: Attributes, kind: ObjectKind, classes: ReadonlySet<string>): string[] {
  if (kind === 'group' && !classes.has('posixgroup')) drop(attributes, ['gidNumber']);
  if (kind === 'organizationalUnit') return [];
  if (classes.has('posixgroup')) drop(attributes, ['businessCategory', 'o', 'ou']);
  return [];
}

function drop(attributes: Attributes, names: readonly string[]): void {
  for (const name of names) {
    const key = findKey(attributes, name);
    if (key !== undefined) delete attributes[key];
  }
}

/** An entry keeps its RDN as long as that still says the truth; else one of the same attribute, else the usual one. */
function rdnOf(kind: ObjectKind, attributes: Attributes, existing: ExternalObject | null): string {
  const current = existing === null ? undefined : parseDn(existing.name).rdns[0];
  if (existing !== null && current !== undefined && isTrue(current, attributes)) return existing.name;
  const types = [
    ...(current?.pairs.length === 1 ? current.pairs.map((pair) => pair.type) : []),
    namingAttributes[kind],
    'cn',
  ];
  for (const type of types) {
    const value = valuesOf(attributes, type).find(
      (candidate) => typeof candidate === 'string' && candidate.trim() !== '',
    );
    if (value !== undefined) return renderRdn({ pairs: [{ type, value }] });
  }
  throw missing(namingAttributes[kind]);
}

/** Exact apart from case: a name that is spelled anew in the directory is a rename in the file as well. */
function isTrue(rdn: Rdn, attributes: Attributes): boolean {
  return rdn.pairs.every(({ type, value }) => valuesOf(attributes, type).includes(value));
}
