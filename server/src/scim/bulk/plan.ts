import { listReferences } from './references.ts';
import type { BulkOperation } from './request.ts';

/**
 * A step of a bulk request. `perform` carries an operation out, without values that name one of `deferred`, whose
 * operations wait for this one in turn; `complete` adds those values (RFC 7644 section 3.7.1).
 */
export type BulkStep =
  | { readonly kind: 'perform'; readonly index: number; readonly deferred: ReadonlySet<string> }
  | { readonly kind: 'complete'; readonly index: number };

/**
 * The order of operations in which each comes after those that make what it refers to, else as they were sent. Where
 * they refer to each other in a circle, the last of the circle is made first and completed afterwards.
 */
export function planBulk(operations: readonly BulkOperation[]): BulkStep[] {
  const makers = new Map<string, number>();
  for (const [index, { method, bulkId }] of operations.entries()) {
    if (method === 'POST' && bulkId !== undefined) makers.set(bulkId, index);
  }
  const plan = new BulkPlan(operations, makers);
  for (const index of operations.keys()) plan.place(index);
  return plan.finish();
}

interface Visit {
  readonly index: number;
  /** What it refers to and has not been looked at. */
  readonly open: string[];
  readonly deferred: Set<string>;
}

class BulkPlan {
  readonly #operations: readonly BulkOperation[];
  readonly #makers: ReadonlyMap<string, number>;
  readonly #state = new Map<number, 'open' | 'done'>();
  readonly #steps: BulkStep[] = [];
  readonly #incomplete: number[] = [];

  constructor(operations: readonly BulkOperation[], makers: ReadonlyMap<string, number>) {
    this.#operations = operations;
    this.#makers = makers;
  }

  /** Places an operation behind those it waits for. A stack of its own: chains are as long as the request. */
  place(index: number): void {
    const stack = this.#state.has(index) ? [] : [this.#visit(index)];
    for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
      const bulkId = visit.open.pop();
      if (bulkId === undefined) {
        this.#close(visit);
        stack.pop();
        continue;
      }
      const maker = this.#makers.get(bulkId);
      if (maker === undefined || this.#state.get(maker) === 'done') continue;
      if (this.#state.get(maker) === 'open') visit.deferred.add(bulkId);
      else stack.push(this.#visit(maker));
    }
  }

  finish(): BulkStep[] {
    return [...this.#steps, ...this.#incomplete.map((index): BulkStep => ({ kind: 'complete', index }))];
  }

  #visit(index: number): Visit {
    this.#state.set(index, 'open');
    const operation = this.#operations[index];
    const open = operation === undefined ? [] : [...listReferences(operation)].reverse();
    return { index, open, deferred: new Set() };
  }

  #close({ index, deferred }: Visit): void {
    this.#state.set(index, 'done');
    this.#steps.push({ kind: 'perform', index, deferred });
    if (deferred.size > 0) this.#incomplete.push(index);
  }
}
