import { rename, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import type { Application, ConnectorRegistry } from './app/application.ts';
import { bootstrapInstallation, isInstalled, type AdministratorCredentials } from './app/installation.ts';
import { removeUnsentBackups } from './app/backup.ts';
import { makeJobRunner } from './app/job-runner.ts';
import { continuousSyncs } from './app/continuous-syncs.ts';
import { keepForgetting } from './app/retention.ts';
import type { Retention } from './app/retention.ts';
import { purgeExpiredPasswords } from './app/pending-passwords.ts';
import { scheduledSyncs } from './app/schedules.ts';
import { entraConnector } from './connectors/entra/connector.ts';
import { eventCallbackConnector } from './connectors/event-callback/connector.ts';
import { fileConnector } from './connectors/file/connector.ts';
import { ldapConnector } from './connectors/ldap/connector.ts';
import { scimConnector } from './connectors/scim/connector.ts';
import { scimServerConnector } from './connectors/scim/pushed-connector.ts';
import { listenLocal } from './http/local-socket.ts';
import { buildServer } from './http/server.ts';
import { openQueue, type JobQueue } from './jobs/queue.ts';
import { Scheduler } from './jobs/scheduler.ts';
import { systemClock } from './kernel/clock.ts';
import { LockstepError } from './kernel/errors.ts';
import { loadSecretBox } from './secrets/master-key.ts';
import { openStore } from './store/open.ts';
import type { Connector } from './sync/connector.ts';
import { openLog, type LogLevel } from './telemetry/log.ts';
import { recurringErrors } from './telemetry/recurring-errors.ts';

/** What a process does; each role may be left out. */
export interface Roles {
  /** API and console on a port; port 0 takes a free one. */
  readonly http?: { readonly host: string; readonly port: number } | undefined;
  /** Runs jobs, so many at a time. */
  readonly worker?: { readonly concurrency: number } | undefined;
  /** Starts syncs by their schedules. */
  readonly scheduler?: boolean | undefined;
  /** The API on a unix socket, for this user of this machine, who acts as the administrator. */
  readonly localSocket?: string | undefined;
}

export interface RuntimeOptions {
  /** Directory of the embedded store; or `databaseUrl`. */
  readonly data?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Where the key of a store on a server is made if none is given; that of an embedded one lies in its directory. */
  readonly keyFolder?: string | undefined;
  readonly roles: Roles;
  /** Relative paths of connections start here; the working directory when not given. */
  readonly baseDirectory?: string | undefined;
  /** Where a new installation's credentials go: `admin.json` in the data directory, else in the working directory. */
  readonly administratorFile?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
  /** Where clients reach the API, `https://host`; without it, where their requests say. */
  readonly publicUrl?: string | undefined;
  /** For how long the scheduler keeps what ended jobs leave behind. */
  readonly retention?: Retention | undefined;
}

/** A running process. Disposing it ends every role, then closes the store. */
export interface Runtime extends AsyncDisposable {
  readonly application: Application;
  /** `http://HOST:PORT` of the http role. */
  readonly address: string | undefined;
  /** Credentials of the administrator, if this process made the installation. */
  readonly credentials: AdministratorCredentials | undefined;
}

const connectors: ConnectorRegistry = new Map(
  [
    ldapConnector as Connector,
    entraConnector as Connector,
    eventCallbackConnector as Connector,
    fileConnector as Connector,
    scimConnector as Connector,
    scimServerConnector as Connector,
  ].map((connector) => [connector.type, connector]),
);
const consoleDirectory = join(import.meta.dirname, '../../console/public');

/** Whole or not at all, and for its owner only. */
async function keepCredentials(path: string, credentials: AdministratorCredentials): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600, flush: true });
  await rename(temporary, path);
}

function urlOf(address: AddressInfo | string | null): string | undefined {
  if (address === null || typeof address === 'string') return undefined;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}

/**
 * Opens the store, makes the installation if there is none, and starts the roles. What was begun is ended again when
 * a later step fails.
 * @throws LockstepError DataDirectoryLocked, StoreUnavailable, InvalidConfiguration.
 */
