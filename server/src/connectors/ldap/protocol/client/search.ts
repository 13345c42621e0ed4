import { BerReader, protocolError } from '../ber/reader.ts';
import type { Control } from '../controls/control.ts';
import { findPagedResults, pagedResults } from '../controls/pagedResults.ts';
import { RawSearchEntry } from '../messages/entry.ts';
import { operations } from '../messages/operations.ts';
import {
  search as searchOperation,
  type SearchParameters,
  type WriteOperation,
} from '../messages/requests.ts';
import { type LdapResult, ldapResultError, readResult, resultCodes } from '../messages/result.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import {
  type Connection,
  type Exchange,
  type Response,
  responseControls,
  responseReader,
} from './connection.ts';
import { Repetition } from './repetition.ts';

export interface SearchRequest extends SearchParameters {
  /** Entries per page (RFC 2696): all pages are walked, invisibly. Absent: one unpaged search. */
  readonly pageSize?: number | undefined;
  readonly controls?: readonly Control[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Most items of the whole search: more of them end it as LimitExceeded. Default 10,000,000. */
  readonly maxEntries?: number | undefined;
  /** Most items in one of `batches()`; default 1,000. */
  readonly batchSize?: number | undefined;
}

export type SearchItem =
  | { readonly type: 'entry'; readonly entry: RawSearchEntry }
  | { readonly type: 'reference'; readonly uris: readonly string[]; readonly controls: readonly Control[] }
  | IntermediateItem
  /** The last item of a search whose end does not say that it is the end. */
  | { readonly type: 'doubt'; readonly reason: string };

/** IntermediateResponse (RFC 4511 section 4.13), for instance a Sync Info Message. */
export interface IntermediateItem {
  readonly type: 'intermediate';
  readonly oid: string | undefined;
  readonly value: Buffer | undefined;
  readonly controls: readonly Control[];
}

/** The proof that a search came to its end. */
export interface SearchResult {
  /** The final response; of the last page. */
  readonly result: LdapResult;
  readonly entries: number;
  readonly references: number;
  readonly pages: number;
}

/**
 * The items of a search as they come. The socket is paused while the consumer lags; leaving the loop early abandons
 * the search. It can be iterated once.
 */
export interface Search extends AsyncIterable<SearchItem> {
  /** The fast way: arrays of items as they came off the wire. Throws what `done` rejects with. */
  batches(): AsyncGenerator<readonly SearchItem[], void, undefined>;
  /** Settles with the final response, so somebody must consume the items. Rejects with LdapError on a failure. */
  readonly done: Promise<SearchResult>;
}

/** Bytes held for a lagging consumer before the socket is paused. */
const highWater = 1 << 20;
/** Bytes held at most while other requests keep the socket open. */
const bufferLimit = 256 << 20;
/** From this many entries on, more are expected to be on their way. */
const bulkEntries = 100;
/** What an item costs beyond its own bytes, roughly. */
const itemOverhead = 200;
const maxEmptyPages = 1000;
const defaultMaxEntries = 10_000_000;
const brokenServer =
  'Look into the server, or into what stands between it and Lockstep: nothing was taken as gone.';

interface Batch {
  readonly items: SearchItem[];
  bytes: number;
}

/** @throws LockstepError InvalidFilter, ConnectionFailed */
export function startSearch(connection: Connection, request: SearchRequest): Search {
  return new RunningSearch(connection, request);
}

class RunningSearch implements Search, Exchange {
  readonly done: Promise<SearchResult>;
  readonly #connection: Connection;
  readonly #request: SearchRequest;
  readonly #write: WriteOperation;
  readonly #what: string;
  readonly #settle = Promise.withResolvers<SearchResult>();
  readonly #queue: Batch[] = [];
  readonly #batchSize: number;
  readonly #maxItems: number;
  readonly #repetition = new Repetition();
  readonly #abort = (): void => this.#cancel('the search was cancelled');
  #bytes = 0;
  #wake: (() => void) | undefined;
  #messageId = 0;
  /** Cookie of a page to be asked for once the consumer has caught up. */
  #nextPage: Buffer | undefined;
  #over = false;
  #error: LockstepError | undefined;
  #entries = 0;
  #references = 0;
  #pages = 0;
  #items = 0;
  #emptyPages = 0;
  #entriesBefore = 0;

