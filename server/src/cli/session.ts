import { setTimeout as delay } from 'node:timers/promises';
import type { RouteResponse } from '@lockstep/contract/route.ts';
import type { OperationId, routes } from '@lockstep/contract/routes.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { ApiClient, CallOf } from './client.ts';
import type { LocalRuntime } from './local-runtime.ts';
import { locateStore, requireStore, type StoreLocation, type StoreOptions } from './store-location.ts';

/** How long a command waits for the process that holds the data directory to answer, or to let go of it. */
const takeoverMilliseconds = 30_000;

export interface SessionOptions {
  /** Whether this process runs jobs when it has to open the store itself. */
  readonly worker: boolean;
  /** Whether a store that is not there yet is made. */
  readonly create: boolean;
}

/**
 * The native API of one store: through the process that holds the data directory if there is one, else through a
 * runtime in this process that listens on the same socket. Commands see no difference.
 */
export class Session implements AsyncDisposable {
  readonly #location: StoreLocation;
  readonly #options: SessionOptions;
  #client: ApiClient;
  #local: LocalRuntime | undefined;

  private constructor(location: StoreLocation, options: SessionOptions, opened: Opened) {
    this.#location = location;
    this.#options = options;
    this.#client = opened.client;
    this.#local = opened.local;
  }

  static async open(location: StoreLocation, options: SessionOptions): Promise<Session> {
    if (!options.create) requireStore(location);
    return new Session(location, options, await openEither(location, options));
  }

  /** Whether the store is open in this process, so that its end is the end of running jobs. */
  get isLocal(): boolean {
    return this.#local !== undefined;
  }

  get client(): ApiClient {
    return this.#client;
  }

  async call<Id extends OperationId>(id: Id, call: CallOf<Id>): Promise<RouteResponse<(typeof routes)[Id]>> {
    return this.#client.call(id, call);
  }

  /** After ConnectionLost: the process that answered has gone, so another one is found or the store opened here. */
  async reopen(): Promise<void> {
    await this.close();
    const opened = await openEither(this.#location, this.#options);
    this.#client = opened.client;
    this.#local = opened.local;
  }

  async close(): Promise<void> {
    const local = this.#local;
    this.#local = undefined;
    await local?.close();
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

interface Opened {
  readonly client: ApiClient;
  readonly local: LocalRuntime | undefined;
}

async function openEither(location: StoreLocation, options: SessionOptions): Promise<Opened> {
  const { connectToRunning, openLocalRuntime } = await import('./local-runtime.ts');
  const deadline = Date.now() + takeoverMilliseconds;
  for (;;) {
    const running = await connectToRunning(location);
    if (running !== undefined) return { client: running, local: undefined };
    try {
      const local = await openLocalRuntime(location, options);
      return { client: local.client, local };
    } catch (error) {
      // Held, but not listening yet, or not any more: both pass.
      const held = error instanceof LockstepError && error.code === 'DataDirectoryLocked';
      if (!held || Date.now() > deadline) throw error;
      await delay(200);
    }
  }
}
