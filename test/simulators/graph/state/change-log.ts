import type { ObjectType } from './directory-object.ts';

/** What happened to one object. */
export type Change = {
  readonly type: ObjectType;
  readonly id: string;
} & (
  | { readonly verb: 'created' | 'deleted' | 'restored' | 'purged' }
  | { readonly verb: 'updated'; readonly properties: readonly string[] }
  | {
      readonly verb: 'member' | 'manager';
      readonly related: { readonly id: string; readonly type: ObjectType };
      readonly added: boolean;
    }
);

/**
 * The changes of a tenant in the order in which delta queries may see them. While it withholds, changes wait and take
 * their place in the order when they are released: later changes may then be seen before earlier ones.
 */
export class ChangeLog {
  readonly #changes: Change[] = [];
  readonly #waiting: Change[] = [];
  #withholding = false;

  /** The sequence number of the last visible change; 0 before the first. */
  get sequence(): number {
    return this.#changes.length;
  }

  get waiting(): readonly Change[] {
    return this.#waiting;
  }

  add(change: Change): void {
    (this.#withholding ? this.#waiting : this.#changes).push(change);
  }

  /** Changes that come from now on stay unseen. */
  withhold(): void {
    this.#withholding = true;
  }

  /** Shows what was withheld, and what comes. */
  release(): void {
    this.#withholding = false;
    this.#changes.push(...this.#waiting.splice(0));
  }

  /** Visible changes with a sequence number in (after, until]. */
  between(after: number, until: number): readonly Change[] {
    return this.#changes.slice(after, until);
  }
}
