import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Pool } from 'pg';
import type pg from 'pg';
import { LockstepError } from '../kernel/errors.ts';
import { makeDirectory } from '../kernel/make-directory.ts';
import { lockDirectory } from './directory-lock.ts';
import { keepImage, takeImage } from './embedded-image.ts';
import { EmbeddedListeners } from './embedded-listeners.ts';
import { EmbeddedBridge } from './embedded-stream.ts';
import type { FromEmbeddedWorker } from './embedded-worker.ts';
import { loadMigrations, migrate, migrationsDigest } from './migrate.ts';
import type { Migration } from './migrate.ts';
import { makePooledStore, withClient } from './pooled-store.ts';
import { EmbeddedClient, typeParsers } from './store-client.ts';
import type { Store } from './store.ts';

export interface EmbeddedOptions {
  /** Where images of new data directories are kept; `false` keeps and uses none. */
  readonly cache?: string | false;
}

async function startBridge(directory: string): Promise<EmbeddedBridge> {
  const worker = new Worker(new URL('./embedded-worker.ts', import.meta.url), {
    workerData: { directory },
    execArgv: [],
    name: 'lockstep-store',
  });
  const [message] = (await once(worker, 'message').catch((cause: unknown) => {
    throw new LockstepError('StoreUnavailable', `The embedded store does not start: ${String(cause)}`, {
      cause,
    });
  })) as [FromEmbeddedWorker];
  if (message.kind === 'ready') return new EmbeddedBridge(worker);
  await worker.terminate();
  const reason = message.kind === 'refused' ? message.text : message.kind;
  throw new LockstepError('StoreUnavailable', `The embedded store in ${directory} does not open: ${reason}`, {
    remedy: 'Make space if its disk is full; if the directory is damaged, restore a backup into a new one.',
  });
}

function openPool(bridge: EmbeddedBridge): pg.Pool {
  class Client extends EmbeddedClient {
    constructor(config: pg.ClientConfig = {}) {
      super({ ...config, carrier: bridge, stream: () => bridge.openStream() });
    }
  }
  const pool = new Pool({
    Client,
    max: 1,
    idleTimeoutMillis: 0,
    types: typeParsers,
    host: 'embedded',
    port: 5432,
    user: 'postgres',
    database: 'postgres',
    password: '',
    ssl: false,
    application_name: 'lockstep',
  });
  // An engine that gives up fails what waits for it; the event without a listener would end the process.
  pool.on('error', () => undefined);
  return pool;
}

/** The package does not export its package.json, so it is found beside its entry. */
function engineVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return (JSON.parse(readFileSync(join(entry, '../../package.json'), 'utf8')) as { version: string }).version;
}

/** Initialises a data directory under another name, so that `pgdata` is there whole or not at all. */
async function makeData(path: string, migrations: readonly Migration[], cache: string | false | undefined) {
  const making = `${path}.new`;
  await rm(making, { recursive: true, force: true });
  const key = createHash('sha256')
    .update(`${engineVersion()} ${migrationsDigest(migrations)}`)
    .digest('hex')
    .slice(0, 32);
  try {
    if (cache === false || !(await takeImage(key, making, cache))) {
      await initialise(making, migrations);
      if (cache !== false) await keepImage(key, making, cache);
    }
    await rename(making, path);
  } catch (error) {
    // The disk may be full of it.
    await rm(making, { recursive: true, force: true });
    throw error;
  }
}

async function initialise(directory: string, migrations: readonly Migration[]): Promise<void> {
  const bridge = await startBridge(directory);
  const pool = openPool(bridge);
  try {
    await withClient(pool, 'the embedded store', (client) => migrate(client, migrations));
    await pool.end();
  } finally {
    await bridge.close();
  }
}

async function openLocked(
  directory: string,
  options: EmbeddedOptions,
  release: () => Promise<void>,
): Promise<Store> {
  const data = join(directory, 'pgdata');
  const migrations = await loadMigrations();
  if (!existsSync(data)) await makeData(data, migrations, options.cache);
  // Personal data lies in it, and the engine makes it as the umask says; where the system forbids, it stays so.
  await chmod(data, 0o700).catch(() => undefined);
  const bridge = await startBridge(data);
  const pool = openPool(bridge);
  const listeners = new EmbeddedListeners(pool);
  const store = makePooledStore({
    engine: 'embedded',
    pool,
    address: directory,
    dataDirectory: directory,
    failed: bridge.failed,
    listen: (channel, onNotification) => listeners.listen(channel, onNotification),
    afterClose: async () => {
      await bridge.close();
      await release();
    },
  });
  try {
    await withClient(pool, directory, (client) => migrate(client, migrations));
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Opens the embedded store in a directory, which is made if need be: `pgdata`, `lock`, and the master key beside them.
 * @throws LockstepError DataDirectoryLocked when another process holds it
 */
export async function openEmbeddedStore(path: string, options: EmbeddedOptions = {}): Promise<Store> {
  const directory = resolve(path);
  await makeDirectory(directory);
  const lock = await lockDirectory(directory);
  try {
    return await openLocked(directory, options, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}
