import { isUtf8 } from 'node:buffer';
import { type DnValue, DnScanner } from './scanner.ts';

/** One type and value of an RDN. A Uint8Array is the BER form of the value, as `#…` spells it (RFC 4514 section 2.4). */
export interface RdnPair {
  readonly type: string;
  readonly value: DnValue;
}

export interface Rdn {
  readonly pairs: readonly RdnPair[];
}

/** A distinguished name; its first RDN names the entry, its last one stands nearest to the root. */
export interface Dn {
  readonly rdns: readonly Rdn[];
}

/** Parses a name of RFC 4514 or RFC 2253. @throws LockstepError InvalidDn with the position. */
export function parseDn(text: string): Dn {
  const scanner = new DnScanner(text);
  const rdns: Rdn[] = [];
  if (scanner.done) return { rdns };
  for (;;) {
    const pairs: RdnPair[] = [];
    let separator: '+' | ',' | null;
    do {
      const type = scanner.type();
      pairs.push({ type, value: scanner.value() });
      separator = scanner.separator();
    } while (separator === '+');
    rdns.push({ pairs });
    if (separator === null) return { rdns };
  }
}

export function renderDn(dn: Dn): string {
  return dn.rdns.map(renderRdn).join(',');
}

export function renderRdn(rdn: Rdn): string {
  return rdn.pairs.map(({ type, value }) => `${type}=${renderValue(value)}`).join('+');
}

function renderValue(value: DnValue): string {
  return typeof value === 'string' ? escapeValue(value) : `#${Buffer.from(value).toString('hex')}`;
}

/** A value as it stands in a name (RFC 4514 section 2.4). */
export function escapeValue(value: string): string {
  if (!/["+,;<>\\\p{Cc}]|^[ #]| $/u.test(value)) return value;
  const escaped = value
    .replaceAll(/["+,;<>\\]/g, String.raw`\$&`)
    .replaceAll(/\p{Cc}/gu, (character) =>
      Buffer.from(character)
        .toString('hex')
        .replaceAll(/../g, String.raw`\$&`),
    )
    .replace(/^[ #]/, String.raw`\$&`);
  return value.length > 1 && value.endsWith(' ') ? `${escaped.slice(0, -1)}\\ ` : escaped;
}

export function parentDn(dn: Dn): Dn | null {
  return dn.rdns.length === 0 ? null : { rdns: dn.rdns.slice(1) };
}

/** Number of RDNs. */
export function dnDepth(dn: Dn): number {
  return dn.rdns.length;
}

/** Whether a name is `base` or lies below it. */
export function isWithin(dn: Dn, base: Dn): boolean {
  const offset = dn.rdns.length - base.rdns.length;
  if (offset < 0) return false;
  return base.rdns.every((rdn, index) => normaliseRdn(rdn) === normaliseRdn(dn.rdns[offset + index]!));
}

/**
 * Whether a name ends in a node or is it, by its text alone: sure for normalised DNs; of others those are missed that
 * spell the node differently. The empty node contains everything.
 */
export function isAtOrBelow(dn: string, node: string): boolean {
  if (node === '' || dn === node) return true;
  if (!dn.endsWith(`,${node}`)) return false;
  // The comma may belong to a value: an odd number of backslashes before it escapes it.
  let backslashes = 0;
  for (let index = dn.length - node.length - 2; dn[index] === '\\'; index -= 1) backslashes += 1;
  return backslashes % 2 === 0;
}

const word = String.raw`[\w!$%&'()*./:=?@[\]^\x60{|}~-]+`;
const plainPair = `(?:uid|cn|ou|dc|o|c|l|st|sn|street|mail)=${word}(?: ${word})*`;
/** Names whose normal form is their lower case: plain ASCII, types in short form, no blank that could go. */
const plainDn = new RegExp(`^${plainPair}(?:,${plainPair})*$`, 'i');

/**
 * The key by which names are compared: equal keys, equal names. Types in lower case and short form, values without
 * regard to case, compatibility forms (NFKC) and repeated or outer blanks (as caseIgnoreMatch, RFC 4517 section
 * 4.2.11), pairs of an RDN sorted. Normalising it again changes nothing. @throws LockstepError InvalidDn.
 */
export function normaliseDn(dn: Dn | string): string {
  if (typeof dn === 'string') {
    if (plainDn.test(dn)) return dn.toLowerCase();
    return normaliseDn(parseDn(dn));
  }
  return dn.rdns.map(normaliseRdn).join(',');
}

/** The key by which RDNs are compared. */
export function normaliseRdn(rdn: Rdn): string {
  const pairs = rdn.pairs.map(({ type, value }) => `${normaliseType(type)}=${normaliseValue(value)}`);
  return pairs.length === 1 ? pairs[0]! : pairs.sort().join('+');
}

/** Other names of attribute types (RFC 4519 section 2, RFC 4514 section 3, RFC 4524 section 2), first of those in names. */
const shortTypes = new Map<string, string>(
  Object.entries({
    cn: ['commonname', '2.5.4.3'],
    sn: ['surname', '2.5.4.4'],
    serialnumber: ['2.5.4.5'],
    c: ['countryname', '2.5.4.6'],
    l: ['localityname', '2.5.4.7'],
    st: ['stateorprovincename', '2.5.4.8'],
    street: ['streetaddress', '2.5.4.9'],
    o: ['organizationname', '2.5.4.10'],
    ou: ['organizationalunitname', '2.5.4.11'],
    title: ['2.5.4.12'],
    givenname: ['gn', '2.5.4.42'],
    uid: ['userid', '0.9.2342.19200300.100.1.1'],
    mail: ['rfc822mailbox', '0.9.2342.19200300.100.1.3'],
    dc: ['domaincomponent', '0.9.2342.19200300.100.1.25'],
    email: ['emailaddress', '1.2.840.113549.1.9.1'],
    employeenumber: ['2.16.840.1.113730.3.1.3'],
    facsimiletelephonenumber: ['fax', '2.5.4.23'],
    telephonenumber: ['2.5.4.20'],
    homephone: ['hometelephonenumber', '0.9.2342.19200300.100.1.20'],
    mobile: ['mobiletelephonenumber', '0.9.2342.19200300.100.1.41'],
    pager: ['pagertelephonenumber', '0.9.2342.19200300.100.1.42'],
  }).flatMap(([short, others]) => others.map((other) => [other, short] as const)),
);

/** The one name for an attribute type that has several, in lower case. */
export function normaliseType(type: string): string {
  const lower = type.toLowerCase();
  return shortTypes.get(lower) ?? lower;
}

function normaliseValue(value: DnValue): string {
  if (typeof value === 'string') return escapeValue(foldText(value));
  const text = berText(value);
  return text === undefined ? renderValue(value) : escapeValue(foldText(text));
}

/** A text as caseIgnoreMatch compares it. */
export function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll(/\s+/g, ' ').trim();
}

/** The text of a BER string (OCTET STRING, UTF8String, PrintableString, IA5String) with a short length, if it is one. */
function berText(value: Uint8Array): string | undefined {
  const [tag = 0, length = 0] = value;
  if (![0x04, 0x0c, 0x13, 0x16].includes(tag) || length >= 0x80 || length !== value.length - 2)
    return undefined;
  const octets = value.subarray(2);
  return isUtf8(octets) ? Buffer.from(octets).toString() : undefined;
}
