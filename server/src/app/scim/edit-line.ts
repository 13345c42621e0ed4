import type { ScimRecord } from '../../store/queries/scim-record.ts';
import type { ScimMemberChange, WrittenRecord } from '../../store/queries/scim-writes.ts';

/** What a record will be once everything that is being written of it is there. */
export interface Ahead {
  readonly record: ScimRecord;
  /** Of the ids that came or went: whether they will be members. */
  readonly members: ReadonlyMap<string, boolean>;
}

/** More members are not kept ahead: whoever comes then waits until the others are written. */
const mostMembersAhead = 10_000;

/**
 * Changes of one record: each is computed after the one before, but need not wait until that one is written. So those
 * that come at once share a transaction.
 */
export class EditLine {
  #last: Promise<unknown> = Promise.resolve();
  #ahead: { readonly record: ScimRecord; readonly members: Map<string, boolean> } | undefined;
  readonly #pending = new Set<Promise<void>>();

  /** Runs work after all that came before. */
  async turn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn;
    return turn;
  }

  /** undefined: nothing is being written, or not all of it will be. */
  get ahead(): Ahead | undefined {
    return this.#ahead !== undefined && this.#ahead.members.size <= mostMembersAhead
      ? this.#ahead
      : undefined;
  }

  /** When nothing is being written any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /**
   * Notes what is being written.
   * @param record as it will be
   */
  follow(
    record: ScimRecord,
    { added, removed }: ScimMemberChange,
    writing: Promise<WrittenRecord | undefined>,
  ): void {
    const members = this.#ahead?.members ?? new Map<string, boolean>();
    for (const id of removed) members.set(id, false);
    for (const id of added) members.set(id, true);
    this.#ahead = { record, members };
    const settle = (isWritten: boolean): void => {
      this.#pending.delete(pending);
      if (!isWritten || this.#pending.size === 0) this.#ahead = undefined;
    };
    const pending = writing.then(
      (written) => settle(written !== undefined),
      () => settle(false),
    );
    this.#pending.add(pending);
  }
}

interface Used {
  readonly line: EditLine;
  users: number;
}
const lines = new Map<string, Used>();

/** Gives work the line of a record, which all have in common who change it at this time. */
export async function inLine<Result>(
  key: string,
  work: (line: EditLine) => Promise<Result>,
): Promise<Result> {
  const used = lines.get(key) ?? { line: new EditLine(), users: 0 };
  lines.set(key, used);
  used.users += 1;
  try {
    return await work(used.line);
  } finally {
    used.users -= 1;
    if (used.users === 0) lines.delete(key);
  }
}
