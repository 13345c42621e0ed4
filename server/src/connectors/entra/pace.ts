import { BucketPace, type Pace, type PaceCost } from '../../http-client/pace.ts';
import type { ConnectorContext } from '../../sync/connector.ts';

/**
 * Quotas of Graph's directory for one application in one tenant: resource units of a small tenant in 10 seconds, and
 * writes in 150 seconds. Each is kept a little below, since others' clocks are not ours.
 */
export const quotas = {
  units: { amount: 3300, seconds: 10 },
  writes: { amount: 2900, seconds: 150 },
} as const;

/** One request that reads: a list with `$select` costs one unit. */
export const readCost: PaceCost = { units: 1 };

export function writeCost(requests: number, creates = 0): PaceCost {
  return { units: requests + creates, writes: requests };
}

const paces = new Map<string, Pace>();

/**
 * All connections to one application in one tenant share a pace: so does Graph count. Those of other processes do, too,
 * where there is a place for it.
 */
export function sharedPace(tenantId: string, clientId: string, place?: ConnectorContext['pace']): Pace {
  const key = `entra_id/${tenantId.toLowerCase()}/${clientId.toLowerCase()}`;
  if (place !== undefined) return place(key, quotas);
  let pace = paces.get(key);
  if (pace === undefined) {
    pace = new BucketPace(quotas);
    paces.set(key, pace);
  }
  return pace;
}

/** From this share of a quota on Graph tells it (`x-ms-throttle-limit-percentage`, 0.8 to 1.8). */
const toldFrom = 0.8;
const windowSeconds = 10;

/** Slows down as Graph says that the quota runs out. */
export function heed(pace: Pace, headers: Readonly<Record<string, string>>): void {
  const share = Number(headers['x-ms-throttle-limit-percentage']);
  if (share >= toldFrom) pace.penalty(Math.min(1, share - toldFrom) * windowSeconds);
}
