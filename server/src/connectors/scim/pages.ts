import { LockstepError } from '../../kernel/errors.ts';
import { isJsonList, isJsonObject, readAttribute, type JsonObject, type ScimResource } from '../../scim/resource.ts';
import type { ScimClient } from './client.ts';
import { faultOf } from './errors.ts';

export interface ListRequest {
  /** `/Users` or `/Groups`. */
  readonly path: string;
  readonly filter?: string | undefined;
  readonly pageSize: number;
  readonly byCursor: boolean;
  /** A full page proves nothing: the service may have cut the list there and told nobody. */
  readonly listsLie: boolean;
  readonly signal: AbortSignal;
}

/** What keeps a list from being whole; undefined: it was read to its end. */
export type ListEnd = { readonly reason: string | undefined; readonly warnings: readonly string[] };

interface Page {
  readonly resources: readonly ScimResource[];
  /** What came in place of resources. */
  readonly strangers: number;
  readonly total: number | undefined;
  readonly nextCursor: string | undefined;
}

/** A list may not be longer than this: a service that goes on giving new resources is not believed to end. */
const mostResources = 10_000_000;

/**
 * Reads a list to its end, each resource once, by index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865). By index it
 * goes on until a page brings nothing new, since totals are not always true and pages are often cut shorter than asked
 * for. It ends when the service repeats itself.
 * @throws LockstepError for the first page; later ones end the list with a reason
 */
export async function* readList(
  client: ScimClient,
  request: ListRequest,
): AsyncGenerator<readonly ScimResource[], ListEnd> {
  const reading = new ListReading(request);
  try {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a page follows from the one before
      const page = await fetchPage(client, request, reading);
      if (page === 'end') return reading.end();
      const fresh = reading.take(page);
      if (fresh.length > 0) yield fresh;
      if (reading.isOver) return reading.end();
    }
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'Cancelled' || reading.count === 0) throw error;
    return { reason: `${request.path} broke off after ${reading.count} resources: ${error.message}`, warnings: reading.warnings };
  }
}

async function fetchPage(
  client: ScimClient,
  { path, filter, pageSize, byCursor, signal }: ListRequest,
  reading: ListReading,
): Promise<Page | 'end'> {
  const place = byCursor ? { cursor: reading.cursor } : { startIndex: reading.seen + 1 };
  const response = await client.send({ method: 'GET', path, query: { ...place, count: pageSize, filter }, signal });
  if (response.status === 200) return parsePage(response.body, path);
  // Some services refuse to look behind their last page.
  if (reading.count > 0 && !byCursor && (response.status === 400 || response.status === 404)) return 'end';
  const { detail } = faultOf(response.status, response.body);
  const code = response.status === 403 ? 'Forbidden' : response.status === 404 ? 'NotFound' : 'ProtocolError';
  const said = detail === '' ? '' : `: ${detail}`;
  throw new LockstepError(code, `${path} cannot be read: the SCIM service answered ${response.status}${said}`, {
    remedy: 'Check url, and that the credentials may read.',
  });
}

function parsePage(body: unknown, path: string): Page {
  if (!isJsonObject(body)) throw notAList(path);
  const resources = readAttribute(body, 'Resources');
  const total = numberOf(body, 'totalResults');
  if (resources === undefined && total === undefined) throw notAList(path);
  if (resources !== undefined && !isJsonList(resources)) throw notAList(path);
  const list = resources ?? [];
  const usable = list.filter((item): item is JsonObject => isJsonObject(item) && idOf(item) !== undefined);
  const cursor = readAttribute(body, 'nextCursor');
  return {
    resources: usable,
    strangers: list.length - usable.length,
    total,
    nextCursor: typeof cursor === 'string' && cursor !== '' ? cursor : undefined,
  };
}

function notAList(path: string): LockstepError {
  return new LockstepError('ProtocolError', `${path} cannot be read: the answer is no list of resources`, {
    remedy: 'Check that url is the base address of a SCIM 2.0 service.',
  });
}

function numberOf(body: JsonObject, name: string): number | undefined {
  const number = Number(readAttribute(body, name) ?? Number.NaN);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** The id of a resource; some services give numbers. */
export function idOf(resource: ScimResource): string | undefined {
  const id = readAttribute(resource, 'id');
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && id !== '' && id.length <= 1000 ? id : undefined;
}

/** What is known of a list so far. */
class ListReading {
  readonly warnings: string[] = [];
  isOver = false;
  /** Resources of all pages, also those that came twice. */
  seen = 0;
  cursor = '';
  readonly #request: ListRequest;
  readonly #ids = new Set<string>();
  readonly #cursors = new Set<string>();
  readonly #totals: number[] = [];
  #reason: string | undefined;
  #repeats = 0;
  #pages = 0;
  #totalIsFalse = false;
  #strangers = 0;

  constructor(request: ListRequest) {
    this.#request = request;
  }

  get count(): number {
    return this.#ids.size;
  }

  /** The resources of a page that are new. */
  take(page: Page): readonly ScimResource[] {
    const { resources, strangers, total } = page;
    this.#pages += 1;
    this.#strangers += strangers;
    const fresh = resources.filter((resource) => this.#isNew(idOf(resource) ?? ''));
    if (resources.length + strangers > 0 && this.#totals.some((earlier) => earlier <= this.seen) && fresh.length > 0)
      this.#totalIsFalse = true;
    if (total !== undefined) this.#totals.push(total);
    this.seen += resources.length + strangers;
    this.#repeats += resources.length - fresh.length;
    this.isOver = this.#request.byCursor ? this.#nextCursor(page) : fresh.length === 0;
    if (this.count > mostResources) this.#stop('does not come to an end');
    return fresh;
  }

  end(): ListEnd {
    const { path } = this.#request;
    const reason = this.#reason ?? this.#whatIsMissing();
    return { reason: reason === undefined ? undefined : `${path} ${reason}`, warnings: this.warnings };
  }

  #isNew(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    return true;
  }

  /** Whether the list is over. A cursor that came before would lead in a circle. */
  #nextCursor({ nextCursor }: Page): boolean {
    if (nextCursor === undefined) return true;
    if (this.#cursors.has(nextCursor)) {
      this.#stop('repeats a cursor');
      return true;
    }
    this.#cursors.add(nextCursor);
    this.cursor = nextCursor;
    return false;
  }

  #stop(reason: string): void {
    this.#reason ??= reason;
    this.isOver = true;
  }

  #whatIsMissing(): string | undefined {
    const last = this.#totals.at(-1);
    if (this.#strangers > 0) return `has ${this.#strangers} resources without an id`;
    // The first page came again in place of the second: the service does not turn pages.
    if (this.#repeats > 0 && this.#pages === 2 && this.#repeats === this.count) return this.#unpaged();
    if (this.#totalIsFalse) return undefined;
    const most = Math.max(0, ...this.#totals);
    if (most > this.count) return `told of ${most} resources and gave ${this.count}`;
    if (this.#repeats > 0 && last !== this.count) return `changed while it was read: ${this.#repeats} resources came twice`;
    return undefined;
  }

  /** One that gave everything at once, or one that stopped at a limit of its own? Round numbers are such limits. */
  #unpaged(): string | undefined {
    const total = Math.max(0, ...this.#totals);
    if (total > this.count) return `gives the first ${this.count} of ${total} resources again and again`;
    const isRound = this.count % 10 === 0 || this.count >= this.#request.pageSize;
    return isRound && (this.#request.listsLie || this.count % 50 === 0 || this.count === this.#request.pageSize)
      ? `gives the same ${this.count} resources for every page; whether there are more cannot be told`
      : undefined;
  }
}
