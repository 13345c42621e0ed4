import { createHash } from 'node:crypto';
import { LockstepError } from '../../kernel/errors.ts';
import { decodeKey, encodeKey } from '../page.ts';

/** Where a page that a cursor stands for begins: behind an id, or after so many resources of a sorted list. */
export type CursorPosition = { readonly after: string } | { readonly offset: number };

/** Marks cursors of one list, so that they are not taken for another's. */
export function listDigest(parts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

/** Opaque to its bearer (RFC 9865 section 2): letters, digits, `-` and `_`. */
export function renderCursor(digest: string, position: CursorPosition): string {
  return encodeKey([digest, 'after' in position ? position.after : position.offset]);
}

/** @throws LockstepError InvalidCursor for one that was not given out for this list. */
export function parseCursor(digest: string, cursor: string): CursorPosition {
  let parts: (string | number)[] | undefined;
  try {
    parts = decodeKey(cursor, 2);
  } catch {
    parts = undefined;
  }
  const [madeFor, position] = parts ?? [];
  if (madeFor === digest && typeof position === 'string' && !position.includes('\u0000'))
    return { after: position };
  if (madeFor === digest && typeof position === 'number' && position >= 0) return { offset: position };
  throw new LockstepError('InvalidCursor', 'The cursor was not given out for this list.', {
    field: 'cursor',
  });
}
