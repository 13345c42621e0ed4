import { Kysely, PostgresDialect } from 'kysely';
import type { Transaction } from 'kysely';
import { DatabaseError } from 'pg';
import type pg from 'pg';
import type { LockstepError } from '../kernel/errors.ts';
import { copyRows } from './bulk-copy.ts';
import { guardPool, unavailable } from './guarded-pool.ts';
import type { Database } from './schema.ts';
import type { StoreSession } from './store-session.ts';
import type { CopyRows, Executor, Store } from './store.ts';
import { TransactionGuard } from './transaction-guard.ts';

/** What differs between the engines, once there is a pool. */
export interface PooledStoreParts {
  readonly engine: Store['engine'];
  readonly pool: pg.Pool;
  /** How errors name the database; without its password. */
  readonly address: string;
  readonly databaseUrl?: string;
  readonly dataDirectory?: string;
  readonly failed?: Promise<LockstepError>;
  readonly listen?: StoreSession['listen'];
  /** Runs after the last connection has ended. */
  readonly afterClose?: () => Promise<void>;
}

async function executeOn(
  pool: pg.Pool,
  text: string,
  values: readonly unknown[] | undefined,
): Promise<{ rows: Record<string, unknown>[] }> {
  const client = await pool.connect();
  let broken = false;
  try {
    // Without values the simple protocol is used, which alone takes several statements and answers with a list.
    const result: pg.QueryResult | pg.QueryResult[] =
      values === undefined || values.length === 0
        ? await client.query(text)
        : await client.query(text, [...values]);
    return { rows: Array.isArray(result) ? result.flatMap(({ rows }) => rows) : result.rows };
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** A store over a pool of pg clients, which the embedded engine has too: a pool of one. */
export function makePooledStore(parts: PooledStoreParts): Store {
  const { pool, address } = parts;
  const guard = new TransactionGuard();
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: guardPool(pool, guard, address) }),
  });
  // An idle connection that breaks is replaced at the next use, which reports what is then wrong.
  pool.on('error', () => undefined);
  // The same for one in use: its query rejects, and the event without a listener would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));

  function transaction<T>(work: (trx: Transaction<Database>) => Promise<T>): Promise<T> {
    return db.transaction().execute((trx) => guard.within(() => work(trx)));
  }
  async function copyInto(executor: Executor, table: string, columns: readonly string[], rows: CopyRows) {
    if (executor.isTransaction) return copyRows(executor, table, columns, rows);
    return transaction((trx) => copyRows(trx, table, columns, rows));
  }
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    await db.destroy();
    // The query builder ends only a pool that it has used.
    if (!pool.ended) await pool.end();
    await parts.afterClose?.();
  }
  const session: StoreSession = {
    databaseUrl: parts.databaseUrl,
    execute: async (text, values) => {
      guard.assertOutside();
      return executeOn(pool, text, values);
    },
    ...(parts.listen === undefined ? {} : { listen: parts.listen }),
  };
  return {
    engine: parts.engine,
    db,
    transaction,
    copyInto,
    session,
    dataDirectory: parts.dataDirectory,
    failed: parts.failed,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

/** Runs `work` on one connection of a pool before there is a store. */
export async function withClient<T>(
  pool: pg.Pool,
  address: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw unavailable(address, cause);
  });
  try {
    return await work(client);
  } catch (error) {
    throw error instanceof DatabaseError ? unavailable(address, error) : error;
  } finally {
    client.release();
  }
}
