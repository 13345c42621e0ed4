import { parseJsonBody } from '../../json-body.ts';
import { invalid, invalidPage } from './errors.ts';
import type { Query } from './operation.ts';
import { parseUuid } from './uuid.ts';

const defaultPageSize = 100;
const largestPageSize = 1000;

/** Where a numbered page begins and how many items it has. */
export interface Span {
  readonly offset: number;
  readonly limit: number;
}

function pageSize(query: Query): number {
  const given = query['page_size']?.at(-1) ?? '';
  if (!/^\d{1,9}$/.test(given) || Number(given) === 0) return defaultPageSize;
  return Math.min(Number(given), largestPageSize);
}

function pageNumber(query: Query, last: number): number {
  const given = query['page']?.at(-1) || '1';
  const number = given === 'last' ? last : Number(given);
  if (!Number.isSafeInteger(number) || number < 1 || number > last) throw invalidPage();
  return number;
}

/**
 * The page that a query asks for, in the envelope of this API: `next` and `previous` are page numbers, 0 for none.
 * @param load gives the items of a span
 * @throws AuthentikError 404 for a page that there is not.
 */
export async function renderPage<Item>(
  query: Query,
  total: number,
  load: (span: Span) => Promise<readonly Item[]>,
): Promise<object> {
  const size = pageSize(query);
  const pages = Math.max(1, Math.ceil(total / size));
  const current = pageNumber(query, pages);
  const offset = (current - 1) * size;
  const results = total === 0 ? [] : await load({ offset, limit: size });
  return {
    pagination: {
      next: current < pages ? current + 1 : 0,
      previous: current - 1,
      count: total,
      current,
      total_pages: pages,
      start_index: total === 0 ? 0 : offset + 1,
      end_index: Math.min(offset + size, total),
    },
    autocomplete: {},
    results,
  };
}

type Sortable = string | number | boolean | null | undefined;
/** How members of an item are read for ordering. */
export type Orderings<Item> = Readonly<Record<string, (item: Item) => Sortable>>;

