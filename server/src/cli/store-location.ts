import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { LockstepError } from '../kernel/errors.ts';

/**
 * Where a command finds its store: embedded in a directory, or on a PostgreSQL server. There a directory, if one is
 * named as well, is for what the process itself leaves: the socket and the credentials of a new installation.
 */
export type StoreLocation = (
  | { readonly type: 'embedded'; readonly directory: string }
  | { readonly type: 'server'; readonly url: string; readonly directory: string | undefined }
) & {
  readonly keyFile: string | undefined;
  /** Name or id of the tenant that is meant; undefined: the first one. */
  readonly tenant?: string | undefined;
};

export interface StoreOptions {
  readonly data?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly tenant?: string | undefined;
  readonly json?: boolean | undefined;
}

/** What the data is beside when nothing names it. */
type Beside = 'here' | 'configurationFile';

/** For commands about one tenant: those of the whole installation, and `--tenant`. */
export function withStoreOptions(command: Command, beside: Beside = 'here'): Command {
  return withInstallationOptions(command, beside).option(
    '--tenant <name>',
    'tenant that is meant (default: the first one)',
  );
}

/** Adds `--data`, `--database-url` and `--key-file`. */
export function withInstallationOptions(command: Command, beside: Beside = 'here'): Command {
  const last = beside === 'here' ? './data' : '"data" beside the configuration file';
  return command
    .option('--data <dir>', `data directory of the embedded store (default: $LOCKSTEP_DATA, else ${last})`)
    .option('--database-url <url>', 'PostgreSQL 15 or newer instead (default: $LOCKSTEP_DATABASE_URL)')
    .option(
      '--key-file <file>',
      'file with the master key (default: $LOCKSTEP_KEY_FILE, else DIR/master.key, with a server ~/.config/lockstep/master.key)',
    );
}

/**
 * Whether no part of a password is taken for something else, which messages would name: a `/`, `?` or `#` in it ends
 * what names the account, and an `@` is left in what follows.
 */
function isReadable(url: string): boolean {
  // An account may stand before an empty host, with a socket: the driver reads it.
  const parsed = URL.parse(url.replace('@/', '@host/'));
  if (parsed === null || parsed.hash !== '' || parsed.pathname.includes('@')) return false;
  return !parsed.search.includes('@') || /^\?(\w+=[^&]*(&|$))+$/.test(parsed.search);
}

/** A URL may hold a password, so it is not repeated. */
function refuseOtherDatabases(url: string): void {
  if (/^postgres(ql)?:\/\//i.test(url)) {
    if (isReadable(url)) return;
    throw new LockstepError('InvalidRequest', 'The database URL cannot be read.', {
      field: '--database-url',
      remedy: 'Write / ? # @ and % of a password as %2F %3F %23 %40 and %25.',
    });
  }
  throw new LockstepError('InvalidRequest', 'The database URL does not begin with postgres://.', {
    field: '--database-url',
    remedy: 'Give postgres://USER@HOST/DATABASE, or --data DIR for the embedded store.',
  });
}

/** An empty name is an unset variable of a script, and would stand for the folder that the command runs in. */
function refuseEmpty(value: string | undefined, field: string): void {
  if (value !== '') return;
  throw new LockstepError('InvalidRequest', `The value of ${field} is empty.`, {
    field,
    remedy: 'Give a value, or leave it out.',
  });
}

/** The store that the options name, else the environment (an empty variable names nothing), else `data` beside the configuration file, else `./data`. */
export function locateStore(
  options: StoreOptions,
  configurationFile?: string,
  environment: NodeJS.ProcessEnv = process.env,
): StoreLocation {
  const variable = (name: string): string | undefined =>
    environment[name] === '' ? undefined : environment[name];
  refuseEmpty(options.data, '--data');
  refuseEmpty(options.keyFile, '--key-file');
  refuseEmpty(options.tenant, '--tenant');
  const { tenant } = options;
  const keyFile = options.keyFile ?? variable('LOCKSTEP_KEY_FILE');
  const url =
    options.databaseUrl ?? (options.data === undefined ? variable('LOCKSTEP_DATABASE_URL') : undefined);
  if (url !== undefined) {
    refuseOtherDatabases(url);
    const directory = options.data === undefined ? undefined : resolve(options.data);
    return { type: 'server', url, directory, keyFile, tenant };
  }
  const beside = configurationFile === undefined ? 'data' : join(dirname(configurationFile), 'data');
  return {
    type: 'embedded',
    directory: resolve(options.data ?? variable('LOCKSTEP_DATA') ?? beside),
    keyFile,
    tenant,
  };
}

/** A value of an option as a shell takes it: between single quotes nothing has a meaning but one of them. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a command has to be given, after a blank, to find this store from here; empty: nothing. A URL may hold a password. */
export function storeArguments(
  location: StoreLocation,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const tenant = location.tenant === undefined ? '' : ` --tenant ${shellWord(location.tenant)}`;
  return `${placeArguments(location, environment)}${tenant}`;
}

function placeArguments(location: StoreLocation, environment: NodeJS.ProcessEnv): string {
  const { LOCKSTEP_DATABASE_URL: url = '', LOCKSTEP_DATA: data = '' } = environment;
  if (location.type === 'server') return location.url === url ? '' : ' --database-url ...';
  const { directory } = location;
  if (url === '' && directory === resolve(data === '' ? 'data' : data)) return '';
  return ` --data ${shellWord(directory)}`;
}

/** For commands that read what is there: a mistyped directory must not become a new, empty one. */
export function requireStore(location: StoreLocation): void {
  if (location.type !== 'embedded' || holdsStore(location.directory)) return;
  const { directory } = location;
  const what = existsSync(directory)
    ? `There is no store in ${directory}.`
    : `There is no data directory ${directory}.`;
  const example = join(directory, 'demo');
  const hint = holdsStore(example) ? ` The worked example's is ${example}.` : '';
  throw new LockstepError('StoreUnavailable', what, {
    field: '--data',
    remedy: `Name the directory that "apply", "serve" or "sync" was given, or set LOCKSTEP_DATA.${hint}`,
  });
}

/** Whether a store is there, or a process that holds the directory is making one. */
function holdsStore(directory: string): boolean {
  return ['pgdata', 'lock'].some((name) => existsSync(join(directory, name)));
}
