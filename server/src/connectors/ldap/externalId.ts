import { hash } from 'node:crypto';
import { LockstepError } from '../../kernel/errors.ts';
import { baseName, type LdapShape } from './config.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';

const longest = 1000;

/**
 * The stable id of an entry: the value of the configured attribute as text (an objectGUID in its usual notation,
 * [MS-DTYP] section 2.3.4.3), and where the server gives none the normalised DN.
 */
export function externalIdOf(entry: RawSearchEntry, shape: LdapShape, reference: () => string): string {
  return findId(entry, shape) || dnAsId(reference());
}

/** The value of the id attribute as text; undefined where the entry has none, or where DNs are the ids. */
export function findId(entry: RawSearchEntry, shape: LdapShape): string | undefined {
  const attribute = shape.externalIdAttribute;
  if (!shape.isBinary(attribute)) return entry.peek(attribute);
  const bytes = entry.peekBytes(attribute);
  if (bytes === undefined) return undefined;
  return isGuid(attribute, bytes) ? renderGuid(bytes) : bytes.toString('hex');
}

/** Whether the connection says that the entries of this server have no id but their DN. */
export function namesByDn(shape: LdapShape): boolean {
  return shape.externalIdAttribute.toLowerCase() === 'dn';
}

/** A DN of more than 1,000 characters is told by its hash: it can then be compared but not looked up. */
export function dnAsId(reference: string): string {
  return reference.length <= longest ? reference : `dn=sha256:${hash('sha256', reference)}`;
}

/** Whether the id is the value of the external-id attribute, so that the entry can be looked up by it. */
export function isLookupId(externalId: string): boolean {
  return !externalId.includes('=');
}

/** The value of the external-id attribute that stands for this id in a filter. */
export function externalIdValue(externalId: string, shape: LdapShape): string | Uint8Array {
  const attribute = shape.externalIdAttribute;
  if (!shape.isBinary(attribute)) return externalId;
  const bytes = Buffer.from(externalId.replaceAll('-', ''), 'hex');
  if (bytes.length === 0) throw new LockstepError('Internal', `"${externalId}" is no value of ${attribute}`);
  return isGuid(attribute, bytes) ? swapGuid(bytes) : bytes;
}

function isGuid(attribute: string, bytes: Uint8Array): boolean {
  return baseName(attribute) === 'objectguid' && bytes.length === 16;
}

function renderGuid(bytes: Buffer): string {
  const hex = swapGuid(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The first three fields are little-endian on the wire. */
function swapGuid(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}
