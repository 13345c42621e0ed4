import { sql } from 'kysely';
import type { Pace, PaceCost, Quota } from '../http-client/pace.ts';
import { waitSeconds, type Wait } from '../http-client/wait.ts';
import type { Store } from './store.ts';

interface Bucket {
  readonly name: string;
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * Token buckets in the store, so that the quota of a system is kept by all processes together. A reservation is one
 * statement; its answer says how long to wait. The clock is the database's.
 */
export class StorePace implements Pace {
  readonly #store: Store;
  readonly #key: string;
  readonly #buckets: readonly Bucket[];
  readonly #wait: Wait;
  /** What the last answers said, for estimates. */
  readonly #levels = new Map<string, number>();
  /** Until the store knows of them. */
  #penalties: Promise<unknown> = Promise.resolve();

  constructor(store: Store, key: string, quotas: Readonly<Record<string, Quota>>, wait: Wait = waitSeconds) {
    this.#store = store;
    this.#key = key;
    this.#wait = wait;
    this.#buckets = Object.entries(quotas).map(([name, { amount, seconds, burst = amount / 10 }]) => ({
      name,
      perSecond: (amount - burst) / seconds,
      burst,
    }));
  }

  async take(cost: PaceCost, signal: AbortSignal): Promise<void> {
    try {
      await this.#penalties;
      let left = await this.#reserve(cost);
      for (;;) {
        const quiet = await this.#quietSeconds();
        if (Math.max(left, quiet) <= 0 && !signal.aborted) return;
        await this.#wait(Math.max(left, quiet), signal);
        left = 0;
      }
    } catch (error) {
      // A reservation that is not used slows the others down for a moment: it is handed back as well as can be.
      await this.#change(cost, 1).catch(() => undefined);
      throw error;
    }
  }

  penalty(seconds: number): void {
    this.#penalties = Promise.all([this.#penalties, this.#beQuiet(seconds).catch(() => undefined)]);
  }

  secondsFor(cost: PaceCost): number {
    const waits = this.#parts(cost).map(
      ([{ name, perSecond, burst }, amount]) => (amount - (this.#levels.get(name) ?? burst)) / perSecond,
    );
    return Math.max(0, ...waits);
  }

  #parts(cost: PaceCost): [Bucket, number][] {
    return this.#buckets.flatMap((bucket): [Bucket, number][] => {
      const amount = typeof cost === 'number' ? cost : (cost[bucket.name] ?? 0);
      return amount > 0 ? [[bucket, amount]] : [];
    });
  }

  /** Takes from the buckets (sign -1), or gives back. @returns seconds until what was taken may be used */
  async #change(cost: PaceCost, sign: 1 | -1): Promise<number> {
    const parts = this.#parts(cost);
    if (parts.length === 0) return 0;
    const { rows } = await sql<{ bucket: string; level: number }>`
      insert into pace_bucket as b (key, bucket, level)
      select ${this.#key}, n.bucket, n.burst + n.amount
      from unnest(${parts.map(([{ name }]) => name)}::text[], ${parts.map(([{ burst }]) => burst)}::float8[],
        ${parts.map(([{ perSecond }]) => perSecond)}::float8[], ${parts.map(([, amount]) => sign * amount)}::float8[])
        as n (bucket, burst, per_second, amount)
      order by n.bucket
      on conflict (key, bucket) do update set filled_at = clock_timestamp(), level = (
        select least(p.burst, least(p.burst, b.level + extract(epoch from clock_timestamp() - b.filled_at)::float8 * p.per_second) + p.amount)
        from unnest(${parts.map(([{ name }]) => name)}::text[], ${parts.map(([{ burst }]) => burst)}::float8[],
          ${parts.map(([{ perSecond }]) => perSecond)}::float8[], ${parts.map(([, amount]) => sign * amount)}::float8[])
          as p (bucket, burst, per_second, amount)
        where p.bucket = b.bucket)
      returning bucket, level`.execute(this.#store.db);
    let longest = 0;
    for (const { bucket, level } of rows) {
      this.#levels.set(bucket, level);
      const { perSecond } = parts.find(([{ name }]) => name === bucket)?.[0] ?? { perSecond: 1 };
      longest = Math.max(longest, -level / perSecond);
    }
    return longest;
  }

  #reserve(cost: PaceCost): Promise<number> {
    return this.#change(cost, -1);
  }

  async #quietSeconds(): Promise<number> {
    const { rows } = await sql<{ seconds: number }>`
      select extract(epoch from quiet_until - clock_timestamp())::float8 as seconds from pace_quiet where key = ${this.#key}`.execute(
      this.#store.db,
    );
    return Math.max(0, rows[0]?.seconds ?? 0);
  }

  async #beQuiet(seconds: number): Promise<void> {
    await sql`
      insert into pace_quiet as q (key, quiet_until) values (${this.#key}, clock_timestamp() + make_interval(secs => ${seconds}))
      on conflict (key) do update set quiet_until = greatest(q.quiet_until, excluded.quiet_until)`.execute(
      this.#store.db,
    );
    // What was saved up before is no longer believed in.
    await sql`update pace_bucket set level = least(level, 0), filled_at = clock_timestamp() where key = ${this.#key}`.execute(
      this.#store.db,
    );
  }
}
