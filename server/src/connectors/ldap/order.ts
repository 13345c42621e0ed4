import { related } from './location.ts';

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
  const failures: unknown[] = [];
  let waiting = Promise.withResolvers<void>();
  const oneIsDone = (): Promise<void> => {
    waiting = Promise.withResolvers<void>();
    return waiting.promise;
  };
  const start = async (task: Task): Promise<void> => {
    underWay.add(task);
    try {
      await task.run();
    } catch (error) {
      failures.push(error);
    } finally {
      underWay.delete(task);
      waiting.resolve();
    }
  };
  for (const task of tasks) {
    // Filled up by halves, so that requests leave together and not one by one as answers come.
    if (underWay.size >= limit) while (underWay.size > limit >> 1) await oneIsDone();
    while (mustWait(task, underWay)) await oneIsDone();
    if (signal.aborted || failures.length > 0) break;
    void start(task);
  }
  while (underWay.size > 0) await oneIsDone();
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}

function mustWait(task: Task, underWay: ReadonlySet<Task>): boolean {
  for (const earlier of underWay) {
    if (earlier.touches.some((mine) => task.touches.some((other) => related(mine, other)))) return true;
  }
  return false;
}
