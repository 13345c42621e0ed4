import type { DatabaseSync } from 'node:sqlite';

/** What the workspace knows of the file: which one was imported, and which one was written. */
export interface Meta {
  /** Set once the import is complete: the stamp of the file then, `absent` when there was none. */
  imported?: string;
  /** Whether any change succeeded. */
  changed?: string;
  /** The stamp of the file that is about to be renamed into place. */
  written?: string;
}

export function readMeta(database: DatabaseSync): Meta {
  const rows = database.prepare('select key, value from meta').all();
  return Object.fromEntries(rows.map((row) => [row['key'], row['value']])) as Meta;
}

export function writeMeta(database: DatabaseSync, key: keyof Meta, value: string): void {
  database
    .prepare(
      'insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value',
    )
    .run(key, value);
}
