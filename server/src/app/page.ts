import type { Page } from '@lockstep/contract/page.ts';
import { LockstepError } from '../kernel/errors.ts';
import { isId, isJobId, type IdType } from '../kernel/ids.ts';
import { isStorable } from '../sync/storable.ts';

/** What a list was asked for. `after` is the `next` of the page before. */
export interface PageRequest {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** The next page's key for composite keys; it says nothing to its bearer. */
export function encodeKey(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts), 'utf8').toString('base64url');
}

function isKeyPart(part: unknown): boolean {
  return typeof part === 'string' ? part === '' || isStorable(part) : Number.isSafeInteger(part);
}

/** @throws LockstepError InvalidRequest for a key that this server did not make. */
export function decodeKey(key: string | undefined, length: number): (string | number)[] | undefined {
  if (key === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(key, 'base64url').toString('utf8'));
    if (Array.isArray(parts) && parts.length === length && parts.every(isKeyPart))
      return parts as (string | number)[];
  } catch {
    // Falls through to the refusal below.
  }
  throw invalidKey();
}

/** A part of a key that is a number, as far as the store counts. @throws LockstepError InvalidRequest. */
export function numberOfKey(part: string | number | undefined, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof part === 'number' && part >= 0 && part <= most) return part;
  throw invalidKey();
}

function invalidKey(): LockstepError {
  return new LockstepError('InvalidRequest', '`after` is not the `next` of a page of this list', {
    field: 'after',
    remedy: 'Pass the `next` of the page before unchanged, with the same filters.',
  });
}

/** A key that is the id of a job, which sort by time. @throws LockstepError InvalidRequest. */
export function requireJobKey(key: string | undefined): void {
  if (key !== undefined && !isJobId(key)) throw invalidKey();
}

/** A key that is an id of one of these types: any other text would lie somewhere among them, and leave some out unseen. */
export function requireIdKey(key: string | undefined, ...types: readonly IdType[]): void {
  if (key !== undefined && !types.some((type) => isId(type, key))) throw invalidKey();
}

/** An `after` that is a whole number. @throws LockstepError InvalidRequest. */
export function decodeOrdinal(key: string | undefined): number {
  if (key === undefined) return 0;
  const ordinal = Number(key);
  if (!/^\d{1,15}$/.test(key) || !Number.isSafeInteger(ordinal)) throw invalidKey();
  return ordinal;
}

/**
 * Cuts rows that were asked for with one more than the page holds.
 * @param keyOf the key of the last item shown, after which the next page begins.
 */
export function cutPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  show: (row: Row) => Item,
  keyOf: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(show), next: rows.length > limit && last !== undefined ? keyOf(last) : null };
}