function compare(left: Sortable, right: Sortable): number {
  const [a, b] = [left ?? '', right ?? ''];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface Sorting<Column extends string> {
  readonly column: Column;
  readonly descending: boolean;
}

/** What `ordering` asks for, a list of members of which a minus reverses one; unknown ones are passed over. */
export function orderOf<Column extends string>(
  query: Query,
  columns: Readonly<Record<string, Column>>,
  byDefault: Column,
): Sorting<Column>[] {
  const named = (query['ordering']?.at(-1) ?? '').split(',').map((name) => name.trim());
  const found = named.flatMap((name) => {
    const member = name.replace(/^-/, '');
    const column = Object.hasOwn(columns, member) ? columns[member] : undefined;
    return column === undefined ? [] : [{ column, descending: name.startsWith('-') }];
  });
  return found.length > 0 ? found : [{ column: byDefault, descending: false }];
}

/** Sorts by `ordering`, a list of members of which a minus reverses one; unknown ones are passed over. */
export function ordered<Item>(
  query: Query,
  items: readonly Item[],
  orderings: Orderings<Item>,
  byDefault: string,
): Item[] {
  const named = (query['ordering']?.at(-1) ?? '').split(',').map((name) => name.trim());
  const known = named.filter((name) => Object.hasOwn(orderings, name.replace(/^-/, '')));
  const keys = known.length > 0 ? known : [byDefault];
  return items.toSorted((left, right) => {
    for (const key of keys) {
      const read = orderings[key.replace(/^-/, '')];
      const order = read === undefined ? 0 : compare(read(left), read(right));
      if (order !== 0) return key.startsWith('-') ? -order : order;
    }
    return 0;
  });
}

/** The words of `search`. */
export function searchWords(query: Query): string[] {
  return (query['search']?.at(-1) ?? '').split(/[\s,]+/).filter((word) => word !== '');
}

/** Whether each word of `search` is part of one of the texts, whatever its letter case. */
export function isFound(query: Query, texts: readonly (string | null)[]): boolean {
  return searchWords(query).every((word) =>
    texts.some((one) => one?.toLowerCase().includes(word.toLowerCase()) === true),
  );
}

/** The last value of a filter; one that is given without a value does not filter. */
export function filterText(query: Query, name: string): string | undefined {
  return query[name]?.at(-1) || undefined;
}

/** @throws AuthentikError 400. */
export function filterUuid(query: Query, name: string): string | undefined {
  const given = filterText(query, name);
  if (given === undefined) return undefined;
  const uuid = parseUuid(given);
  if (uuid === undefined) throw invalid({ [name]: ['Enter a valid UUID.'] });
  return uuid;
}

/** @throws AuthentikError 400. */
export function filterNumber(query: Query, name: string): number | undefined {
  const given = filterText(query, name);
  if (given === undefined) return undefined;
  if (!/^\d{1,15}$/.test(given)) throw invalid({ [name]: ['Enter a number.'] });
  return Number(given);
}

/** All values of a filter that may be given several times, empty ones left out; undefined for none. */
export function filterTexts(query: Query, name: string): string[] | undefined {
  const given = (query[name] ?? []).filter((value) => value !== '');
  return given.length === 0 ? undefined : given;
}

/** @throws AuthentikError 400. */
export function filterUuids(query: Query, name: string): string[] | undefined {
  return filterTexts(query, name)?.map((given) => {
    const uuid = parseUuid(given);
    if (uuid === undefined) throw invalid({ [name]: [`“${given}” is not a valid UUID.`] });
    return uuid;
  });
}

/** @throws AuthentikError 400. */
export function filterNumbers(query: Query, name: string): number[] | undefined {
  return filterTexts(query, name)?.map((given) => {
    if (!/^\d{1,15}$/.test(given)) throw invalid({ [name]: [`“${given}” is not a valid value.`] });
    return Number(given);
  });
}

/** @throws AuthentikError 400. */
export function filterChoices<const Choice extends string>(
  query: Query,
  name: string,
  choices: readonly Choice[],
): Choice[] | undefined {
  return filterTexts(query, name)?.map((given) => {
    const choice = choices.find((one) => one === given);
    if (choice !== undefined) return choice;
    throw invalid({ [name]: [`Select a valid choice. ${given} is not one of the available choices.`] });
  });
}

const timeForm = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** A date with or without a time; without a zone it is UTC. @throws AuthentikError 400. */
export function filterTime(query: Query, name: string): Date | undefined {
  const given = filterText(query, name);
  if (given === undefined) return undefined;
  // An unescaped plus of a zone arrives as a blank.
  const text = given.replace(/ (?=\d\d:?\d\d$)/, (blank, at: number) => (at > 10 ? '+' : blank));
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(text) || text.length === 10 ? text : `${text}Z`;
  const time = new Date(zoned.replace(' ', 'T'));
  if (!timeForm.test(text) || Number.isNaN(time.getTime()))
    throw invalid({ [name]: ['Enter a valid date/time.'] });
  return time;
}

/** A JSON object. @throws AuthentikError 400. */
export function filterObject(query: Query, name: string): Readonly<Record<string, unknown>> | undefined {
  const given = filterText(query, name);
  if (given === undefined) return undefined;
  let value: unknown;
  try {
    value = parseJsonBody(Buffer.from(given));
  } catch {
    throw invalid({ [name]: ['Value must be valid JSON'] });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid({ [name]: ['Value must be a JSON object'] });
  return value as Record<string, unknown>;
}

/** A switch of what is shown. */
export function isAsked(query: Query, name: string, byDefault: boolean): boolean {
  return filterBoolean(query, name) ?? byDefault;
}

/** `true` and `false`; anything else does not filter. */
export function filterBoolean(query: Query, name: string): boolean | undefined {
  const given = filterText(query, name)?.toLowerCase();
  return given === 'true' || given === 'false' ? given === 'true' : undefined;
}
