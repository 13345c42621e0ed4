import { waitSeconds, type Wait } from './wait.ts';

/** What a request takes: from each bucket by its name; a number takes the same from all. */
export type PaceCost = number | Readonly<Record<string, number>>;

/** Keeps requests below the limits of a system. Several processes that share a quota share one behind this port. */
export interface Pace {
  /** Returns when a request of this cost may be sent; first come, first served. @throws LockstepError Cancelled */
  take(cost: PaceCost, signal: AbortSignal): Promise<void>;
  /** The system asked for quiet: nothing is sent for so many seconds from now. */
  penalty(seconds: number): void;
  /** Seconds that a request of this cost, or many of that sum, would need from now on at least. */
  secondsFor(cost: PaceCost): number;
}

/** A quota of `amount` in any `seconds`. */
export interface Quota {
  readonly amount: number;
  readonly seconds: number;
  /** How much may go at once after a quiet time; default a tenth of the amount. */
  readonly burst?: number | undefined;
}

interface Bucket {
  readonly perSecond: number;
  readonly burst: number;
  /** May be negative: that much is promised to those who wait. */
  level: number;
  filledAt: number;
}

export interface BucketPaceOptions {
  /** Seconds that only go up; for tests. */
  readonly now?: () => number;
  readonly wait?: Wait;
}

/**
 * Token buckets, all of which must have what a request takes. The rate leaves room for the burst, so that no window of
 * the quota's length sees more than its amount.
 */
export class BucketPace implements Pace {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;
  readonly #wait: Wait;
  #quietUntil = 0;

  constructor(quotas: Readonly<Record<string, Quota>>, options: BucketPaceOptions = {}) {
    this.#now = options.now ?? (() => performance.now() / 1000);
    this.#wait = options.wait ?? waitSeconds;
    for (const [name, { amount, seconds, burst = amount / 10 }] of Object.entries(quotas)) {
      const perSecond = (amount - burst) / seconds;
      this.#buckets.set(name, { perSecond, burst, level: burst, filledAt: this.#now() });
    }
  }

  async take(cost: PaceCost, signal: AbortSignal): Promise<void> {
    const until = this.#now() + this.#reserve(cost);
    try {
      for (;;) {
        const left = Math.max(until, this.#quietUntil) - this.#now();
        if (left <= 0 && !signal.aborted) return;
        // oxlint-disable-next-line no-await-in-loop -- a penalty may come while we wait
        await this.#wait(left, signal);
      }
    } catch (error) {
      this.#giveBack(cost);
      throw error;
    }
  }

  penalty(seconds: number): void {
    this.#quietUntil = Math.max(this.#quietUntil, this.#now() + seconds);
    // What was saved up before is no longer believed in.
    for (const bucket of this.#buckets.values()) {
      this.#fill(bucket);
      bucket.level = Math.min(bucket.level, 0);
    }
  }

  secondsFor(cost: PaceCost): number {
    let longest = this.#quietUntil - this.#now();
    for (const [bucket, amount] of this.#parts(cost)) {
      this.#fill(bucket);
      longest = Math.max(longest, (amount - bucket.level) / bucket.perSecond);
    }
    return Math.max(0, longest);
  }

  #reserve(cost: PaceCost): number {
    let longest = 0;
    for (const [bucket, amount] of this.#parts(cost)) {
      this.#fill(bucket);
      bucket.level -= amount;
      longest = Math.max(longest, -bucket.level / bucket.perSecond);
    }
    return longest;
  }

  #giveBack(cost: PaceCost): void {
    for (const [bucket, amount] of this.#parts(cost)) {
      bucket.level = Math.min(bucket.burst, bucket.level + amount);
    }
  }

  #fill(bucket: Bucket): void {
    const now = this.#now();
    bucket.level = Math.min(bucket.burst, bucket.level + (now - bucket.filledAt) * bucket.perSecond);
    bucket.filledAt = now;
  }

  *#parts(cost: PaceCost): Generator<[Bucket, number]> {
    for (const [name, bucket] of this.#buckets) {
      const amount = typeof cost === 'number' ? cost : (cost[name] ?? 0);
      if (amount > 0) yield [bucket, amount];
    }
  }
}
