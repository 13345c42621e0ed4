/** Changes in a batch: few, so that a job is seen to go on and can be cancelled, unless the system takes many in no time. */
const first = 500;
const smallest = 100;
/** Objects of three batches are in memory at a time; memberships are small. */
const mostObjects = 1000;
const mostMemberships = 4000;
/** Milliseconds that a batch may take before the next ones are made smaller, or larger. */
const slow = 4000;
const fast = 1000;

/** What is known of a batch that was written. */
export interface WrittenBatch {
  readonly changes: number;
  readonly milliseconds: number;
  /** It held memberships alone. */
  readonly memberships: boolean;
}

/** How many changes go to a connected system at a time, by how long it took for those before. */
export class BatchSize {
  #size = first;

  get size(): number {
    return this.#size;
  }

  /** Batches that were cut short say nothing of what whole ones would take. */
  learn({ changes, milliseconds, memberships }: WrittenBatch): void {
    const largest = memberships ? mostMemberships : mostObjects;
    const wanted =
      milliseconds > slow
        ? Math.floor(this.#size / 2)
        : milliseconds < fast && changes >= this.#size / 2
          ? this.#size * 2
          : this.#size;
    this.#size = Math.max(smallest, Math.min(largest, wanted));
  }
}
