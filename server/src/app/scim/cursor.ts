import { createHash } from 'node:crypto';
import { LockstepError } from '../../kernel/errors.ts';
import type { ScimPlace } from '../../store/queries/scim-list.ts';
import { decodeKey, encodeKey } from '../page.ts';

/** In place of the text that a resource is sorted by, for one that has none. */
const noKey = 0;

/** What makes a list this one: its connection, type, filter and order. */
export type ListMarks = readonly (string | undefined)[];

/** Ties a cursor to its list and keeps it whole: a place in another list, or one made up, may not even be comparable. */
function digestOf(list: ListMarks, id: string, key: string | number): string {
  const marked = JSON.stringify([...list, id, key]);
  return createHash('sha256').update(marked).digest('base64url').slice(0, 16);
}

/** Opaque to its bearer (RFC 9865 section 2): letters, digits, `-` and `_`. @param place of the last one shown */
export function renderCursor(list: ListMarks, { id, sortKey }: ScimPlace): string {
  const key = sortKey ?? noKey;
  return encodeKey([digestOf(list, id, key), id, key]);
}

/** The place behind which the page begins. @throws LockstepError InvalidCursor for one that was not given out for this list. */
export function parseCursor(list: ListMarks, cursor: string): ScimPlace {
  let parts: (string | number)[] | undefined;
  try {
    parts = decodeKey(cursor, 3);
  } catch {
    parts = undefined;
  }
  const [digest, id, key = noKey] = parts ?? [];
  if (typeof id === 'string' && digest === digestOf(list, id, key))
    return { id, sortKey: typeof key === 'string' ? key : null };
  throw new LockstepError('InvalidCursor', 'The cursor was not given out for this list.', {
    field: 'cursor',
  });
}
