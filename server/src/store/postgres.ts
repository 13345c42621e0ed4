import { Pool } from 'pg';
import type pg from 'pg';
import { LockstepError } from '../kernel/errors.ts';
import { loadMigrations, migrate } from './migrate.ts';
import { makePooledStore, withClient } from './pooled-store.ts';
import { ServerClient, typeParsers } from './store-client.ts';
import type { Store } from './store.ts';

const oldestVersion = 150_000;

/** Host, port and database of a URL, for messages: no user, no password. */
export function addressOf(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    return `${url.host || 'localhost'}${url.pathname}`;
  } catch {
    return 'the given URL';
  }
}

async function assertVersion(client: pg.ClientBase, address: string): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    "select current_setting('server_version_num') as version",
  );
  const version = Number(rows[0]?.version);
  if (version >= oldestVersion) return;
  throw new LockstepError(
    'StoreUnavailable',
    `The database at ${address} is PostgreSQL ${Math.floor(version / 10_000)}; Lockstep needs 15 or newer`,
    { remedy: 'Upgrade the server, or use the embedded store (--data).' },
  );
}

/**
 * Compiling a statement pays for seconds of scanning. Every statement here takes one batch by its keys, a few
 * milliseconds, and the planner, which takes an unnested list for a hundred rows, would compile many of them for a second.
 */
const withoutCompilation = 'set jit = off';

/**
 * A process that is suspended, or cut off from the server, in the middle of a transaction would hold the job that it
 * runs for as long as nobody ends its connection: no other worker could take it over.
 */
const withoutHoldingOn = "set idle_in_transaction_session_timeout = '2min'";

async function prepareConnection(client: pg.ClientBase): Promise<void> {
  await client.query(`${withoutCompilation}; ${withoutHoldingOn}`);
}

/**
 * Opens a store on a PostgreSQL server and brings its schema up to date.
 * @param databaseUrl `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE`
 * @param connections how many the pool may hold, 10 by default
 */
export async function openServerStore(databaseUrl: string, connections = 10): Promise<Store> {
  const address = addressOf(databaseUrl);
  const pool = new Pool({
    connectionString: databaseUrl,
    Client: ServerClient,
    types: typeParsers,
    max: connections,
    application_name: 'lockstep',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    onConnect: prepareConnection,
  });
  const store = makePooledStore({ engine: 'server', pool, address, databaseUrl });
  try {
    await withClient(pool, address, async (client) => {
      await assertVersion(client, address);
      await migrate(client, await loadMigrations());
    });
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
