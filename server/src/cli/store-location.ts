import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { LockstepError } from '../kernel/errors.ts';

/** Where a command finds its directory: embedded in a folder, or on a PostgreSQL server. */
export type StoreLocation =
  | { readonly type: 'embedded'; readonly directory: string; readonly keyFile: string | undefined }
  | { readonly type: 'server'; readonly url: string; readonly keyFile: string | undefined };

export interface StoreOptions {
  readonly data?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `--data`, `--database-url` and `--key-file`. */
export function withStoreOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data directory of the embedded store (default: $LOCKSTEP_DATA, else ./data)')
    .option('--database-url <url>', 'PostgreSQL 15 or newer instead (default: $LOCKSTEP_DATABASE_URL)')
    .option(
      '--key-file <file>',
      'file with the master key (default: $LOCKSTEP_KEY_FILE, else DIR/master.key)',
    );
}

/**
 * The store that the options name, else the environment, else `data` beside the configuration file, else `./data`.
 * Throws LockstepError(InvalidRequest) when both kinds of store are named.
 */
export function locateStore(
  options: StoreOptions,
  configurationFile?: string,
  environment: NodeJS.ProcessEnv = process.env,
): StoreLocation {
  if (options.data !== undefined && options.databaseUrl !== undefined) {
    throw new LockstepError('InvalidRequest', 'Both --data and --database-url are given.', {
      field: '--database-url',
      remedy: 'Give one of them: --data for the embedded store, --database-url for a PostgreSQL server.',
    });
  }
  const keyFile = options.keyFile ?? environment.LOCKSTEP_KEY_FILE;
  const url =
    options.databaseUrl ?? (options.data === undefined ? environment.LOCKSTEP_DATABASE_URL : undefined);
  if (url !== undefined) return { type: 'server', url, keyFile };
  const beside = configurationFile === undefined ? 'data' : join(dirname(configurationFile), 'data');
  return {
    type: 'embedded',
    directory: resolve(options.data ?? environment.LOCKSTEP_DATA ?? beside),
    keyFile,
  };
}

/** For commands that read what is there: a mistyped directory must not become a new, empty one. */
export function requireStore(location: StoreLocation): void {
  if (location.type === 'embedded' && !existsSync(location.directory)) {
    throw new LockstepError('StoreUnavailable', `There is no data directory ${location.directory}.`, {
      field: '--data',
      remedy: 'Name the directory that "serve" or "sync" was given, or set LOCKSTEP_DATA.',
    });
  }
}
