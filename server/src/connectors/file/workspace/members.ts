import type { DatabaseSync, StatementSync } from 'node:sqlite';

export interface MemberRow {
  readonly member: number | null;
  readonly attribute: string;
  readonly text: string;
  readonly reference: string;
}

/** Who belongs to which group of a workspace. */
export class Members {
  readonly #byEntry: StatementSync;
  readonly #byReference: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteGroup: StatementSync;
  readonly #deleteMember: StatementSync;

  constructor(database: DatabaseSync) {
    this.#byEntry = database.prepare('select id from member where group_id = ? and member = ? limit 1');
    this.#byReference = database.prepare(
      'select id from member where group_id = ? and member is null and reference = ? limit 1',
    );
    this.#insert = database.prepare(
      'insert into member (group_id, member, attribute, text, reference) values (?, ?, ?, ?, ?)',
    );
    this.#delete = database.prepare('delete from member where id = ?');
    this.#deleteGroup = database.prepare('delete from member where group_id = ?');
    this.#deleteMember = database.prepare('delete from member where member = ?');
  }

  /** The row by the entry that it names, or by a reference that names no entry of the file. */
  find(group: number, member: number | null, reference: string | null): number | undefined {
    const byEntry = member === null ? undefined : this.#byEntry.get(group, member)?.['id'];
    const byReference = reference === null ? undefined : this.#byReference.get(group, reference)?.['id'];
    return (byEntry ?? byReference) as number | undefined;
  }

  insert(group: number, row: MemberRow): void {
    this.#insert.run(group, row.member, row.attribute, row.text, row.reference);
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  /** Takes an entry that is deleted out of every group, and its own members with it. */
  forget(entry: number): void {
    this.#deleteGroup.run(entry);
    this.#deleteMember.run(entry);
  }
}
