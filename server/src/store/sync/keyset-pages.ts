/**
 * Pages by key. `ahead`: the next page is asked for before this one is given out, so that the database works while the
 * planner does; for pages that do not depend on what becomes of the one before.
 */
export async function* keysetPages<Row, Key>(
  first: Key,
  keyOf: (row: Row) => Key,
  load: (after: Key) => Promise<Row[]>,
  ahead: boolean,
): AsyncGenerator<Row[]> {
  let rows = await load(first);
  for (;;) {
    const last = rows.at(-1);
    if (last === undefined) return;
    const next = ahead ? load(keyOf(last)) : null;
    // Where the consumer stops early nobody waits for it.
    next?.catch(() => undefined);
    yield rows;
    rows = await (next ?? load(keyOf(last)));
  }
}
