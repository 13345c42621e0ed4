/** Milliseconds to add to an instant to get what the clocks of a zone show, written as if it were UTC. */
export type OffsetAt = (instant: number) => number;

const known = new Map<string, OffsetAt>();

/** @throws RangeError when the runtime does not know the zone. */
export function zoneOffset(timeZone: string): OffsetAt {
  if (timeZone === 'UTC') return () => 0;
  let offset = known.get(timeZone);
  if (offset === undefined) {
    offset = offsetOf(timeZone);
    known.set(timeZone, offset);
  }
  return offset;
}

function offsetOf(timeZone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instant) => {
    const second = Math.floor(instant / 1000) * 1000;
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(second)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
  };
}

/** A stretch of time with one offset: from `start` up to, not including, `end`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

const hour = 3_600_000;

/** The first second at which the offset is no longer that of `from`; it changes once between the two. */
function changeBetween(offsetAt: OffsetAt, from: number, to: number): number {
  const before = offsetAt(from);
  let low = Math.floor(from / 1000);
  let high = Math.floor(to / 1000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * 1000) === before) low = middle;
    else high = middle;
  }
  return high * 1000;
}

/** Cuts the time from `from` to `to` where the offset changes. Changes less than two hours apart are not told apart. */
export function stretches(offsetAt: OffsetAt, from: number, to: number): Stretch[] {
  const found: Stretch[] = [];
  let start = from;
  let offset = offsetAt(from);
  for (let probe = from; probe < to; probe += 2 * hour) {
    const next = Math.min(probe + 2 * hour, to);
    if (offsetAt(next) === offset) continue;
    const change = changeBetween(offsetAt, probe, next);
    found.push({ start, end: change, offset });
    start = change;
    offset = offsetAt(change);
  }
  found.push({ start, end: to, offset });
  return found;
}
