import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { LdapShape } from './config.ts';

/** The next class above each, in lower case: servers match a class by its subclasses and need not list it in the entry. */
const superiors: Readonly<Record<string, string>> = {
  inetorgperson: 'organizationalperson',
  organizationalperson: 'person',
  residentialperson: 'person',
  user: 'organizationalperson',
};

/** Classes of which an entry has exactly one chain, fixed when it is made (RFC 4512 section 2.4.2). */
const structural = new Set([
  'account',
  'container',
  'group',
  'groupofmembers',
  'groupofnames',
  'groupofuniquenames',
  'inetorgperson',
  'organization',
  'organizationalperson',
  'organizationalunit',
  'person',
  'posixgroup',
  'residentialperson',
  'top',
  'user',
]);

/** When one entry is of several kinds, the first of these counts. */
const kindOrder: readonly ObjectKind[] = ['user', 'group', 'organizationalUnit'];

/** What is worked out for a combination of classes, of which a directory has few; one that has many is not remembered. */
class Combinations<T> {
  readonly #known = new Map<string, T>();

  get(classes: readonly string[], workOut: () => T): T {
    // Values that are text hold no NUL.
    const key = classes.join('\0');
    const known = this.#known.get(key);
    if (known !== undefined || this.#known.has(key)) return known as T;
    const result = workOut();
    if (this.#known.size < 1000 && key.length < 1000) this.#known.set(key, result);
    return result;
  }
}

/** Tells kinds by object classes. */
export function makeClassifier(shape: LdapShape): (classes: readonly string[]) => ObjectKind | undefined {
  const wanted = kindOrder.map(
    (kind) => [kind, new Set(shape.kinds[kind].readClasses.map((name) => name.toLowerCase()))] as const,
  );
  const known = new Combinations<ObjectKind | undefined>();
  return (classes) =>
    known.get(classes, () => {
      const all = withSuperiors(classes);
      return wanted.find(([, names]) => all.some((name) => names.has(name)))?.[0];
    });
}

const superiorsKnown = new Combinations<readonly string[]>();

/** The classes and those that they derive from, in lower case. */
export function withSuperiors(classes: readonly string[]): readonly string[] {
  return superiorsKnown.get(classes, () => deriveSuperiors(classes));
}

function deriveSuperiors(classes: readonly string[]): string[] {
  const all = new Set<string>();
  for (const name of classes) {
    for (let at: string | undefined = name.toLowerCase(); at !== undefined; at = superiors[at]) all.add(at);
  }
  return [...all];
}

/**
 * The object classes that an entry shall have: those that it has, spelled as they are, and the written ones.
 * An entry that exists gets auxiliary classes only, since its structural class cannot change.
 */
export function unionClasses(existing: readonly string[], written: readonly string[]): string[] {
  const have = new Set(withSuperiors(existing));
  const lacking = written.filter((name) => !have.has(name.toLowerCase()));
  if (existing.length === 0) return lacking;
  return [...existing, ...lacking.filter((name) => isAuxiliary(name, written))];
}

/** posixGroup is structural in RFC 2307 and auxiliary in its successor: beside another group class it can only be the latter. */
function isAuxiliary(name: string, written: readonly string[]): boolean {
  const lower = name.toLowerCase();
  if (lower === 'posixgroup')
    return written.some((other) => structural.has(other.toLowerCase()) && !/^(posixgroup|top)$/i.test(other));
  return !structural.has(lower);
}

export interface MemberShape {
  /** The attribute that holds members. */
  readonly attribute: 'member' | 'uniqueMember' | 'memberUid';
  /** Whether the class demands at least one value (RFC 4519 sections 3.5 and 3.6). */
  readonly demandsMember: boolean;
}

/** Where a group with these classes keeps its members. */
export function memberShape(classes: readonly string[]): MemberShape {
  const names = new Set(classes.map((name) => name.toLowerCase()));
  if (names.has('groupofnames')) return { attribute: 'member', demandsMember: true };
  if (names.has('groupofuniquenames')) return { attribute: 'uniqueMember', demandsMember: true };
  if (names.has('posixgroup') && !names.has('groupofmembers') && !names.has('group')) {
    return { attribute: 'memberUid', demandsMember: false };
  }
  return { attribute: 'member', demandsMember: false };
}
