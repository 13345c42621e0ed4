import { setTimeout as delay } from 'node:timers/promises';
import type { RouteResponse } from '@lockstep/contract/route.ts';
import type { OperationId, routes } from '@lockstep/contract/routes.ts';
import { LockstepError, type ErrorCode } from '../kernel/errors.ts';
import type { ApiClient, CallOf } from './client.ts';
import type { LocalRuntime } from './local-runtime.ts';
import { exitCodeOf, terminated } from './signals.ts';
import {
  locateStore,
  requireStore,
  storeArguments,
  type StoreLocation,
  type StoreOptions,
} from './store-location.ts';

/** How long a command waits for who holds the data directory to answer or let go of it, or for a database to be back. */
const takeoverMilliseconds = 30_000;

export interface SessionOptions {
  /** Whether this process runs jobs when it has to open the store itself. */
  readonly worker: boolean;
  /** Whether a store that is not there yet is made. */
  readonly create: boolean;
}

interface Opened {
  readonly client: ApiClient;
  readonly local: LocalRuntime | undefined;
}

/**
 * The native API of one store: through the process that holds the data directory if there is one, else through a
 * runtime in this process that listens on the same socket. Commands see no difference.
 */
export class Session implements AsyncDisposable {
  readonly #reopen: () => Promise<Opened>;
  #opened: Opened;
  #ended = false;

  /** What other commands have to be given to find the same store: for those that are told to a person. */
  readonly storeArguments: string;

  private constructor(reopen: () => Promise<Opened>, opened: Opened, named: string) {
    this.#reopen = reopen;
    this.#opened = opened;
    this.storeArguments = named;
  }

  /** A signal ends the process after the store is closed: jobs stop at their next safe point. */
  static async open(location: StoreLocation, options: SessionOptions): Promise<Session> {
    if (!options.create) requireStore(location);
    const reopen = () => openEither(location, options, ['DataDirectoryLocked', 'StoreUnavailable']);
    const opened = await openEither(location, options, ['DataDirectoryLocked']);
    const session = new Session(reopen, opened, storeArguments(location));
    void terminated().then(async (signal) => {
      await session.close();
      process.exit(exitCodeOf(signal));
    });
    return session;
  }

  /** A session with a runtime that the caller has opened and will close. */
  static around(runtime: LocalRuntime, named: string): Session {
    const opened = { client: runtime.client, local: undefined };
    return new Session(() => Promise.resolve(opened), opened, named);
  }

  /** Whether the store is open in this process, so that its end is the end of running jobs. */
  get isLocal(): boolean {
    return this.#opened.local !== undefined;
  }

  get client(): ApiClient {
    return this.#opened.client;
  }

  async call<Id extends OperationId>(id: Id, call: CallOf<Id>): Promise<RouteResponse<(typeof routes)[Id]>> {
    return this.client.call(id, call);
  }

  /** After ConnectionLost: the process that answered has gone, so another one is found or the store opened here. */
  async reopen(): Promise<void> {
    this.refuseEnded();
    await this.#opened.local?.[Symbol.asyncDispose]();
    this.#opened = await this.#reopen();
  }

  /**
   * @param remedy what becomes of the work that broke off
   * @throws LockstepError Cancelled after a signal, which what was under way broke off for.
   */
  refuseEnded(remedy?: string): void {
    if (this.#ended) throw new LockstepError('Cancelled', 'The command was ended.', { remedy });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#opened.local?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A session for what `--data` or `--database-url` name. */
export async function openSession(
  options: StoreOptions,
  sessionOptions: Partial<SessionOptions> = {},
  configurationFile?: string,
): Promise<Session> {
  const location = locateStore(options, configurationFile);
  return Session.open(location, { worker: false, create: false, ...sessionOptions });
}

/**
 * @param passing errors that are waited out: a directory that is held and not listened on yet, or not any more; a
 * database that was there before, and is being started again.
 */
async function openEither(
  location: StoreLocation,
  options: SessionOptions,
  passing: readonly ErrorCode[],
): Promise<Opened> {
  const { connectToRunning, openLocalRuntime } = await import('./local-runtime.ts');
  const deadline = Date.now() + takeoverMilliseconds;
  for (;;) {
    const running = await connectToRunning(location);
    if (running !== undefined) return { client: running, local: undefined };
    try {
      const local = await openLocalRuntime(location, options);
      return { client: local.client, local };
    } catch (error) {
      const passes = error instanceof LockstepError && passing.includes(error.code);
      if (!passes || Date.now() > deadline) throw error;
      await delay(200);
    }
  }
}
