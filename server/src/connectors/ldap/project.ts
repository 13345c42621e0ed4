import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../../directory/attributes.ts';
import { correspondences, withoutEmpty } from '../../directory/inet-org-person.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ExternalObject, Projected } from '../../sync/connector.ts';
import { sameDescription, type LdapShape } from './config.ts';
import { sameName } from './location.ts';
import { unionClasses, withSuperiors } from './objectClasses.ts';
import { parseDn, renderRdn, type RdnPair } from '../../directory/dn/dn.ts';
import { asRead, asSpelled, distinctValues } from './values.ts';

type Draft = Record<string, readonly AttributeValue[]>;

/** Attributes that a class demands (RFC 4519, RFC 2307), where Lockstep can find a value when none is mapped. */
const fallbacks: Readonly<
  Record<string, { readonly classes: readonly string[]; find(draft: Draft): string | undefined }>
> = {
  cn: {
    classes: ['person', 'posixaccount'],
    find: (draft) => text(draft, 'displayName') ?? text(draft, 'uid') ?? text(draft, 'sn'),
  },
  sn: { classes: ['person'], find: (draft) => lastWord(text(draft, 'cn') ?? text(draft, 'uid')) },
  homeDirectory: {
    classes: ['posixaccount'],
    find: (draft) => {
      const uid = text(draft, 'uid');
      return uid === undefined ? undefined : `/home/${uid}`;
    },
  },
};

/** Attributes that a class demands and nobody can make up. */
const demanded: readonly (readonly [objectClass: string, attribute: string])[] = [
  ['posixaccount', 'uid'],
  ['posixaccount', 'uidNumber'],
  ['posixaccount', 'gidNumber'],
  ['account', 'uid'],
  ['posixgroup', 'gidNumber'],
];

/**
 * Fits mapped attributes to an entry: object classes, values that these demand, and the RDN. A bound entry keeps the
 * attribute types of its RDN, and their values as long as they are still among the wanted ones.
 * @throws LockstepError RequiredValueMissing
 */
export function projectEntry(
  shape: LdapShape,
  kind: ObjectKind,
  attributes: Attributes,
  existing: ExternalObject | null,
): Projected {
  const draft: Draft = {};
  for (const [name, values] of Object.entries(withoutEmpty(attributes)))
    draft[name] = fit(name, values, existing);
  if (kind === 'user' && shape.disabled !== undefined) keepState(draft, existing, shape.disabled.attribute);
  const { writeClasses, rdnAttribute } = shape.kinds[kind];
  const had = texts(existing?.attributes['objectClass']);
  const classes = unionClasses(had, [...writeClasses, ...texts(draft['objectClass'])]);
  if (kind === 'group' && existing !== null) dropUnheld(draft, existing, classes);
  addFallbacks(draft, existing, classes);
  checkDemanded(draft, existing, had, classes);
  const name =
    existing === null ? newRdn(draft, rdnAttribute) : keptRdn(draft, existing.name, existing.attributes);
  return { name, attributes: { ...draft, objectClass: classes } };
}

/** Values as the server takes and keeps them. */
function fit(
  name: string,
  values: readonly AttributeValue[],
  existing: ExternalObject | null,
): readonly AttributeValue[] {
  const there = existing === null ? undefined : existing.attributes[name];
  const distinct = distinctValues(name, values);
  return there === undefined ? distinct : asSpelled(name, asRead(distinct, there), there);
}

/** The account's state is written by disable and enable alone, also where a mapping names its attribute. */
function keepState(draft: Draft, existing: ExternalObject | null, attribute: string): void {
  const mapped = find(draft, attribute);
  if (mapped !== undefined) delete draft[mapped];
  const there = existing === null ? undefined : find(existing.attributes, attribute);
  if (existing !== null && there !== undefined) draft[there] = existing.attributes[there] ?? [];
}

const classesWithoutPosix = new Set(['top', 'groupofnames', 'groupofuniquenames']);

/**
 * A group keeps its structural class: what that cannot hold would fail all else that changes. What is there it can, and
 * of classes of other schemas nothing is known.
 */
function dropUnheld(draft: Draft, existing: ExternalObject, classes: readonly string[]): void {
  const names = classes.map((name) => name.toLowerCase());
  const isPosix = names.includes('posixgroup');
  const isPosixAlone = isPosix && names.every((name) => name === 'posixgroup' || name === 'top');
  for (const { ldap, classes: holders } of correspondences.group) {
    if (holders === undefined || find(existing.attributes, ldap) !== undefined) continue;
    const isHeld = holders.includes('posixgroup')
      ? isPosix || names.some((each) => !classesWithoutPosix.has(each))
      : !isPosixAlone;
    const name = find(draft, ldap);
    if (!isHeld && name !== undefined) delete draft[name];
  }
}

