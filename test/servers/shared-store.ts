import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../server/src/store/open.ts';
import type { StoreLocation } from '../../server/src/store/open.ts';
import type { Store } from '../../server/src/store/store.ts';
import { startPostgres } from './postgres.ts';

/** Empties the one store of a suite: far cheaper than a new one for each test. */
export interface SharedStore {
  (): Promise<Store>;
  readonly engine: Store['engine'];
}

async function empty(store: Store): Promise<void> {
  const { rows } = await sql<{ tables: string }>`
    select string_agg(format('%I', tablename), ', ') as tables from pg_tables
    where schemaname = 'public' and tablename not like '%migration%'`.execute(store.db);
  await sql`truncate ${sql.raw(rows[0]?.tables ?? '')} restart identity cascade`.execute(store.db);
}

interface Place extends AsyncDisposable {
  readonly location: StoreLocation;
}

async function embeddedPlace(): Promise<Place> {
  const data = await mkdtemp(join(tmpdir(), 'lockstep-store-'));
  return {
    location: { data },
    [Symbol.asyncDispose]: async () => rm(data, { recursive: true, force: true }),
  };
}

async function serverPlace(): Promise<Place> {
  const server = await startPostgres();
  return {
    location: { databaseUrl: await server.createDatabase() },
    [Symbol.asyncDispose]: async () => server.stop(),
  };
}

const engines = { embedded: embeddedPlace, server: serverPlace } as const;

function describeOn(
  engine: keyof typeof engines,
  name: string,
  suite: (makeStore: SharedStore) => void,
): void {
  describe(`${name} (${engine})`, () => {
    const opened = new AsyncDisposableStack();
    let store: Store | undefined;
    beforeAll(async () => {
      const place = opened.use(await engines[engine]());
      store = opened.use(await openStore(place.location));
    });
    afterAll(async () => opened.disposeAsync());
    async function emptied(): Promise<Store> {
      if (store === undefined) throw new Error('the store has not been opened');
      await empty(store);
      return store;
    }
    suite(Object.assign(emptied, { engine }));
  });
}

/** Runs one suite on the embedded engine and on a PostgreSQL server, each test on the same store, emptied. */
export function describeOnSharedStores(name: string, suite: (makeStore: SharedStore) => void): void {
  describeOn('embedded', name, suite);
  describeOn('server', name, suite);
}

/** The same on a PostgreSQL server alone: for what goes over a wire, where other suites try the store's side on both. */
export function describeOnServerStore(name: string, suite: (makeStore: SharedStore) => void): void {
  describeOn('server', name, suite);
}

/** Sessions that wait for a lock. */
export async function countWaiting(store: Store): Promise<number> {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
    store.db,
  );
  return rows.length;
}
