import { LockstepError } from '../../kernel/errors.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject, readAttribute } from '../resource.ts';

/** By index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865). */
export type PageRequest =
  | { readonly kind: 'index'; /** 1-based. */ readonly startIndex: number; readonly count: number }
  | {
      readonly kind: 'cursor';
      /** Undefined for the first page. */ readonly cursor: string | undefined;
      readonly count: number;
    };

/** What a client asks of a list, by query parameters or by a SearchRequest. */
export interface ListRequest {
  readonly filter?: string;
  readonly sortBy?: string;
  readonly sortOrder: 'ascending' | 'descending';
  readonly page: PageRequest;
  readonly attributes?: readonly string[];
  readonly excludedAttributes?: readonly string[];
}

export interface PageLimits {
  readonly defaultCount: number;
  /** More than this is cut down to it. */
  readonly maxCount: number;
}

/**
 * The parameters of a GET. Names are taken without regard to case. Lists of attributes that are repeated count together;
 * another parameter with several values is refused, since a filter that is passed over would show too much.
 * @throws {LockstepError} InvalidValue for numbers that are none, InvalidCount with a cursor
 */
export function parseListQuery(query: Readonly<Record<string, unknown>>, limits: PageLimits): ListRequest {
  const parameters: Record<string, Json> = {};
  for (const [name, value] of Object.entries(query)) {
    const values = [...new Set(Array.isArray(value) ? value : [value])].filter(
      (each) => typeof each === 'string',
    );
    const [first] = values;
    if (first !== undefined) parameters[name] = values.length === 1 ? first : values;
  }
  return parseParameters(parameters, limits);
}

/** The body of a POST to `.search` (RFC 7644 section 3.4.3). @throws {LockstepError} InvalidSyntax and as parseListQuery */
export function parseSearchRequest(body: unknown, limits: PageLimits): ListRequest {
  if (!isJsonObject(body))
    throw new LockstepError('InvalidSyntax', 'The body of a search must be an object.');
  return parseParameters(body, limits);
}

function parseParameters(parameters: JsonObject, limits: PageLimits): ListRequest {
  const filter = textOf(parameters, 'filter');
  const sortBy = textOf(parameters, 'sortBy');
  const attributes = namesOf(parameters, 'attributes');
  const excludedAttributes = namesOf(parameters, 'excludedAttributes');
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(sortBy === undefined ? {} : { sortBy }),
    sortOrder: textOf(parameters, 'sortOrder')?.toLowerCase() === 'descending' ? 'descending' : 'ascending',
    page: parsePage(parameters, limits),
    ...(attributes === undefined ? {} : { attributes }),
    ...(excludedAttributes === undefined ? {} : { excludedAttributes }),
  };
}

function parsePage(parameters: JsonObject, { defaultCount, maxCount }: PageLimits): PageRequest {
  const cursor = readAttribute(parameters, 'cursor');
  const asked = integerOf(parameters, 'count');
  if (cursor === undefined) {
    // Below the least that means something, the least is meant (RFC 7644 section 3.4.2.4).
    const startIndex = Math.max(1, integerOf(parameters, 'startIndex') ?? 1);
    return { kind: 'index', startIndex, count: Math.min(maxCount, Math.max(0, asked ?? defaultCount)) };
  }
  if (typeof cursor !== 'string')
    throw new LockstepError('InvalidCursor', 'A cursor is one string.', { field: 'cursor' });
  if (asked !== undefined && asked < 1) {
    throw new LockstepError('InvalidCount', 'With a cursor, "count" must be at least 1.', { field: 'count' });
  }
  return {
    kind: 'cursor',
    cursor: cursor === '' ? undefined : cursor,
    count: Math.min(maxCount, asked ?? defaultCount),
  };
}

function textOf(parameters: JsonObject, name: string): string | undefined {
  const value = readAttribute(parameters, name);
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string')
    throw new LockstepError('InvalidValue', `"${name}" must be one string.`, { field: name });
  return value;
}

function integerOf(parameters: JsonObject, name: string): number | undefined {
  const value = readAttribute(parameters, name);
  if (value === undefined || value === '') return undefined;
  const number = typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw new LockstepError('InvalidValue', `"${name}" must be one integer.`, { field: name });
}

function namesOf(parameters: JsonObject, name: string): string[] | undefined {
  const value = readAttribute(parameters, name);
  const list = isJsonList(value) ? value : value === undefined ? [] : [value];
  const names = list.flatMap((each) => (typeof each === 'string' ? each.split(',') : []));
  const trimmed = names.map((each) => each.trim()).filter((each) => each !== '');
  return trimmed.length === 0 ? undefined : trimmed;
}
