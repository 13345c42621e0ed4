import type { Replica, ReplicaChange } from '../../sync/replica.ts';

/** Writes down what was told. Entries that come while one write is under way go into the next one together. */
export class Ledger {
  readonly #replica: Replica;
  #waiting: ReplicaChange[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Settles once the entry is in the store. */
  enter(change: ReplicaChange): Promise<void> {
    this.#waiting.push(change);
    this.#next ??= this.#write(this.#last);
    return this.#next;
  }

  #write(before: Promise<void>): Promise<void> {
    const writing = before
      .catch(() => undefined)
      .then(async () => {
        const changes = this.#waiting;
        this.#waiting = [];
        this.#next = undefined;
        await this.#replica.write(changes);
      });
    this.#last = writing;
    return writing;
  }
}
