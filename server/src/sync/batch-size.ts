/** Changes in a batch: few, so that a job is seen to go on and can be cancelled, unless the system takes many in no time. */
const first = 500;
const smallest = 100;
const largest = 4000;
/** Milliseconds that a batch may take before the next ones are made smaller, or larger. */
const slow = 4000;
const fast = 1000;

/** How many changes go to a connected system at a time, by how long it took for those before. */
export class BatchSize {
  #size = first;

  get size(): number {
    return this.#size;
  }

  /** A batch of so many changes was written within so many milliseconds. Those that were cut short say nothing. */
  learn(changes: number, milliseconds: number): void {
    if (milliseconds > slow) this.#size = Math.max(smallest, Math.floor(this.#size / 2));
    else if (milliseconds < fast && changes >= this.#size / 2) this.#size = Math.min(largest, this.#size * 2);
  }
}
