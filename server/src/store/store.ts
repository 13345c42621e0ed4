import type { Kysely, Transaction } from 'kysely';
import type { LockstepError } from '../kernel/errors.ts';
import type { Database } from './schema.ts';
import type { StoreSession } from './store-session.ts';

export type CopyRow = readonly unknown[];
export type CopyRows = Iterable<CopyRow> | AsyncIterable<CopyRow>;
export type Executor = Transaction<Database> | Kysely<Database>;

/** Where everything durable lives: PGlite in a worker thread, or a PostgreSQL server; the same SQL on both. */
export interface Store extends AsyncDisposable {
  readonly engine: 'embedded' | 'server';
  /**
   * The query builder: a pool on a server, the one connection embedded. Never use it inside `transaction`, not even
   * indirectly: that raises `Internal` on both engines, because embedded it could only wait for itself.
   */
  readonly db: Kysely<Database>;
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. Not nestable. */
  transaction<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T>;
  /**
   * Streams rows into a table by COPY, inside the given transaction, or in one of its own when given `db`.
   * Values go by the type of their column: an object or array into jsonb as JSON (a string is taken as JSON text),
   * an array into an SQL array, a Date in ISO 8601, bytes into bytea, undefined as null. The rows must not be read
   * through the same transaction while they are copied.
   * @returns the number of rows copied
   */
  copyInto(executor: Executor, table: string, columns: readonly string[], rows: CopyRows): Promise<number>;
  /** Connections outside the query builder, for the job engine and for backups. */
  readonly session: StoreSession;
  /** Embedded: where the data, the lock and the master key are. */
  readonly dataDirectory: string | undefined;
  /** Embedded: resolves when the engine has given up, with the reason. The store has to be opened again. */
  readonly failed: Promise<LockstepError> | undefined;
  close(): Promise<void>;
}
