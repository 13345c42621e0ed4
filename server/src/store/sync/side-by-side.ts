import type { Store } from '../store.ts';

/** A server has another processor for a second statement; the embedded engine is one session. */
export function lanesOf({ engine }: Pick<Store, 'engine'>): number {
  return engine === 'server' ? 2 : 1;
}

/** Runs the works in their order, as many at a time as the store has lanes; none is under way any more when it settles. */
export async function sideBySide(
  store: Pick<Store, 'engine'>,
  works: readonly (() => Promise<unknown>)[],
): Promise<void> {
  const left = works.values();
  const lane = async (): Promise<void> => {
    for (const work of left) await work();
  };
  const ended = await Promise.allSettled(Array.from({ length: lanesOf(store) }, lane));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
