import { setTimeout as sleep } from 'node:timers/promises';
import type { Control } from '../controls/control.ts';
import type { AttributeBytes, Modification, NewName } from '../messages/requests.ts';
import type { LdapResult } from '../messages/result.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { parseLdapUrl, renderAddress } from './address.ts';
import {
  type AttributeValues,
  type BindCredentials,
  connectLdap,
  type LdapClient,
  type LdapClientOptions,
} from './client.ts';
import type { Answer } from './exchange.ts';
import type { Search, SearchItem, SearchRequest, SearchResult } from './search.ts';

export interface ReconnectOptions {
  /** Attempts to connect before an operation fails; default 5. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled for each further one; default 200. */
  readonly firstDelayMs?: number;
  /** Longest wait between two attempts; default 10,000. */
  readonly maxDelayMs?: number;
  /** Waits; a test may say how. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
}

/**
 * A client that connects when it is first used, and again (TLS and bind included) after its connection was lost.
 * Operations that were in flight then fail with ConnectionFailed and are not repeated: only the caller knows whether
 * that is safe. The next operation waits for the new connection.
 */
export function reconnectingLdap(options: LdapClientOptions, reconnect: ReconnectOptions = {}): LdapClient {
  return new ReconnectingClient(options, reconnect);
}

class ReconnectingClient implements LdapClient {
  readonly name: string;
  readonly #options: LdapClientOptions;
  readonly #reconnect: Required<ReconnectOptions>;
  #bind: BindCredentials | undefined;
  #client: Promise<LdapClient> | undefined;
  #connected: LdapClient | undefined;
  #closed = false;

  constructor(options: LdapClientOptions, reconnect: ReconnectOptions) {
    this.name = renderAddress(parseLdapUrl(options.url).address);
    this.#options = options;
    this.#bind = options.bind;
    this.#reconnect = { attempts: 5, firstDelayMs: 200, maxDelayMs: 10_000, wait: sleep, ...reconnect };
  }

  get alive(): boolean {
    return this.#connected?.alive ?? false;
  }

  search(request: SearchRequest): Search {
    return new DeferredSearch(this.#get(), request);
  }

  async add(dn: string, attributes: AttributeValues, controls?: readonly Control[]): Promise<LdapResult> {
    return (await this.#get()).add(dn, attributes, controls);
  }

  async modify(
    dn: string,
    modifications: readonly Modification[],
    controls?: readonly Control[],
  ): Promise<LdapResult> {
    return (await this.#get()).modify(dn, modifications, controls);
  }

  async modifyDn(dn: string, name: NewName, controls?: readonly Control[]): Promise<LdapResult> {
    return (await this.#get()).modifyDn(dn, name, controls);
  }

  async delete(dn: string, controls?: readonly Control[]): Promise<LdapResult> {
    return (await this.#get()).delete(dn, controls);
  }

  async compare(
    dn: string,
    attribute: string,
    value: AttributeBytes,
    controls?: readonly Control[],
  ): Promise<boolean> {
    return (await this.#get()).compare(dn, attribute, value, controls);
  }

  async extended(oid: string, value?: Uint8Array, controls?: readonly Control[]): Promise<Answer> {
    return (await this.#get()).extended(oid, value, controls);
  }

  async bind(credentials: BindCredentials): Promise<void> {
    const client = await this.#get();
    await client.bind(credentials);
    this.#bind = credentials;
  }

  async whoAmI(): Promise<string> {
    return (await this.#get()).whoAmI();
  }

  async unbind(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => undefined);
    await client?.unbind();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unbind();
  }

  #get(): Promise<LdapClient> {
    const lost = this.#connected !== undefined && !this.#connected.alive;
    if (this.#client === undefined || lost) {
      this.#connected = undefined;
      const client = this.#connect();
      this.#client = client;
      // An attempt that failed must not answer the operations of later: they try again.
      client.catch(() => {
        if (this.#client === client) this.#client = undefined;
      });
    }
    return this.#client;
  }

  async #connect(): Promise<LdapClient> {
    const { attempts, firstDelayMs, maxDelayMs, wait } = this.#reconnect;
    for (let attempt = 1; ; attempt += 1) {
      if (this.#closed)
        throw new LockstepError('ConnectionFailed', `${this.name}: the connection was closed`);
      try {
        this.#connected = await connectLdap({ ...this.#options, bind: this.#bind });
        return this.#connected;
      } catch (error) {
        const again = error instanceof LockstepError && error.code === 'ConnectionFailed';
        if (!again || attempt >= attempts || this.#options.signal?.aborted) throw error;
      }
      await wait(Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1)));
    }
  }
}

/** A search that begins as soon as there is a connection. */
class DeferredSearch implements Search {
  readonly done: Promise<SearchResult>;
  readonly #search: Promise<Search>;

  constructor(client: Promise<LdapClient>, request: SearchRequest) {
    this.#search = client.then((connected) => connected.search(request));
    this.done = this.#search.then((search) => search.done);
    this.done.catch(() => undefined);
  }

  async *batches(): AsyncGenerator<readonly SearchItem[], void, undefined> {
    yield* (await this.#search).batches();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SearchItem, void, undefined> {
    for await (const batch of this.batches()) yield* batch;
  }
}
