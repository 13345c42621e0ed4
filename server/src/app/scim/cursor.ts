import { createHash } from 'node:crypto';
import { LockstepError } from '../../kernel/errors.ts';
import type { ScimPlace } from '../../store/queries/scim-list.ts';
import { decodeKey, encodeKey } from '../page.ts';

/** In place of the text that a resource is sorted by, for one that has none. */
const noKey = 0;

/** Marks cursors of one list, so that they are not taken for another's. */
export function listDigest(parts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

/** Opaque to its bearer (RFC 9865 section 2): letters, digits, `-` and `_`. @param place of the last one shown */
export function renderCursor(digest: string, { id, sortKey }: ScimPlace): string {
  return encodeKey([digest, id, sortKey ?? noKey]);
}

/** The place behind which the page begins. @throws LockstepError InvalidCursor for one that was not given out for this list. */
export function parseCursor(digest: string, cursor: string): ScimPlace {
  let parts: (string | number)[] | undefined;
  try {
    parts = decodeKey(cursor, 3);
  } catch {
    parts = undefined;
  }
  const [madeFor, id, sortKey] = parts ?? [];
  if (madeFor === digest && typeof id === 'string')
    return { id, sortKey: typeof sortKey === 'string' ? sortKey : null };
  throw new LockstepError('InvalidCursor', 'The cursor was not given out for this list.', {
    field: 'cursor',
  });
}
