import type { PlannedChange } from './planned-change.ts';
import type { ProgressNotes } from './progress-notes.ts';
import { lateOrdinal } from './sync-store.ts';
import type { Staging } from './sync-store.ts';

const batchSize = 2000;

/** Batches on their way to the store: while one is written another one's commit may wait for the disk. */
const atOnce = 2;

/**
 * Numbers the changes of a plan in the order in which they are written, and ships them in batches while the next ones
 * are planned. Disposed of, it waits for those that are under way, so that nothing comes after a plan that was given up.
 */
export class ChangeWriter implements AsyncDisposable {
  #ordinal = 0;
  #late = 0;
  #waiting = 0;
  readonly #underWay: Promise<void>[] = [];
  readonly #aside: Promise<void>[] = [];
  readonly #staging: Staging;
  readonly #progress: ProgressNotes;

  constructor(staging: Staging, progress: ProgressNotes) {
    this.#staging = staging;
    this.#progress = progress;
  }

  /** Ordinal of the last change. */
  get last(): number {
    return this.#ordinal;
  }

  async write(changes: readonly PlannedChange[]): Promise<void> {
    for (const change of changes) {
      this.#ordinal += 1;
      this.#staging.planChange(this.#ordinal, change);
    }
    await this.#shipFull(changes.length);
  }

  /** Writes changes that get their numbers behind all others (`planPendingReferences`). */
  async writeLate(changes: readonly PlannedChange[]): Promise<void> {
    for (const change of changes) {
      this.#late += 1;
      this.#staging.planChange(lateOrdinal + this.#late, change);
    }
    await this.#shipFull(changes.length);
  }

  async #shipFull(written: number): Promise<void> {
    this.#waiting += written;
    if (this.#waiting >= batchSize) await this.#ship();
  }

  /** Returns when everything is written. */
  async flush(): Promise<void> {
    await this.#ship();
    while (this.#underWay.length > 0) await this.#underWay.shift();
  }

  /** Returns when everything is written, what the store plans by itself as well. */
  async finish(): Promise<void> {
    await this.flush();
    await Promise.all(this.#aside);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#underWay, ...this.#aside]);
  }

  async #ship(): Promise<void> {
    if (this.#underWay.length >= atOnce) await this.#underWay.shift();
    if (this.#waiting === 0) return;
    this.#waiting = 0;
    const shipped = this.#write(this.#ordinal);
    // Whoever ships after it, or flushes, learns of its failure.
    shipped.catch(() => undefined);
    this.#underWay.push(shipped);
  }

  async #write(last: number): Promise<void> {
    await this.#staging.writeChanges();
    await this.#progress.planning(last);
  }

  /** Lets the store plan in SQL from the next ordinal on. @param plan returns the last ordinal used */
  async hand(plan: (first: number) => Promise<number>): Promise<void> {
    await this.flush();
    const last = await plan(this.#ordinal + 1);
    this.#ordinal = Math.max(this.#ordinal, last);
  }

  /**
   * Lets the store plan so many changes in SQL while others are planned, which come behind them: nothing of the plan may
   * depend on theirs before `finish`, which learns of a failure.
   */
  setAside(
    count: number,
    plan: (first: number, planned: (ordinal: number) => Promise<void>) => Promise<void>,
  ): void {
    const planning = plan(this.#ordinal + 1, (ordinal) => this.#progress.planning(ordinal));
    this.#ordinal += count;
    planning.catch(() => undefined);
    this.#aside.push(planning);
  }
}
