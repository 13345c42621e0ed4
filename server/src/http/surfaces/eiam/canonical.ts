import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Pair } from './wire.ts';

/** RFC 3986 section 2.3: all but unreserved characters are encoded. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Sorted by name and encoded: the clients' wire form leaves some characters bare, so it is never compared itself. */
export function canonicalPairs(pairs: readonly Pair[]): string {
  return pairs
    .toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&');
}

/** Lowercase hexadecimal SHA-256. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export function hmacSha256Hex(key: string, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('hex');
}

export function hmacSha1Base64(key: string, text: string): string {
  return createHmac('sha1', key).update(text, 'utf8').digest('base64');
}

/** Compares without telling by its time where two texts differ. */
export function equalTexts(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left, 'utf8'), Buffer.from(right, 'utf8')];
  return one.length === other.length && timingSafeEqual(one, other);
}
