/** Calls that each organization may make in a second, and as many more at once after a pause. */
const rate = 10;
const burst = 10;
/** An organization that was quiet this long has a full bucket and need not be remembered. */
const forgetAfter = (burst / rate) * 1000;
const mostRemembered = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each key: 10 at once, 10 more each second. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();

  /**
   * Takes one token.
   * @param now milliseconds
   * @returns 0, or after how many whole seconds there will be one
   */
  take(key: string, now: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const passed = Math.max(0, now - bucket.at);
    bucket.tokens = Math.min(burst, bucket.tokens + (passed * rate) / 1000);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > mostRemembered) this.#forget(now);
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / rate);
    bucket.tokens -= 1;
    return 0;
  }

  #forget(now: number): void {
    for (const [key, bucket] of this.#buckets) if (now - bucket.at > forgetAfter) this.#buckets.delete(key);
  }
}
