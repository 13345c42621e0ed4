import type { PlannedChange } from './planned-change.ts';
import type { ProgressNotes } from './progress-notes.ts';
import type { Staging } from './sync-store.ts';

const batchSize = 2000;

/**
 * Numbers the changes of a plan in the order in which they are written, and ships them in batches: one while the next is
 * planned. Disposed of, it waits for the one that is under way, so that nothing comes after a plan that was given up.
 */
export class ChangeWriter implements AsyncDisposable {
  #ordinal = 0;
  #waiting = 0;
  #shipped: Promise<void> = Promise.resolve();
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
      this.#waiting += 1;
      this.#staging.planChange(this.#ordinal, change);
    }
    if (this.#waiting >= batchSize) await this.#ship();
  }

  /** Returns when everything is written. */
  async flush(): Promise<void> {
    await this.#ship();
    await this.#shipped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shipped.catch(() => undefined);
  }

  async #ship(): Promise<void> {
    await this.#shipped;
    if (this.#waiting === 0) return;
    this.#waiting = 0;
    this.#shipped = this.#write(this.#ordinal);
    // Whoever ships next, or flushes, learns of its failure.
    this.#shipped.catch(() => undefined);
  }

  async #write(last: number): Promise<void> {
    await this.#staging.writeChanges();
    await this.#progress.planning(last);
  }

  /** Lets the store plan in SQL from the next ordinal on. */
  async hand(
    plan: (first: number, planned: (ordinal: number) => Promise<void>) => Promise<number>,
  ): Promise<void> {
    await this.flush();
    const last = await plan(this.#ordinal + 1, (ordinal) => this.#progress.planning(ordinal));
    this.#ordinal = Math.max(this.#ordinal, last);
  }
}
