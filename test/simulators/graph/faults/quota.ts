import type { GraphRequest } from '../exchange.ts';

/** The documented limits of an application in a tenant. */
export interface QuotaSettings {
  /** Resource units per `unitSeconds`: 3,500, 5,000 or 8,000 in ten seconds by the size of the tenant. */
  readonly units: number;
  readonly unitSeconds: number;
  /** Writes per `writeSeconds`: 3,000 in 150 seconds. */
  readonly writes: number;
  readonly writeSeconds: number;
}

/** What a request costs. */
export interface Cost {
  readonly units: number;
  readonly writes: number;
}

/** Documented base costs of reads that do not cost one unit. */
const readCosts: readonly (readonly [RegExp, number])[] = [
  [/^\/users$/, 2],
  [/^\/groups\/[^/]+\/members/, 3],
  [/^\/groups\/[^/]+\/transitiveMembers/, 5],
  [/^\/users\/[^/]+\/(memberOf|transitiveMemberOf|licenseDetails)/, 2],
  [/^\/subscribedSkus/, 3],
];

/** The cost by method and path; $select and a small $top make a read cheaper, $expand dearer; at least one unit. */
export function costOf(request: GraphRequest): Cost {
  const path = `/${request.segments.join('/')}`;
  if (request.method !== 'GET')
    return path === '/directoryObjects/getByIds' ? { units: 3, writes: 0 } : { units: 1, writes: 1 };
  const base = readCosts.find(([pattern]) => pattern.test(path))?.[1] ?? 1;
  const { parameters } = request;
  const top = parameters.get('$top');
  const change =
    (parameters.has('$expand') ? 1 : 0) -
    (parameters.has('$select') ? 1 : 0) -
    (top !== null && Number(top) < 20 ? 1 : 0);
  return { units: Math.max(1, base + change), writes: 0 };
}

/** The state of the fuller bucket: its size, what is left, and seconds until it is whole again. */
export interface Rate {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
}

/** What a bucket says of a request: passed with the used share, or throttled for so many seconds. */
export type Verdict =
  | { readonly passed: true; readonly used: number; readonly rate: Rate }
  | {
      readonly passed: false;
      readonly rate: Rate;
      readonly retryAfter: number;
      readonly reason: 'WriteLimitExceeded' | 'ResourceUnitLimitExceeded';
      readonly scope: 'Write' | 'ReadWrite';
    };

/** Two token buckets by the simulator's clock: resource units and writes. */
export class Quota {
  readonly #units: Bucket;
  readonly #writes: Bucket;

  constructor(settings: QuotaSettings, now: () => number) {
    this.#units = new Bucket(settings.units, settings.unitSeconds, now);
    this.#writes = new Bucket(settings.writes, settings.writeSeconds, now);
  }

  /** Takes the cost when both buckets have it, else nothing. */
  take(cost: Cost): Verdict {
    const units = this.#units.secondsUntil(cost.units);
    const writes = this.#writes.secondsUntil(cost.writes);
    if (writes > 0)
      return {
        passed: false,
        rate: this.#writes.rate,
        retryAfter: writes,
        reason: 'WriteLimitExceeded',
        scope: 'Write',
      };
    if (units > 0)
      return {
        passed: false,
        rate: this.#units.rate,
        retryAfter: units,
        reason: 'ResourceUnitLimitExceeded',
        scope: 'ReadWrite',
      };
    this.#units.take(cost.units);
    this.#writes.take(cost.writes);
    const fuller = this.#units.used > this.#writes.used ? this.#units : this.#writes;
    return { passed: true, used: fuller.used, rate: fuller.rate };
  }
}

class Bucket {
  readonly #capacity: number;
  readonly #seconds: number;
  readonly #now: () => number;
  #level: number;
  #at: number;

  constructor(capacity: number, seconds: number, now: () => number) {
    this.#capacity = capacity;
    this.#seconds = seconds;
    this.#now = now;
    this.#level = capacity;
    this.#at = now();
  }

  get used(): number {
    return 1 - this.#level / this.#capacity;
  }

  get rate(): Rate {
    const missing = this.#capacity - this.#level;
    return {
      limit: this.#capacity,
      remaining: Math.max(0, Math.floor(this.#level)),
      reset: Math.ceil((missing * this.#seconds) / this.#capacity),
    };
  }

  secondsUntil(cost: number): number {
    this.#fill();
    return cost <= this.#level ? 0 : ((cost - this.#level) * this.#seconds) / this.#capacity;
  }

  take(cost: number): void {
    this.#level -= cost;
  }

  #fill(): void {
    const now = this.#now();
    const gained = (((now - this.#at) / 1000) * this.#capacity) / this.#seconds;
    this.#level = Math.min(this.#capacity, this.#level + gained);
    this.#at = now;
  }
}
