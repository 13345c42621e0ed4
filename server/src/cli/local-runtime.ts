import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Retention } from '../app/retention.ts';
import { LockstepError } from '../kernel/errors.ts';
import { findHomeFolder } from '../kernel/home-folder.ts';
import { makeDirectory } from '../kernel/make-directory.ts';
import type { LogLevel } from '../telemetry/log.ts';
import { ApiClient, ConnectionLost } from './client.ts';
import { note } from './output.ts';
import { socketPathOf } from './socket-path.ts';
import type { StoreLocation } from './store-location.ts';

export interface LocalRuntimeOptions {
  /** Whether jobs are run in this process. */
  readonly worker: boolean;
  readonly schedules?: boolean;
  /** Address of the API and console, on top of the socket. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly logLevel?: LogLevel;
  /** Where clients reach the API from outside. */
  readonly publicUrl?: string;
  /** For how long what ended jobs leave behind is kept; for ever when not given. */
  readonly retention?: Retention;
}

/** The store opened in this process, with its API on a unix socket. */
export interface LocalRuntime extends AsyncDisposable {
  readonly client: ApiClient;
  /** `http://HOST:PORT`, if it listens there, too. */
  readonly url: string | undefined;
  /** Resolves when the store has given up for good, with the reason. */
  readonly failed: Promise<LockstepError> | undefined;
}

/** Jobs at a time in one process. Those of one sync never run together, and on an embedded store little is gained. */
const concurrency = 4;

async function answers(client: ApiClient): Promise<boolean> {
  try {
    await client.call('getIdentity', {});
    return true;
  } catch (error) {
    if (error instanceof ConnectionLost) return false;
    throw error;
  }
}

/** The process that holds the data directory, if one does and listens. A server store is opened by everybody. */
export async function connectToRunning(location: StoreLocation): Promise<ApiClient | undefined> {
  if (location.type === 'server' || !existsSync(location.directory)) return undefined;
  const client = new ApiClient(socketPathOf(location.directory), location.tenant);
  return (await answers(client)) ? client : undefined;
}

/** `$XDG_CONFIG_HOME`, or `~/.config` (XDG Base Directory Specification). */
function configurationFolder(): string {
  const home = findHomeFolder();
  const folder = process.env.XDG_CONFIG_HOME ?? (home === undefined ? undefined : join(home, '.config'));
  if (folder !== undefined) return folder;
  throw new LockstepError(
    'InvalidConfiguration',
    'This account has no home folder to keep a master key in.',
    {
      field: '--key-file',
      remedy: 'Name a file with the master key: --key-file, or LOCKSTEP_KEY_FILE.',
    },
  );
}

/**
 * Where a store on a server has its key if none is given: a folder of this user, so that the processes of one machine
 * agree without being told.
 */
async function prepareKeyFolder(location: StoreLocation): Promise<string | undefined> {
  const given = location.keyFile !== undefined || (process.env.LOCKSTEP_KEY ?? '') !== '';
  if (given || location.type === 'embedded') return undefined;
  const folder = join(configurationFolder(), 'lockstep');
  await makeDirectory(folder);
  return folder;
}

/** Where this process listens. On a server store, which others may have open, in a folder of its own. */
async function prepareSocket(location: StoreLocation): Promise<{ path: string; folder: string | undefined }> {
  const { directory } = location;
  if (directory !== undefined) {
    await makeDirectory(directory);
    const path = socketPathOf(directory);
    if (location.type === 'embedded' || !(await answers(new ApiClient(path))))
      return { path, folder: undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-'));
  return { path: join(folder, 'lockstep.sock'), folder };
}

function storeOptions(location: StoreLocation) {
  if (location.type === 'embedded') return { data: location.directory };
  const { url, directory } = location;
  return directory === undefined
    ? { databaseUrl: url }
    : { databaseUrl: url, administratorFile: join(directory, 'admin.json') };
}

/**
 * Opens the store and starts what is asked for.
 * Throws LockstepError: DataDirectoryLocked when another process holds the directory.
 */
export async function openLocalRuntime(
  location: StoreLocation,
  options: LocalRuntimeOptions,
): Promise<LocalRuntime> {
  const { composeRuntime } = await import('../main.ts');
  await using opened = new AsyncDisposableStack();
  const { path, folder } = await prepareSocket(location);
  if (folder !== undefined) opened.defer(async () => rm(folder, { recursive: true, force: true }));
  const keyFolder = await prepareKeyFolder(location);
  const key = keyFolder === undefined ? undefined : join(keyFolder, 'master.key');
  const isNewKey = key !== undefined && !existsSync(key);
  const runtime = opened.use(
    await composeRuntime({
      ...storeOptions(location),
      keyFile: location.keyFile,
      keyFolder,
      logLevel: options.logLevel,
      publicUrl: options.publicUrl,
      retention: options.retention,
      roles: {
        http: options.listen,
        worker: options.worker ? { concurrency } : undefined,
        scheduler: options.schedules,
        localSocket: path,
      },
    }),
  );
  if (isNewKey)
    note(`A master key was made: ${key}. Give processes on other machines the same one (--key-file).`);
  const stack = opened.move();
  return {
    client: new ApiClient(path, location.tenant),
    url: runtime.address,
    failed: runtime.application.store.failed,
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}
