/** What a task takes hold of: `owned` by it alone, `needed` together with others that need it. */
export interface Claims {
  readonly owned: readonly string[];
  readonly needed: readonly string[];
}

/** What waits for a key: the task that owned it last, and those that needed it since. */
interface Queue {
  owner: Promise<void>;
  users: Promise<void>[];
}

/**
 * Runs tasks side by side, so many at a time. A task waits for those before it that own what it needs, or that need or
 * own what it owns. Nothing is under way any more when it settles.
 */
export async function runInOrder<Item>(
  items: readonly Item[],
  claims: (item: Item) => Claims,
  width: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queues = new Map<string, Queue>();
  const turn = makeTurns(width);
  const queueOf = (key: string): Queue => {
    const queue = queues.get(key) ?? { owner: Promise.resolve(), users: [] };
    queues.set(key, queue);
    return queue;
  };
  const running = items.map((item) => {
    const { owned, needed } = claims(item);
    const owns = owned.map(queueOf);
    const needs = needed.filter((key) => !owned.includes(key)).map(queueOf);
    const before = [
      ...owns.flatMap(({ owner, users }) => [owner, ...users]),
      ...needs.map(({ owner }) => owner),
    ];
    const done = Promise.all(before).then(() => turn(() => work(item)));
    for (const queue of owns) Object.assign(queue, { owner: done, users: [] });
    for (const queue of needs) queue.users.push(done);
    return done;
  });
  const ends = await Promise.allSettled(running);
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
}

/** Lets so many work at a time, first come, first served. */
function makeTurns(width: number): (work: () => Promise<void>) => Promise<void> {
  let free = width;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
