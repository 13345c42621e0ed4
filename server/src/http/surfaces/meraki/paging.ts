import { decodeKey, encodeKey } from '../../../app/page.ts';
import type { ListKey, ListPage, SliceView } from '../../../app/slice-view.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { PagePlace } from './operation.ts';
import type { Query } from './query.ts';

/** What the first page starts after, and the last one ends before. */
export const beforeAll = '0';
export const behindAll = 'z';

export interface PerPage {
  readonly least: number;
  readonly most: number;
  readonly usual: number;
}

/** Paging parameters, as they came in the query or in the body of a search. */
export interface PageMembers {
  readonly perPage?: number | undefined;
  readonly startingAfter?: string | undefined;
  readonly endingBefore?: string | undefined;
}

export interface TokenPage {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/** The page that is asked for. A number of entries outside its bounds is moved to the nearer one. */
export function readTokenPage(query: Query, perPage: PerPage, members: PageMembers = {}): TokenPage {
  const asked = query.integer('perPage') ?? members.perPage ?? perPage.usual;
  const limit = Math.min(Math.max(asked, perPage.least), perPage.most);
  const after = query.text('startingAfter') ?? members.startingAfter;
  const before = query.text('endingBefore') ?? members.endingBefore;
  if (after !== undefined) return { limit, ...(after === beforeAll ? {} : { after }) };
  return before === undefined ? { limit } : { limit, before };
}

/** What a list is sorted by. */
type SortedBy = 'number' | 'string';

function decodeToken(name: string, token: string, sortedBy: SortedBy): ListKey {
  try {
    const [key = '', serial] = decodeKey(token, 2) ?? [];
    if (typeof key === sortedBy && typeof serial === 'number') return [key, serial];
  } catch {
    // Falls through to a refusal that names the parameter.
  }
  throw new LockstepError('InvalidRequest', `'${name}' is not a token of this list`, { field: name });
}

/** The page of a list that is asked for. @throws LockstepError InvalidRequest for a token of another list. */
export function readPage(
  query: Query,
  perPage: PerPage,
  members?: PageMembers,
  sortedBy: SortedBy = 'number',
): ListPage {
  const { limit, after, before } = readTokenPage(query, perPage, members);
  if (after !== undefined) return { limit, after: decodeToken('startingAfter', after, sortedBy) };
  if (before === undefined) return { limit };
  return { limit, before: before === behindAll ? null : decodeToken('endingBefore', before, sortedBy) };
}

export function placeOf(page: ListPage, slice: SliceView<unknown>): PagePlace {
  return {
    perPage: page.limit,
    first: slice.first && encodeKey(slice.first),
    last: slice.last && encodeKey(slice.last),
    hasPrevious: slice.preceding > 0,
    hasNext: slice.following > 0,
  };
}

/** `meta` of a list: what is left lies beyond the page in the direction of paging. */
export function renderMeta(total: number, remaining: number): unknown {
  return { counts: { items: { total, remaining } } };
}

/** A list with its counts and its place. */
export function renderSlice<Item>(
  page: ListPage,
  slice: SliceView<Item>,
  render: (item: Item) => unknown,
): { body: unknown; page: PagePlace } {
  const remaining = page.before === undefined ? slice.following : slice.preceding;
  return {
    body: { items: slice.items.map(render), meta: renderMeta(slice.total, remaining) },
    page: placeOf(page, slice),
  };
}
