import { hash } from 'node:crypto';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue } from '../../directory/attributes.ts';
import type { ExternalObject, RawEntry } from '../../sync/connector.ts';
import { baseName, type LdapShape } from './config.ts';
import type { Location } from './location.ts';
import { memberAttributes, memberReferences, uidReference } from './members.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';

/** The values of attributes that the server hands out in ranges, by attribute type in lower case. */
export type Completed = ReadonlyMap<string, readonly string[]>;

/** What decoding needs besides the entry; one for all entries of a scope. */
export interface Decoding {
  readonly shape: LdapShape;
  /** By kind: attribute description in lower case to the spelling that was asked for. */
  readonly wanted: Readonly<Record<ObjectKind, ReadonlyMap<string, string>>>;
  readonly memberships: boolean;
  readonly locate: (dn: string) => Location;
}

/** One entry of the directory, undecoded. */
export class LdapEntry implements RawEntry {
  readonly kind: ObjectKind;
  readonly scope: number;
  readonly externalId: string;
  readonly fingerprint: Uint8Array;
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

/** 16 bytes of SHA-256 over the entry as it came, and over what was fetched of it afterwards. */
function fingerprint(entry: RawSearchEntry, completed: Completed | undefined): Uint8Array {
  const whole = hash('sha256', entry.bytes, 'buffer');
  if (completed === undefined) return whole.subarray(0, 16);
  return hash('sha256', whole.toString('hex') + JSON.stringify([...completed]), 'buffer').subarray(0, 16);
}

function decodeEntry(
  kind: ObjectKind,
  entry: RawSearchEntry,
  { shape, wanted, memberships, locate }: Decoding,
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
    const lower = description.toLowerCase();
    const spelled = wanted[kind].get(lower);
    if (spelled !== undefined) attributes[spelled] = values;
    if (lower === 'uid') uid = values[0];
    if (isMemberAttribute(lower)) members.push([lower, values]);
    if (isDisabling(shape, lower, values)) enabled = false;
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

function isMemberAttribute(lower: string): boolean {
  return (memberAttributes as readonly string[]).includes(lower);
}

function isDisabling(shape: LdapShape, lower: string, values: readonly AttributeValue[]): boolean {
  if (shape.disabled === undefined || lower !== shape.disabled.attribute.toLowerCase()) return false;
  const wanted = shape.disabled.value.toLowerCase();
  return values.some((value) => typeof value === 'string' && value.toLowerCase() === wanted);
}
