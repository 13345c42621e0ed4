import type { TargetChange } from '../../sync/connector.ts';
import { foldName, nameAttributes } from './naming.ts';
import { foldCase } from '../../scim/resource.ts';
import { kindOf } from './writing.ts';

/** What a change takes hold of: changes that have one of these in common keep their order. */
export function keysOf(change: TargetChange): string[] {
  const kind = kindOf(change);
  const names = [change.set, change.before].flatMap((values) =>
    Object.entries(values)
      .filter(([name]) => foldCase(name) === foldCase(nameAttributes[kind]))
      .flatMap(([, list]) => list.map((value) => `${kind} ${foldName(String(value))}`)),
  );
  return change.externalId === null ? names : [`id ${change.externalId}`, ...names];
}

/** Runs every task as soon as those before it that it has a key in common with are done. */
export async function runInOrder<Item>(
  items: readonly Item[],
  keys: (item: Item) => readonly string[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const last = new Map<string, Promise<void>>();
  const running = items.map((item) => {
    const own = keys(item);
    const before = own.flatMap((key) => last.get(key) ?? []);
    const done = Promise.all(before).then(() => work(item));
    for (const key of own) last.set(key, done);
    return done;
  });
  // Nothing is under way any more when it settles.
  const ends = await Promise.allSettled(running);
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
}
