import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.ts';

export interface DueSync {
  readonly syncId: string;
  /** When it should have started. */
  readonly dueAt: Date;
}

/** The syncs with a schedule, as the store keeps them: each with the time of its next run. */
export interface ScheduledSyncs {
  /** Enabled syncs whose next run is not later than `now`, longest overdue first. */
  dueSyncs(now: Date): Promise<readonly DueSync[]>;
  /** The earliest next run of all enabled syncs; null when none has a schedule. */
  nextDueAt(): Promise<Date | null>;
  /**
   * Starts the run that was due at `dueAt` and sets the next one to the first after the present, both in one
   * transaction and only if `dueAt` still stands: so a run that several processes see is started by one of them, and
   * runs that were missed start once, together. A sync that is running already is not started again.
   */
  startScheduled(syncId: string, dueAt: Date): Promise<void>;
  /** Sets next runs right that lie further ahead than their schedules say: they were set while the clock was ahead. */
  bringForward?(now: Date): Promise<void>;
}

export interface SchedulerOptions {
  readonly syncs: ScheduledSyncs;
  readonly clock: Clock;
  /** Told of a sync that could not be started (tried again), and without a sync of a store that could not be asked. */
  readonly onError: (error: unknown, syncId: string | null) => void;
  /** Waits so many milliseconds, or until the signal. Injected by tests. */
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Looks at the store at least this often: a schedule may have been saved, and the clock may be set. */
const longestWait = 5000;
/** After a failure, and at the least between two looks. */
const shortestWait = 1000;

async function waitFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {});
}

/** Starts syncs when they are due. Several processes may run one each over the same store. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #stopping = new AbortController();
  #waiting = new AbortController();
  #running: Promise<void> | undefined;
  /** What the clock showed at the last look. */
  #seen = Infinity;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Runs until stop(); never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#loop();
    return this.#running;
  }

  /** Starts no further sync; resolves when the one that is being started is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#waiting.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const wait = this.#options.wait ?? waitFor;
    while (!this.#stopping.signal.aborted) {
      this.#waiting = new AbortController();
      const milliseconds = await this.#look();
      if (this.#stopping.signal.aborted) return;
      await wait(milliseconds, this.#waiting.signal);
    }
  }

  /** Starts what is due. @returns for how many milliseconds there is nothing to do. */
  async #look(): Promise<number> {
    const { syncs, clock, onError } = this.#options;
    try {
      await this.#mindClock(clock.now());
      for (const { syncId, dueAt } of await syncs.dueSyncs(clock.now())) {
        if (this.#stopping.signal.aborted) return 0;
        await this.#start(syncId, dueAt);
      }
      const next = await syncs.nextDueAt();
      const milliseconds = next === null ? longestWait : next.getTime() - clock.now().getTime();
      return Math.min(Math.max(milliseconds, shortestWait), longestWait);
    } catch (error) {
      onError(error, null);
      return shortestWait;
    }
  }

  /** At the first look, and when the clock was set back since the last one; once, whether it fails or not. */
  async #mindClock(now: Date): Promise<void> {
    const wentBack = now.getTime() < this.#seen;
    this.#seen = now.getTime();
    if (wentBack) await this.#options.syncs.bringForward?.(now);
  }

  async #start(syncId: string, dueAt: Date): Promise<void> {
    try {
      await this.#options.syncs.startScheduled(syncId, dueAt);
    } catch (error) {
      this.#options.onError(error, syncId);
    }
  }
}
