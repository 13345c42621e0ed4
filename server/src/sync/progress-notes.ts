import type { RunnableJob, SyncStore } from './sync-store.ts';

/** Within a phase what is noted is at most so many milliseconds old, and written no more often than that. */
const interval = 500;

/** Notes how far the making of a plan is, for those who follow the job. */
export class ProgressNotes {
  readonly #store: Pick<SyncStore, 'noteProgress'>;
  readonly #job: RunnableJob;
  readonly #now: () => number;
  #read = 0;
  #planned = 0;
  #notedAt = -Infinity;

  /** @param now milliseconds that only grow */
  constructor(
    store: Pick<SyncStore, 'noteProgress'>,
    job: RunnableJob,
    now: () => number = () => performance.now(),
  ) {
    this.#store = store;
    this.#job = job;
    this.#now = now;
  }

  /** So many objects were read. @returns whether that was noted: the pace at which other things are looked at too. */
  async reading(read: number): Promise<boolean> {
    this.#read = read;
    return this.#note('read', 0);
  }

  /** The read is over. Noted at once: what comes next may be one long statement. */
  async readEnded(): Promise<void> {
    this.#notedAt = -Infinity;
    await this.#note('plan', 0);
  }

  /** So many changes were found; what is planned beside them may tell of fewer later. */
  async planning(planned: number): Promise<void> {
    this.#planned = Math.max(this.#planned, planned);
    await this.#note('plan', this.#planned);
  }

  async #note(phase: 'read' | 'plan', planned: number): Promise<boolean> {
    const now = this.#now();
    if (now - this.#notedAt < interval) return false;
    this.#notedAt = now;
    await this.#store.noteProgress(this.#job, { phase, read: this.#read, planned });
    return true;
  }
}
