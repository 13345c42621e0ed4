import { type EntraKind, entraKinds, type Selection } from './select.ts';

/** Where the copy of a tenant stands: kept with the replica, page by page. */
export interface Cursor {
  /** The tenant and cloud that it is of: links of another one are worth nothing. */
  readonly tenant: string;
  /** The `$select` that the links stand for. */
  readonly select: Selection;
  /** The kind that is being read; null: the last round is over. */
  readonly at: EntraKind | null;
  /** Whether everything is being read, and not only what changed. */
  readonly wholeRound: boolean;
  /** When the last whole round began: milliseconds since 1970. */
  readonly wholeAt: number;
  /** Where each kind goes on: a next link within a round, a delta link after it. */
  readonly links: { readonly [Kind in EntraKind]?: string };
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** A cursor as the replica kept it; null when it is none, or of another tenant. */
export function parseCursor(value: unknown, tenant: string): Cursor | null {
  const cursor = value as Cursor | null;
  if (typeof cursor !== 'object' || cursor === null || cursor.tenant !== tenant) return null;
  const whole = entraKinds.every((kind) => isStrings(cursor.select?.[kind]));
  return whole && typeof cursor.links === 'object' ? cursor : null;
}

export function firstCursor(tenant: string, select: Selection): Cursor {
  return { tenant, select, at: 'user', wholeRound: true, wholeAt: Date.now(), links: {} };
}

/** After so many milliseconds everything is read again: what deltas did not tell is found. */
const wholeRoundEvery = 7 * 24 * 3600 * 1000;

/** A further round over a cursor whose last one is over; one that was cut off goes on where it is. */
export function nextRound(cursor: Cursor): Cursor {
  if (cursor.at !== null) return cursor;
  if (!(Date.now() - cursor.wholeAt < wholeRoundEvery)) return firstCursor(cursor.tenant, cursor.select);
  return { ...cursor, at: 'user', wholeRound: false };
}
