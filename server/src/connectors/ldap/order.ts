import { splitDn } from './location.ts';

export interface Task {
  /** Normalised DNs that it reads or writes. */
  readonly touches: readonly string[];
  readonly run: () => Promise<void>;
}

/**
 * Starts tasks in their order, up to `limit` at once. A task waits for each earlier one that touches the same entry,
 * one above it or one beneath it: a parent is there before its children, a move is over before what depends on it.
 * After a task throws, or the signal fires, no further one starts; those under way are waited for.
 */
export async function runInOrder(tasks: readonly Task[], limit: number, signal: AbortSignal): Promise<void> {
  const underWay = new Set<Task>();
  const busy = new BusyEntries();
  const failures: unknown[] = [];
  let waiting = Promise.withResolvers<void>();
  const oneIsDone = (): Promise<void> => {
    waiting = Promise.withResolvers<void>();
    return waiting.promise;
  };
  const start = async (task: Task): Promise<void> => {
    underWay.add(task);
    busy.add(task);
    try {
      await task.run();
    } catch (error) {
      failures.push(error);
    } finally {
      underWay.delete(task);
      busy.remove(task);
      waiting.resolve();
    }
  };
  for (const task of tasks) {
    // Filled up by halves, so that requests leave together and not one by one as answers come.
    if (underWay.size >= limit) while (underWay.size > limit >> 1) await oneIsDone();
    while (busy.concerns(task)) await oneIsDone();
    if (signal.aborted || failures.length > 0) break;
    void start(task);
  }
  while (underWay.size > 0) await oneIsDone();
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}

/** What tasks that are under way touch. */
class BusyEntries {
  readonly #touched = new Map<string, number>();
  /** What is above it. */
  readonly #above = new Map<string, number>();

  add({ touches }: Task): void {
    for (const dn of touches) this.#count(dn, 1);
  }

  remove({ touches }: Task): void {
    for (const dn of touches) this.#count(dn, -1);
  }

  /** Whether the task touches one of these entries, one above it or one beneath it. */
  concerns({ touches }: Task): boolean {
    return touches.some(
      (dn) =>
        this.#touched.has(dn) ||
        this.#above.has(dn) ||
        namesAbove(dn).some((above) => this.#touched.has(above)),
    );
  }

  #count(dn: string, step: number): void {
    addTo(this.#touched, dn, step);
    for (const above of namesAbove(dn)) addTo(this.#above, above, step);
  }
}

function addTo(counts: Map<string, number>, dn: string, step: number): void {
  const count = (counts.get(dn) ?? 0) + step;
  if (count === 0) counts.delete(dn);
  else counts.set(dn, count);
}

function namesAbove(dn: string): string[] {
  const names: string[] = [];
  for (let [, rest] = splitDn(dn); rest !== ''; [, rest] = splitDn(rest)) names.push(rest);
  return names;
}
