/** Does something to each item, so many at a time, and gives the results in the order of the items. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  results.length = items.length;
  let next = 0;
  let isBroken = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !isBroken) {
      const index = next++;
      try {
        // oxlint-disable-next-line no-await-in-loop -- each worker has one item at a time
        results[index] = await work(items[index] as Item);
      } catch (error) {
        isBroken = true;
        throw error;
      }
    }
  };
  // Nothing is under way any more when it settles.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, worker));
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return results;
}
