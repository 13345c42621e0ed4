import { hash } from 'node:crypto';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ExternalObject, RawEntry } from '../../sync/connector.ts';
import { baseName, remembered, sameDescription, type LdapShape } from './config.ts';
import type { Location } from './location.ts';
import { memberAttributes, memberReferences, uidReference } from './members.ts';
import { parseRange } from './protocol/client/ranges.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';

/** The values of attributes that the server hands out in ranges, by attribute type in lower case. */
export type Completed = ReadonlyMap<string, readonly string[]>;

/** What decoding needs besides the entry; one for all entries of a scope. */
export interface Decoding {
  readonly shape: LdapShape;
  /** By kind: what an attribute, spelled as the server does, is good for. */
  readonly uses: Readonly<Record<ObjectKind, (description: string) => AttributeUse>>;
  readonly memberships: boolean;
  readonly locate: (dn: string) => Location;
}

/** What becomes of the values of an attribute. */
export interface AttributeUse {
  /** The spellings that a mapping asked for. */
  readonly wantedAs: readonly string[];
  readonly isUid: boolean;
  readonly isMember: boolean;
  readonly isAccountState: boolean;
  /** The server sent some of its values only. */
  readonly isPart: boolean;
}

/** Tells the use of an attribute; `wanted` is by `sameDescription`. */
export function attributeUse(
  shape: LdapShape,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): (description: string) => AttributeUse {
  const state = shape.disabled?.attribute.toLowerCase();
  return remembered((description) => {
    const lower = description.toLowerCase();
    return {
      wantedAs: [...(wanted.get(sameDescription(description)) ?? [])],
      isUid: lower === 'uid',
      isMember: (memberAttributes as readonly string[]).includes(lower),
      isAccountState: lower === state,
      isPart: parseRange(lower) !== undefined,
    };
  });
}

/** One entry of the directory, undecoded. */
export class LdapEntry implements RawEntry {
  readonly kind: ObjectKind;
  readonly scope: number;
  readonly externalId: string;
  readonly fingerprint: string;
  readonly #entry: RawSearchEntry;
  readonly #decoding: Decoding;
  readonly #completed: Completed | undefined;

  constructor(
    known: { readonly kind: ObjectKind; readonly scope: number; readonly externalId: string },
    entry: RawSearchEntry,
    decoding: Decoding,
    completed: Completed | undefined,
  ) {
    this.kind = known.kind;
    this.scope = known.scope;
    this.externalId = known.externalId;
    this.fingerprint = fingerprint(entry, completed);
    this.#entry = entry;
    this.#decoding = decoding;
    this.#completed = completed;
  }

  decode(): ExternalObject {
    return decodeEntry(this.kind, this.#entry, this.#decoding, this.#completed);
  }
}

/** Half of SHA-256 over the entry as it came, and over what was fetched of it afterwards. */
function fingerprint(entry: RawSearchEntry, completed: Completed | undefined): string {
  const whole = hash('sha256', entry.bytes, 'hex');
  if (completed === undefined) return whole.slice(0, 32);
  return hash('sha256', whole + JSON.stringify([...completed]), 'hex').slice(0, 32);
}

function decodeEntry(
  kind: ObjectKind,
  entry: RawSearchEntry,
  { shape, uses, memberships, locate }: Decoding,
  completed: Completed | undefined,
): ExternalObject {
  const { dn, attributes: received } = entry.decode(shape.isBinary);
  const { reference, name, parents } = locate(dn);
  const attributes: Record<string, AttributeValue[]> = {};
  const members: [string, AttributeValue[]][] = [];
  let uid: AttributeValue | undefined;
  let enabled = shape.disabled === undefined ? undefined : true;
  for (const [receivedName, receivedValues] of received) {
    const [description, values] = whole(receivedName, receivedValues, completed);
    if (values.length === 0) continue;
    const use = uses[kind](description);
    if (use.isPart) throw partly(dn, description);
    for (const name of use.wantedAs) attributes[name] = values;
    if (use.isUid) uid = values[0];
    if (use.isMember) members.push([description, values]);
    if (use.isAccountState && isDisabling(shape, values)) enabled = false;
  }
  return {
    reference,
    location: dn,
    name,
    parents,
    attributes,
    ...(kind === 'user' && typeof uid === 'string' && { alias: uidReference(uid) }),
    ...(kind === 'group' &&
      memberships && { members: memberReferences(members, reference, shape.placeholderMember) }),
    ...(kind === 'user' && enabled !== undefined && { enabled }),
  };
}

/** An attribute under its own name with all its values, also where the server sent a range of them. */
function whole(
  name: string,
  values: AttributeValue[],
  completed: Completed | undefined,
): [string, AttributeValue[]] {
  if (completed === undefined) return [name, values];
  const all = completed.get(baseName(name));
  return all === undefined ? [name, values] : [baseName(name), [...all]];
}

function partly(dn: string, description: string): LockstepError {
  return new LockstepError('ProtocolError', `"${dn}": of ${description} the rest was not read`);
}

function isDisabling(shape: LdapShape, values: readonly AttributeValue[]): boolean {
  const wanted = shape.disabled?.value.toLowerCase();
  return values.some((value) => typeof value === 'string' && value.toLowerCase() === wanted);
}
