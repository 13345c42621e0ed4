import { base32, base32hex } from '../../../kernel/ids.ts';

/**
 * Native ids as UUIDs, and back: what follows an id's prefix are 128 bits in base32, a UUID is the same in hexadecimal.
 * A job's id has 200 bits; its UUID is the first 128 of them, of which 80 are random. A link has no id: its UUID is
 * that of the object it ties, XOR the serial number of the sync.
 */
/** Characters of base32 that hold 128 bits, with two bits to spare. */
const characters = 26;
const spareBits = 2n;
const uuidForm = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

function decode(text: string, alphabet: string): bigint {
  let value = 0n;
  for (const character of text) value = (value << 5n) | BigInt(Math.max(alphabet.indexOf(character), 0));
  return value;
}

function encode(value: bigint, alphabet: string): string {
  let text = '';
  for (let index = 0, rest = value; index < characters; index += 1, rest >>= 5n) {
    text = `${alphabet[Number(rest & 31n)] ?? ''}${text}`;
  }
  return text;
}

function renderUuid(value: bigint): string {
  const hex = value.toString(16).padStart(32, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A UUID in lower case and with its hyphens; undefined for any other text. */
export function parseUuid(text: string): string | undefined {
  return uuidForm.test(text) ? renderUuid(BigInt(`0x${text.replaceAll('-', '')}`)) : undefined;
}

function valueOf(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`);
}

/** `group_...` and the like. */
export function uuidOfId(id: string): string {
  return renderUuid(decode(id.slice(id.indexOf('_') + 1), base32) >> spareBits);
}

/** @param prefix `group`; @param uuid as parseUuid gives it. */
export function idOfUuid(prefix: string, uuid: string): string {
  return `${prefix}_${encode(valueOf(uuid) << spareBits, base32)}`;
}

export function uuidOfJob(id: string): string {
  return renderUuid(decode(id.slice(5, 5 + characters), base32hex) >> spareBits);
}

/** The least and the greatest id that a job with this UUID can have. */
export function jobIdsOfUuid(uuid: string): { readonly from: string; readonly through: string } {
  const least = valueOf(uuid) << spareBits;
  return {
    from: `sync_${encode(least, base32hex)}`,
    through: `sync_${encode(least + 3n, base32hex)}${'v'.repeat(40 - characters)}`,
  };
}

export function uuidOfLink(syncSerial: number, objectId: string): string {
  return renderUuid(valueOf(uuidOfId(objectId)) ^ BigInt(syncSerial));
}

/** The object that a link's UUID means if it is a link of this sync. */
export function objectOfLink(prefix: string, uuid: string, syncSerial: number): string {
  return idOfUuid(prefix, renderUuid(valueOf(uuid) ^ BigInt(syncSerial)));
}
