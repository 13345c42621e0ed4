import type { ScimResource } from '../../scim/resource.ts';
import { idOf } from './resource-values.ts';

export interface ListRequest {
  /** `/Users` or `/Groups`. */
  readonly path: string;
  readonly filter?: string | undefined;
  readonly pageSize: number;
  /** Begin by cursor; what the first page brings decides, unless there is no other way. */
  readonly byCursor: boolean | 'always';
  readonly signal: AbortSignal;
}

/** What keeps a list from being whole; undefined: it was read to its end. */
export type ListEnd = { readonly reason: string | undefined; readonly warnings: readonly string[] };

/** One answer. */
export interface Page {
  readonly resources: readonly ScimResource[];
  /** What came in place of resources. */
  readonly strangers: number;
  readonly total: number | undefined;
  readonly nextCursor: string | undefined;
}

/** A list may not be longer than this: a service that goes on giving new resources is not believed to end. */
const mostResources = 10_000_000;

/** So many pages in a row may bring nothing new before a list by cursor is not believed to end. */
const mostFruitless = 100;

/** What is known of a list so far. */
export class ListReading {
  readonly warnings: string[] = [];
  isOver = false;
  /** Resources of all pages, also those that came twice. */
  seen = 0;
  cursor = '';
  byCursor: boolean;
  /** By POST to `.search` (RFC 7644 section 3.4.3): some services heed the place of a page there alone. */
  bySearch = false;
  readonly #request: ListRequest;
  readonly #ids = new Set<string>();
  readonly #cursors = new Set<string>();
  readonly #totals: number[] = [];
  #reason: string | undefined;
  #repeats = 0;
  #pages = 0;
  #fruitless = 0;
  #totalIsFalse = false;
  #strangers = 0;

  constructor(request: ListRequest) {
    this.#request = request;
    this.byCursor = request.byCursor !== false;
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
    // More than it told of.
    if (fresh.length > 0 && this.#totals.some((earlier) => earlier <= this.seen)) this.#totalIsFalse = true;
    if (total !== undefined) this.#totals.push(total);
    this.seen += resources.length + strangers;
    this.#repeats += resources.length - fresh.length;
    if (this.#pages === 1) this.#chooseWay(page);
    if (this.#doesNotTurnPages(fresh)) this.#turnToSearch();
    else this.isOver = this.byCursor ? this.#nextCursor(page) : fresh.length === 0;
    this.#fruitless = fresh.length > 0 ? 0 : this.#fruitless + 1;
    if (this.count > mostResources || (this.#fruitless > mostFruitless && !this.isOver))
      this.#stop('does not come to an end');
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

  /** Some services know cursors alone and do not say so; others say so and go by index. */
  #chooseWay({ nextCursor, total }: Page): void {
    if (this.#request.byCursor === 'always') return;
    if (nextCursor !== undefined) this.byCursor = true;
    else if (total === undefined || total > this.count) this.byCursor = false;
  }

  /** The first page came again in place of the second, and it is not everything. */
  #doesNotTurnPages(fresh: readonly ScimResource[]): boolean {
    const total = Math.max(0, ...this.#totals);
    if (this.#request.byCursor === 'always') return false;
    return fresh.length === 0 && this.#pages === 2 && this.#repeats === this.count && total > this.count;
  }

  #turnToSearch(): void {
    this.byCursor = false;
    this.bySearch = true;
    this.seen = this.count;
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
    if (this.#repeats > 0 && last !== this.count)
      return `changed while it was read: ${this.#repeats} resources came twice`;
    return undefined;
  }

  /** One that gave everything at once, or one that stopped at a limit of its own? Round numbers are such limits. */
  #unpaged(): string | undefined {
    const total = Math.max(0, ...this.#totals);
    if (total > this.count) return `gives the first ${this.count} of ${total} resources again and again`;
    if (this.count < this.#request.pageSize && this.count % 10 !== 0) return undefined;
    return `gives the same ${this.count} resources for every page; whether there are more cannot be told`;
  }
}
