import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres } from '../test/servers/postgres.ts';
import { startSlapd, type Slapd } from '../test/servers/slapd.ts';
import { writeDirectory } from './generate/directory.ts';
import type { BenchOptions } from './options.ts';
import { Lockstep, type StoreArguments } from './programs/lockstep.ts';

/** The servers and files of one size of directory. */
export interface Stage extends AsyncDisposable {
  readonly users: number;
  readonly groups: number;
  readonly rounds: number;
  readonly directory: string;
  /** The directory as it was generated, which `source` holds. */
  readonly ldif: string;
  readonly source: Slapd;
  /** Empty, for Lockstep. */
  readonly targets: Readonly<Record<TargetName, Slapd>>;
  readonly lockstep: Lockstep;
  readonly store: BenchOptions['store'];
  readonly signal: AbortSignal;
}

/**
 * `durable`: as a server is by default, each write is on the disk before it is answered. `volatile`: it is left to the
 * system when it gets there (`dbnosync`), so that the disk hides nothing of the difference between the writers.
 */
export const targetSettings = {
  durable: { suffix: 'dc=replica,dc=org', dbnosync: false },
  volatile: { suffix: 'dc=replica,dc=org', dbnosync: true },
} as const;
export type TargetName = keyof typeof targetSettings;

/** Generates a directory, loads it into a server and makes an empty store; `directory` is to be removed by the caller. */
export async function openStage(
  options: BenchOptions,
  directory: string,
  signal: AbortSignal,
): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const { users, groups, rounds, profile } = options;
  await mkdir(directory);
  const ldif = join(directory, 'directory.ldif');
  await writeDirectory({ users, groups }, ldif);
  signal.throwIfAborted();
  const source = opened.use(await startSlapd({ ldif: { path: ldif }, dbnosync: true }));
  const targets = {
    durable: opened.use(await startSlapd(targetSettings.durable)),
    volatile: opened.use(await startSlapd(targetSettings.volatile)),
  };
  const store = await openPlace(options.store, directory, opened);
  const lockstep = await Lockstep.prepare({
    directory: join(directory, 'lockstep'),
    store,
    configuration: configurationFor(source, targets),
    profile,
    signal,
  });
  const stack = opened.move();
  return {
    users,
    groups,
    rounds,
    directory,
    ldif,
    source,
    targets,
    lockstep,
    store: options.store,
    signal,
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

/** A place for a store: a directory, or a database on a server of its own. */
export async function openPlace(
  store: BenchOptions['store'],
  directory: string,
  opened: AsyncDisposableStack,
): Promise<StoreArguments> {
  if (store === 'embedded') return ['--data', join(directory, 'data')];
  const postgres = opened.use(await startPostgres({ fsync: true }));
  return ['--database-url', await postgres.createDatabase()];
}

function connectionTo(slapd: Slapd) {
  return {
    type: 'ldap',
    url: slapd.url,
    bindDn: slapd.adminDn,
    password: slapd.password,
    baseDn: slapd.suffix,
  };
}

function configurationFor(source: Slapd, { durable, volatile }: Stage['targets']) {
  return {
    connections: {
      corp: connectionTo(source),
      durable: connectionTo(durable),
      volatile: connectionTo(volatile),
    },
    syncs: {
      'corp-in': {
        connection: 'corp',
        direction: 'ingress',
        scopes: [{ source: source.suffix, target: '/' }],
        onMissing: 'disable',
      },
      'durable-out': egressTo('durable', durable),
      'volatile-out': egressTo('volatile', volatile),
    },
  };
}

function egressTo(connection: TargetName, target: Slapd) {
  return {
    connection,
    direction: 'egress',
    scopes: [{ source: '/', target: target.suffix }],
    onMissing: 'delete',
  };
}
