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

async function assertUsable(client: pg.ClientBase, address: string): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    "select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding",
  );
  const version = Number(rows[0]?.version);
  if (version < oldestVersion) {
    throw new LockstepError(
      'StoreUnavailable',
      `The database at ${address} is PostgreSQL ${Math.floor(version / 10_000)}; Lockstep needs 15 or newer`,
      { remedy: 'Upgrade the server, or use the embedded store (--data).' },
    );
  }
  const encoding = rows[0]?.encoding;
  if (encoding === 'UTF8') return;
  throw new LockstepError(
    'StoreUnavailable',
    `The database at ${address} is encoded in ${encoding}, which cannot hold every name; Lockstep needs UTF8`,
    { remedy: "Make another one: create database NAME template template0 encoding 'UTF8'." },
  );
}

async function processOf(client: pg.ClientBase): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid;
}

/** Behind a pooler of transactions one session serves several connections: settings and locks of one are another's. */
export async function assertOwnSessions(
  first: pg.ClientBase,
  second: pg.ClientBase,
  address: string,
): Promise<void> {
  const before = await processOf(first);
  if (before !== (await processOf(second)) && before === (await processOf(first))) return;
  throw new LockstepError(
    'StoreUnavailable',
    `A connection to the database at ${address} has no session of its own: a pooler is in between`,
    {
      remedy: 'Let the pooler give each connection a session (PgBouncer: pool_mode=session), or go round it.',
    },
  );
}

/** What the statements rely on, and roles and databases may be set to otherwise. */
const sessionSettings: Readonly<Record<string, string>> = {
  // Compiling a statement pays for seconds of scanning. Every statement here takes one batch by its keys, a few
  // milliseconds, and the planner, which takes an unnested list for a hundred rows, would compile many of them for a second.
  jit: 'off',
  // A process that is suspended, or cut off from the server, in the middle of a transaction would hold the job that it
  // runs for as long as nobody ends its connection: no other worker could take it over.
  idle_in_transaction_session_timeout: '2min',
  // Statements over a whole directory take their time, processes wait for each other's locks, and connections for work.
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  // A statement that has waited for another transaction works on what that one committed.
  default_transaction_isolation: 'read committed',
  // Times, lists and texts go to and fro as the driver and pg-boss write and read them.
  DateStyle: 'ISO, YMD',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
};

/** For each new connection of a pool. Those that this version of the server does not have are left out. */
async function prepareConnection(client: pg.ClientBase): Promise<void> {
  await client.query(
    `select set_config(s.name, s.setting, false) from json_each_text($1) s (name, setting)
    where exists (select from pg_settings p where p.name = s.name)`,
    [JSON.stringify(sessionSettings)],
  );
}

/** Of every pool on a server, that of pg-boss too. */
export const poolOptions = {
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
  onConnect: prepareConnection,
} satisfies pg.PoolConfig;

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
    ...poolOptions,
  });
  const store = makePooledStore({ engine: 'server', pool, address, databaseUrl });
  try {
    await withClient(pool, address, async (client) => {
      await assertUsable(client, address);
      await withClient(pool, address, async (second) => assertOwnSessions(client, second, address));
      await migrate(client, await loadMigrations());
    });
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