export async function composeRuntime(options: RuntimeOptions): Promise<Runtime> {
  await using opened = new AsyncDisposableStack();
  const { data, databaseUrl, roles } = options;
  if ((data === undefined) === (databaseUrl === undefined)) {
    throw new LockstepError('InvalidRequest', 'exactly one of a data directory and a database URL is needed');
  }
  const log = openLog(options.logLevel ?? 'warn');
  const onError = recurringErrors(log, systemClock);
  const store = opened.use(
    await openStore(data === undefined ? { databaseUrl: databaseUrl ?? '' } : { data: resolve(data) }),
  );
  if (store.dataDirectory !== undefined) await removeUnsentBackups(store.dataDirectory);
  const vault = await loadSecretBox({
    keyFile: options.keyFile,
    folder: store.dataDirectory ?? options.keyFolder,
    isInUse: await isInstalled(store),
  });
  const administratorFile = options.administratorFile ?? join(store.dataDirectory ?? '.', 'admin.json');
  const credentials = await bootstrapInstallation({ store, vault, clock: systemClock }, async (made) =>
    keepCredentials(administratorFile, made),
  );
  const queue = opened.use(await openQueue(store, { onError }));
  const application: Application = {
    store,
    queue,
    connectors,
    vault,
    clock: systemClock,
    baseDirectory: resolve(options.baseDirectory ?? '.'),
  };
  await startWorker(application, queue, roles);
  startScheduler(application, opened, options, onError);
  const address = await startServers(application, opened, options, log);
  const stack = opened.move();
  return { application, address, credentials, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
}

async function startWorker(application: Application, queue: JobQueue, roles: Roles): Promise<void> {
  if (roles.worker === undefined) return;
  const runner = makeJobRunner(application);
  await queue.work(roles.worker.concurrency, async ({ jobId }, signal) => runner.run(jobId, signal));
}

/** Milliseconds between two looks for passwords that nobody wrote in time. */
const purgeEvery = 60_000;

function startScheduler(
  application: Application,
  opened: AsyncDisposableStack,
  { roles, retention }: RuntimeOptions,
  onError: (error: unknown) => void,
): void {
  if (roles.scheduler !== true) return;
  for (const syncs of [scheduledSyncs(application), continuousSyncs(application)]) {
    const scheduler = new Scheduler({ syncs, clock: systemClock, onError });
    opened.defer(async () => scheduler.stop());
    void scheduler.run();
  }
  const purging = setInterval(
    () => void purgeExpiredPasswords(application).catch(onError),
    purgeEvery,
  ).unref();
  opened.defer(() => clearInterval(purging));
  if (retention === undefined) return;
  const ending = new AbortController();
  const forgetting = keepForgetting(application, retention, onError, ending.signal);
  opened.defer(async () => {
    ending.abort();
    await forgetting;
  });
}

async function startServers(
  application: Application,
  opened: AsyncDisposableStack,
  { roles, publicUrl }: RuntimeOptions,
  logger: ReturnType<typeof openLog>,
): Promise<string | undefined> {
  const { version } = packageJson;
  if (roles.localSocket !== undefined) {
    const local = await listenLocal(application, roles.localSocket, { version, logger });
    opened.defer(async () => local.close());
  }
  if (roles.http === undefined) return undefined;
  const { everySurface: surfaces } = await import('./http/every-surface.ts');
  const server = buildServer(application, { version, surfaces, logger, consoleDirectory, publicUrl });
  opened.defer(async () => server.close());
  await listen(server, roles.http);
  return urlOf(server.server.address());
}

/** @throws LockstepError InvalidConfiguration when the address is taken or not this machine's. */
async function listen(
  server: ReturnType<typeof buildServer>,
  at: { host: string; port: number },
): Promise<void> {
  try {
    await server.listen(at);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: 'is in use by another program',
      EADDRNOTAVAIL: 'is no address of this machine',
      EACCES: 'may not be used by this account',
    };
    const reason = typeof code === 'string' ? reasons[code] : undefined;
    if (reason === undefined) throw error;
    throw new LockstepError('InvalidConfiguration', `${at.host}:${at.port} ${reason}`, {
      field: '--listen',
      remedy: 'Give another address or port; port 0 takes a free one.',
      cause: error,
    });
  }
}
