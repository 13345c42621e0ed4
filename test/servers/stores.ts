import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { openStore } from '../../server/src/store/open.ts';
import type { StoreLocation } from '../../server/src/store/open.ts';
import type { Store } from '../../server/src/store/store.ts';
import { startPostgres } from './postgres.ts';
import type { PostgresServer } from './postgres.ts';

/** Makes stores for the tests of a suite; what is left open is closed after each test. */
export interface StoreMaker {
  /** A new empty store, migrated. */
  (): Promise<Store>;
  readonly engine: Store['engine'];
  /** A new place without a store yet. */
  location(): Promise<StoreLocation>;
  open(location: StoreLocation): Promise<Store>;
}

function makerFor(
  engine: Store['engine'],
  newLocation: () => Promise<StoreLocation>,
  opened: Store[],
): StoreMaker {
  async function open(location: StoreLocation): Promise<Store> {
    const store = await openStore(location);
    opened.push(store);
    return store;
  }
  return Object.assign(async () => open(await newLocation()), { engine, open, location: newLocation });
}

function closeAfterEach(opened: Store[]): void {
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });
}

/**
 * Runs one suite twice: on the embedded engine, each store in a directory of its own, and on a PostgreSQL server,
 * each store in a database of its own.
 */
export function describeOnBothStores(name: string, suite: (makeStore: StoreMaker) => void): void {
  describe(`${name} (embedded)`, () => {
    const opened: Store[] = [];
    const folders: string[] = [];
    closeAfterEach(opened);
    afterAll(async () => {
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });
    async function newLocation(): Promise<StoreLocation> {
      const folder = await mkdtemp(join(tmpdir(), 'lockstep-store-'));
      folders.push(folder);
      return { data: folder };
    }
    suite(makerFor('embedded', newLocation, opened));
  });
  describe(`${name} (server)`, () => {
    const opened: Store[] = [];
    let server: PostgresServer | undefined;
    beforeAll(async () => {
      server = await startPostgres();
    });
    closeAfterEach(opened);
    afterAll(async () => {
      await server?.stop();
    });
    async function newLocation(): Promise<StoreLocation> {
      if (server === undefined) throw new Error('The server has not started');
      return { databaseUrl: await server.createDatabase() };
    }
    suite(makerFor('server', newLocation, opened));
  });
}
