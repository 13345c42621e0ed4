/** Edits (insert, delete, replace, swap of neighbours) that make one word of the other, up to `limit` + 1. */
function distance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}

/** The name that was probably meant: the nearest one, within a third of its letters; undefined when none is near. */
export function closestName(written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  // One letter is no hint.
  let nearest = written.length < 2 ? 1 : Math.max(1, Math.floor(written.length / 3)) + 1;
  for (const name of names) {
    const edits = distance(written.toLowerCase(), name.toLowerCase(), nearest);
    if (edits < nearest) {
      nearest = edits;
      best = name;
    }
  }
  return best;
}
