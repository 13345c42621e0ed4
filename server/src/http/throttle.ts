/** Buckets idle this long are full again and need not be kept. */
const sweepEvery = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** Token buckets by key: `perSecond` requests a second, and as many at once after a pause. */
export class Throttle {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /**
   * Takes a request of a key.
   * @param now milliseconds
   * @returns 0 when it may pass, else the milliseconds after which one may.
   */
  take(key: string, now: number): number {
    this.#sweep(now);
    const capacity = Math.max(1, this.#perSecond);
    const bucket = this.#buckets.get(key) ?? { tokens: capacity, at: now };
    const refilled = bucket.tokens + (Math.max(0, now - bucket.at) * this.#perSecond) / 1000;
    const tokens = Math.min(capacity, refilled);
    const passes = tokens >= 1;
    this.#buckets.set(key, { tokens: passes ? tokens - 1 : tokens, at: now });
    return passes ? 0 : Math.ceil(((1 - tokens) * 1000) / this.#perSecond);
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < sweepEvery) return;
    this.#sweptAt = now;
    for (const [key, bucket] of this.#buckets) {
      if (now - bucket.at >= sweepEvery) this.#buckets.delete(key);
    }
  }
}
