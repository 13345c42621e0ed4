import { randomBytes } from 'node:crypto';

/** Of ids, in the order of its characters: so that ids sort by the time at which they were made. */
export const base32 = '234567abcdefghijklmnopqrstuvwxyz';
/** Of ids of jobs (RFC 4648 section 7, in lower case). */
export const base32hex = '0123456789abcdefghijklmnopqrstuv';

/** Prefix of each resource's id: the type of a thing can be read off its id. */
export const idPrefixes = {
  tenant: 'idaas',
  account: 'acct',
  token: 'tok',
  connection: 'idp',
  sync: 'syn',
  user: 'user',
  organizationalUnit: 'ou',
  group: 'group',
  customField: 'ufd',
  application: 'app',
  zone: 'zone',
  authorization: 'authz',
  actionBatch: 'batch',
  oauthClient: 'oauth',
  oauthGrant: 'grant',
  propertyMapping: 'pmap',
  record: 'rec',
  signingKey: 'key',
} as const;
export type IdType = keyof typeof idPrefixes;

function encode(bytes: Uint8Array, alphabet: string, length: number): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += alphabet[(buffer >> bits) & 31];
    }
  }
  if (text.length < length) text += alphabet[(buffer << (5 - bits)) & 31];
  return text;
}

let pool = randomBytes(4096);
let used = 0;
function takeRandom(target: Uint8Array, offset: number, length: number): void {
  if (used + length > pool.length) {
    pool = randomBytes(4096);
    used = 0;
  }
  target.set(pool.subarray(used, used + length), offset);
  used += length;
}

function timeStamp(now: number): Uint8Array {
  const bytes = new Uint8Array(6);
  let time = now;
  for (let index = 5; index >= 0; index -= 1) {
    bytes[index] = time % 256;
    time = Math.floor(time / 256);
  }
  return bytes;
}

let lastMoment = -1;
let place = 0;

/** Counts on within a millisecond, from a random beginning: what one process makes sorts in the order of its making. */
function placeWithin(now: number): number {
  place = now === lastMoment ? (place + 1) & 0xffff : Math.floor(Math.random() * 0x8000);
  lastMoment = now;
  return place;
}

function stamped(length: number, now: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(timeStamp(now));
  const counted = placeWithin(now);
  bytes[6] = counted >> 8;
  bytes[7] = counted & 0xff;
  takeRandom(bytes, 8, length - 8);
  return bytes;
}

/**
 * A new id: type prefix and 26 characters of lowercase base32 over 48 bits of time, 16 that count on and 64 random ones,
 * so that ids made together lie together in an index.
 */
export function newId(type: IdType, now: number = Date.now()): string {
  return `${idPrefixes[type]}_${encode(stamped(16, now), base32, 26)}`;
}

/** Whether a text has the shape of an id of this type. */
export function isId(type: IdType, text: string): boolean {
  const prefix = `${idPrefixes[type]}_`;
  return text.startsWith(prefix) && /^[2-7a-z]{26}$/.test(text.slice(prefix.length));
}

/** A new job id: `sync_` and 40 characters of lowercase base32hex that begin with the time, so that ids sort by it. */
export function newJobId(now: number = Date.now()): string {
  return `sync_${encode(stamped(25, now), base32hex, 40)}`;
}

/** Whether a text has the shape of a job's id. */
export function isJobId(text: string): boolean {
  return /^sync_[0-9a-v]{40}$/.test(text);
}

/** What the ids of jobs of a moment (milliseconds since 1970) begin with, and are not less than; none is older than 1970. */
export function firstJobId(at: number): string {
  return `sync_${encode(timeStamp(Math.max(at, 0)), base32hex, 9)}`;
}

/** A new id of a test of a connection: `async_` and 40 characters that begin with the time, like a job's. */
export function newConnectionCheckId(now: number = Date.now()): string {
  return `async_${encode(stamped(25, now), base32hex, 40)}`;
}
