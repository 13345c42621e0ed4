import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

function loadSql(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

export const indexesSql = loadSql('./indexes.sql');
export const placedSql = loadSql('./placed.sql');

/** Files that SQLite keeps beside a database. */
const suffixes = ['', '-wal', '-shm', '-journal'];

export function removeDatabase(path: string): void {
  for (const suffix of suffixes) rmSync(path + suffix, { force: true });
}

/**
 * Opens the scratch database of a job, made empty if it is not there. It outlives the process being killed at any
 * point (write-ahead log, checkpointed in order); it is locked against a second opener.
 */
export function openDatabase(path: string): DatabaseSync {
  // It holds what the file holds, so nobody else may read it.
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      pragma locking_mode = exclusive;
      pragma journal_mode = wal;
      pragma synchronous = normal;
      pragma cache_size = -16384;
    `);
    if (database.prepare("select 1 from sqlite_master where name = 'meta'").get() === undefined) {
      database.exec(`begin; ${loadSql('./schema.sql')} commit;`);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** Runs `work` in a transaction; whatever it throws undoes it. */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('begin immediate');
  try {
    const result = work();
    database.exec('commit');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}