/** What an entry already has without its being mapped is left alone: it was not read, and its class sees to it. */
function isLacking(
  draft: Draft,
  existing: ExternalObject | null,
  had: readonly string[],
  objectClass: string,
  name: string,
): boolean {
  if (find(draft, name) !== undefined) return false;
  const demandedBefore = withSuperiors(had).includes(objectClass);
  return existing === null || !demandedBefore || find(existing.attributes, name) !== undefined;
}

function addFallbacks(draft: Draft, existing: ExternalObject | null, classes: readonly string[]): void {
  const had = texts(existing?.attributes['objectClass']);
  const all = withSuperiors(classes);
  for (const [name, rule] of Object.entries(fallbacks)) {
    const objectClass = rule.classes.find((candidate) => all.includes(candidate));
    if (objectClass === undefined || !isLacking(draft, existing, had, objectClass, name)) continue;
    const value = rule.find(draft);
    if (value === undefined) throw missing(name, objectClass);
    draft[name] = [value];
  }
}

function checkDemanded(
  draft: Draft,
  existing: ExternalObject | null,
  had: readonly string[],
  classes: readonly string[],
): void {
  const all = withSuperiors(classes);
  for (const [objectClass, name] of demanded) {
    if (all.includes(objectClass) && isLacking(draft, existing, had, objectClass, name)) {
      throw missing(name, objectClass);
    }
  }
}

function missing(name: string, objectClass: string): LockstepError {
  return new LockstepError(
    'RequiredValueMissing',
    `no value for ${name}, which the object class ${objectClass} demands`,
    {
      field: name,
      remedy: `Map a value to ${name}, or leave ${objectClass} out of writeObjectClasses.`,
    },
  );
}

function newRdn(draft: Draft, attribute: string): string {
  const value = text(draft, attribute);
  if (value === undefined) {
    throw new LockstepError('RequiredValueMissing', `no value for ${attribute}, which names the entry`, {
      field: attribute,
      remedy: `Map a value to ${attribute}, or choose another rdnAttribute.`,
    });
  }
  return renderRdn({ pairs: [{ type: attribute, value }] });
}

/** The RDN of an entry that exists, with new values where the old ones are no longer wanted (RFC 4511 section 4.9). */
function keptRdn(draft: Draft, name: string, before: Attributes): string {
  const old = parseDn(name).rdns[0];
  if (old === undefined) return name;
  const pairs = old.pairs.map((pair) => ({ type: pair.type, value: keptValue(draft, pair, before) }));
  const rendered = renderRdn({ pairs });
  return sameName(rendered, name) ? name : rendered;
}

function keptValue(draft: Draft, pair: RdnPair, before: Attributes): RdnPair['value'] {
  const key = find(draft, pair.type);
  const wanted = key === undefined ? [] : (draft[key] ?? []);
  // A value in hexadecimal is its BER form, which is no attribute value: such a name stays.
  if (typeof pair.value !== 'string') return pair.value;
  if (wanted.some((value) => sameRdnValue(pair.type, value, pair.value))) return pair.value;
  const first = wanted.find((value) => typeof value === 'string' && value.trim() !== '');
  if (first !== undefined) return first;
  // Not wanted but it names the entry, so it cannot go; where it is not mapped at all it is not ours to write.
  const managed = find(before, pair.type);
  if (managed !== undefined) draft[managed] = [pair.value];
  return pair.value;
}

function sameRdnValue(type: string, left: AttributeValue, right: AttributeValue): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  const render = (value: string): string => renderRdn({ pairs: [{ type, value }] });
  return left === right || sameName(render(left), render(right));
}

/** The key of an attribute, whatever its case, and whichever of the names of its type it is. */
function find(attributes: Attributes, name: string): string | undefined {
  if (Object.hasOwn(attributes, name)) return name;
  const wanted = sameDescription(name);
  return Object.keys(attributes).find((key) => sameDescription(key) === wanted);
}

function text(draft: Draft, name: string): string | undefined {
  const key = find(draft, name);
  const value = key === undefined ? undefined : draft[key]?.[0];
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

function texts(values: readonly AttributeValue[] | undefined): string[] {
  return (values ?? []).filter((value) => typeof value === 'string');
}

function lastWord(words: string | undefined): string | undefined {
  return words?.trim().split(/\s+/).at(-1);
}
