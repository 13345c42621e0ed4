import { dnDepth, isAtOrBelow, normaliseDn, parseDn, renderDn } from './dn.ts';

interface Move {
  /** Place in the order of moves. */
  readonly at: number;
  readonly depth: number;
  readonly to: string;
}

/** Where entries went in this session, so that a DN from before can be followed. */
export class Relocations {
  /** By the normalised DN that was left, oldest first. */
  readonly #moves = new Map<string, Move[]>();
  #count = 0;

  /** `moved` are moves from before the session, each from the place that the plan knows. */
  constructor(moved: readonly { readonly from: string; readonly to: string }[] = []) {
    for (const { from, to } of moved) this.record(this.follow(from) ?? from, to);
  }

  record(from: string, to: string): void {
    const old = parseDn(from);
    const key = normaliseDn(old);
    const move = { at: this.#count, depth: dnDepth(old), to };
    this.#count += 1;
    const earlier = this.#moves.get(key);
    if (earlier === undefined) this.#moves.set(key, [move]);
    else earlier.push(move);
  }

  /** How many moves there were: a mark for `follow`. */
  get count(): number {
    return this.#count;
  }

  /**
   * The DN by which an entry goes now, or went at the mark `until`, that had this one before the moves since the mark
   * `since`; undefined if none touched it.
   */
  follow(dn: string, since = 0, until = this.#count): string | undefined {
    let now: string | undefined;
    let mark = since;
    for (;;) {
      const move = this.#next(normaliseDn(now ?? dn), mark);
      if (move === undefined || move.at >= until) return now;
      const { rdns } = parseDn(now ?? dn);
      const beneath = renderDn({ rdns: rdns.slice(0, rdns.length - move.depth) });
      now = [beneath, move.to].filter((part) => part !== '').join(',');
      mark = move.at + 1;
    }
  }

  /** Whether something moved away from here or from above: what stands here now may be another entry. */
  isDoubtful(dn: string): boolean {
    return this.#count > 0 && this.#next(normaliseDn(dn), 0) !== undefined;
  }

  /** Whether something moved since the mark to this place or to one above it; the DN is normalised. */
  isTaken(key: string, since: number): boolean {
    for (const moves of this.#moves.values()) {
      if (moves.some(({ at, to }) => at >= since && isAtOrBelow(key, normaliseDn(to)))) return true;
    }
    return false;
  }

  /** The first move since the mark of the entry or of one above it. */
  #next(key: string, mark: number): Move | undefined {
    let first: Move | undefined;
    // Every comma is tried, the escaped ones too: what follows those is no DN that anything was moved from.
    for (let start = 0; start >= 0; start = nextPart(key, start)) {
      const move = this.#moves.get(key.slice(start))?.find(({ at }) => at >= mark);
      if (move !== undefined && (first === undefined || move.at < first.at)) first = move;
    }
    return first;
  }
}

function nextPart(key: string, start: number): number {
  const comma = key.indexOf(',', start);
  return comma < 0 ? -1 : comma + 1;
}
