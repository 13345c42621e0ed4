import { randomUUID } from 'node:crypto';
import type { Behaviour } from '../control.ts';
import type { DeltaRow } from './rows.ts';
import { TokenSealer, type DeltaScope } from './tokens.ts';

/** A round of a delta query that is under way: its pages, and where the next round will begin. */
export interface DeltaRound {
  readonly id: string;
  readonly scope: DeltaScope;
  readonly pages: readonly (readonly DeltaRow[])[];
  readonly since: number;
  readonly until: number;
  /** Later rounds may be asked for changed properties only; a first round never. */
  readonly initial: boolean;
}

const mostRounds = 100;

/** Rounds under way, and what makes tokens. Rounds that nobody finishes are forgotten when many came after them. */
export class DeltaRounds {
  readonly sealer = new TokenSealer();
  readonly #rounds = new Map<string, DeltaRound>();
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  /** All delta links and next links given so far are dead: 410 tells their holders to start again. */
  kill(): void {
    this.#generation += 1;
    this.#rounds.clear();
  }

  find(id: string): DeltaRound | undefined {
    return this.#rounds.get(id);
  }

  begin(round: Omit<DeltaRound, 'id'>): DeltaRound {
    const whole = { ...round, id: randomUUID() };
    this.#rounds.set(whole.id, whole);
    for (const id of this.#rounds.keys()) {
      if (this.#rounds.size <= mostRounds) break;
      this.#rounds.delete(id);
    }
    return whole;
  }
}

/** Lays rows out in pages as the behaviour says: split members, repeated objects, chance order, empty pages. */
export function paginate(rows: readonly DeltaRow[], size: number, behaviour: Behaviour): DeltaRow[][] {
  let laid = rows.flatMap((row) => splitMembers(row, behaviour.deltaMembersPerObject));
  if (behaviour.deltaRepeatsObjects) laid = [...laid, ...laid];
  if (behaviour.deltaShuffleSeed !== undefined) laid = shuffle(laid, behaviour.deltaShuffleSeed);
  const pages: DeltaRow[][] = Array.from({ length: behaviour.deltaEmptyPages }, () => []);
  let page: DeltaRow[] = [];
  for (const row of laid) {
    const again = page.some((other) => other.id === row.id);
    if (page.length >= size || again) {
      pages.push(page);
      page = [];
    }
    page.push(row);
  }
  if (page.length > 0 || pages.length === 0) pages.push(page);
  return pages;
}

function splitMembers(row: DeltaRow, size: number): DeltaRow[] {
  if (row.members.length <= size) return [row];
  const rows: DeltaRow[] = [];
  for (let start = 0; start < row.members.length; start += size)
    rows.push({ ...row, members: row.members.slice(start, start + size) });
  return rows;
}

/** Fisher-Yates with a linear congruential generator: the same order for the same seed. */
function shuffle(rows: readonly DeltaRow[], seed: number): DeltaRow[] {
  const shuffled = [...rows];
  let state = seed >>> 0;
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (index + 1);
    [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
  }
  return shuffled;
}