  constructor(connection: Connection, request: SearchRequest) {
    this.#connection = connection;
    this.#request = request;
    this.#write = searchOperation(request);
    this.#what = `search below "${request.base}"`;
    this.#batchSize = request.batchSize ?? 1000;
    this.#maxItems = request.maxEntries ?? defaultMaxEntries;
    this.done = this.#settle.promise;
    // Whoever iterates learns of a failure there.
    this.done.catch(() => undefined);
    if (request.signal?.aborted)
      throw new LockstepError('Cancelled', `${this.#what}: the search was cancelled`);
    request.signal?.addEventListener('abort', this.#abort);
    this.#askForPage(Buffer.alloc(0));
  }

  receive(response: Response): boolean {
    switch (response.tag) {
      case operations.searchResultEntry:
        this.#entry(response);
        return this.#over;
      case operations.searchResultReference:
        this.#reference(response);
        return this.#over;
      case operations.intermediateResponse:
        this.#push(readIntermediate(response), response.stop - response.start);
        return this.#over;
      case operations.searchResultDone:
        this.#pageDone(readResult(responseReader(response), responseControls(response)));
        this.flush();
        return true;
      default:
        throw protocolError(`a response with tag 0x${response.tag.toString(16)} to a search`);
    }
  }

  fail(error: LockstepError): void {
    this.#finish(error);
  }

  flush(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  saturated(): boolean {
    return this.#bytes >= highWater;
  }

  isBulk(): boolean {
    return this.#entries >= bulkEntries;
  }

  async *batches(): AsyncGenerator<readonly SearchItem[], void, undefined> {
    try {
      for (;;) {
        const batch = this.#queue.shift();
        if (batch) {
          this.#bytes -= batch.bytes;
          this.#caughtUp();
          yield batch.items;
        } else if (this.#over) {
          if (this.#error) throw this.#error;
          return;
        } else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
        }
      }
    } finally {
      if (!this.#over) this.#cancel('the search was not read to its end');
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SearchItem, void, undefined> {
    for await (const batch of this.batches()) yield* batch;
  }

  #entry(response: Response): void {
    const { buffer, start, stop, controlsStop } = response;
    this.#entries += 1;
    if (this.#repetition.note(buffer, start, stop)) {
      throw protocolError(`${this.#what}: the server sends the same entries again and again`, brokenServer);
    }
    this.#push({ type: 'entry', entry: new RawSearchEntry(buffer, start, stop, controlsStop) }, stop - start);
  }

  #reference(response: Response): void {
    const reader = responseReader(response);
    const uris: string[] = [];
    while (!reader.done) uris.push(reader.text());
    this.#references += 1;
    this.#push(
      { type: 'reference', uris, controls: responseControls(response) },
      response.stop - response.start,
    );
  }

  #push(item: SearchItem, bytes: number): void {
    this.#items += 1;
    if (this.#items > this.#maxItems) this.#refuseMore();
    let batch = this.#queue.at(-1);
    if (batch === undefined || batch.items.length >= this.#batchSize) {
      batch = { items: [], bytes: 0 };
      this.#queue.push(batch);
    }
    batch.items.push(item);
    batch.bytes += bytes + itemOverhead;
    this.#bytes += bytes + itemOverhead;
    if (this.#bytes > bufferLimit) {
      const message = `${this.#what}: more than ${bufferLimit} bytes wait for a consumer that does not read; use pageSize`;
      this.#connection.abandon(this.#messageId, new LockstepError('LimitExceeded', message));
    }
  }

  /** A search may be endless without repeating anything. */
  #refuseMore(): never {
    const message = `${this.#what}: the server sent more than ${this.#maxItems} entries`;
    throw new LockstepError('LimitExceeded', message, {
      field: 'maxEntries',
      remedy: 'Raise maxEntries of the connection if the directory is meant to hold so many.',
    });
  }

  #pageDone(result: LdapResult): void {
    this.#pages += 1;
    if (result.code !== resultCodes.success) {
      this.#finish(ldapResultError(result, this.#what));
      return;
    }
    const { pageSize } = this.#request;
    const cookie = pageSize === undefined ? undefined : findPagedResults(result.controls)?.cookie;
    const inPage = this.#entries - this.#entriesBefore;
    if (cookie === undefined || cookie.length === 0) {
      if (cookie === undefined && pageSize !== undefined) this.#doubtEnd(inPage, pageSize);
      this.#finish(undefined, result);
      return;
    }
    this.#emptyPages = inPage === 0 ? this.#emptyPages + 1 : 0;
    this.#entriesBefore = this.#entries;
    if (this.#emptyPages > maxEmptyPages)
      throw protocolError(`${this.#what}: ${maxEmptyPages} empty pages in a row`, brokenServer);
    if (this.saturated()) this.#nextPage = cookie;
    else this.#askForPage(cookie);
  }

  /**
   * Without the control a server ignored that pages were asked for (and sent everything), or something on the way took
   * it away: then a page that is full, or not the first one, need not be the last.
   */
  #doubtEnd(inPage: number, pageSize: number): void {
    if (this.#pages === 1 && inPage !== pageSize) return;
    const reason = `page ${this.#pages} of the ${this.#what} came without the control that says whether it is the last (RFC 2696)`;
    this.#push({ type: 'doubt', reason }, 0);
  }

  #caughtUp(): void {
    const cookie = this.#nextPage;
    if (cookie !== undefined && !this.saturated()) {
      this.#nextPage = undefined;
      try {
        this.#askForPage(cookie);
      } catch (error) {
        this.#finish(error as LockstepError);
      }
    }
    this.#connection.reconsider();
  }

  #askForPage(cookie: Buffer): void {
    const { pageSize, controls = [] } = this.#request;
    const all = pageSize === undefined ? controls : [...controls, pagedResults(pageSize, cookie)];
    this.#messageId = this.#connection.send(this.#write, all, this, this.#what);
  }

  #cancel(reason: string): void {
    const error = new LockstepError('Cancelled', `${this.#what}: ${reason}`);
    this.#nextPage = undefined;
    this.#connection.abandon(this.#messageId, error);
    this.#finish(error);
  }

  #finish(error: LockstepError | undefined, result?: LdapResult): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#request.signal?.removeEventListener('abort', this.#abort);
    if (error) this.#settle.reject(error);
    else if (result) {
      const { entries, references, pages } = {
        entries: this.#entries,
        references: this.#references,
        pages: this.#pages,
      };
      this.#settle.resolve({ result, entries, references, pages });
    }
    this.flush();
  }
}

/** @throws LockstepError ProtocolError */
export function readIntermediate(response: Response): IntermediateItem {
  const reader: BerReader = responseReader(response);
  const oid = reader.peek() === 0x80 ? reader.text(0x80) : undefined;
  const value = reader.peek() === 0x81 ? Buffer.from(reader.octets(0x81)) : undefined;
  return { type: 'intermediate', oid, value, controls: responseControls(response) };
}
