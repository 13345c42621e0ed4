import type { PlannedChange } from './planned-change.ts';
import type { ProgressNotes } from './progress-notes.ts';
import type { Staging } from './sync-store.ts';

const batchSize = 2000;

/** Numbers the changes of a plan in the order in which they are written, and ships them in batches. */
export class ChangeWriter {
  #ordinal = 0;
  #waiting: PlannedChange[] = [];
  #first = 1;
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
      this.#waiting.push(change);
      this.#ordinal += 1;
    }
    if (this.#waiting.length >= batchSize) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#staging.writeChanges(this.#first, this.#waiting);
    this.#waiting = [];
    this.#first = this.#ordinal + 1;
    await this.#progress.planning(this.#ordinal);
  }

  /** Lets the store plan in SQL from the next ordinal on. */
  async hand(
    plan: (first: number, planned: (ordinal: number) => Promise<void>) => Promise<number>,
  ): Promise<void> {
    await this.flush();
    const last = await plan(this.#ordinal + 1, (ordinal) => this.#progress.planning(ordinal));
    this.#ordinal = Math.max(this.#ordinal, last);
    this.#first = this.#ordinal + 1;
  }
}
