import { LockstepError } from '../../kernel/errors.ts';
import {
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
  readAttribute,
  type ScimResource,
} from '../resource.ts';
import { listResponseUrn } from '../urns.ts';

/** A page of resources (RFC 7644 section 3.4.2, RFC 9865 section 2). */
export interface ListPage {
  readonly resources: readonly ScimResource[];
  /** Of all pages. */
  readonly totalResults: number;
  /** 1-based; of paging by index. */
  readonly startIndex?: number | undefined;
  readonly nextCursor?: string | undefined;
  readonly previousCursor?: string | undefined;
}

export function renderListResponse(page: ListPage): JsonObject {
  const { resources, totalResults, startIndex, nextCursor, previousCursor } = page;
  return {
    schemas: [listResponseUrn],
    totalResults,
    itemsPerPage: resources.length,
    ...(startIndex === undefined ? {} : { startIndex }),
    ...(nextCursor === undefined ? {} : { nextCursor }),
    ...(previousCursor === undefined ? {} : { previousCursor }),
    // Some clients fall over a missing list, so it is there when it is empty too.
    Resources: resources,
  };
}

/**
 * The page that a service answered with. Services leave out `Resources` where nothing matches, and some give a
 * `totalResults` of the page alone: it cannot be relied upon to end a reading.
 * @throws {LockstepError} ProtocolError for what is no list
 */
export function parseListResponse(body: unknown): ListPage & { readonly itemsPerPage: number | undefined } {
  if (!isJsonObject(body))
    throw new LockstepError('ProtocolError', 'The list that was answered is no object.');
  const listed = readAttribute(body, 'Resources') ?? [];
  if (!isJsonList(listed)) throw new LockstepError('ProtocolError', '"Resources" of the answer is no list.');
  const resources = listed.filter(isJsonObject);
  const total = numberOf(readAttribute(body, 'totalResults'));
  if (total === undefined && readAttribute(body, 'Resources') === undefined) {
    throw new LockstepError('ProtocolError', 'The answer has neither "Resources" nor "totalResults".');
  }
  return {
    resources,
    totalResults: total ?? resources.length,
    startIndex: numberOf(readAttribute(body, 'startIndex')),
    itemsPerPage: numberOf(readAttribute(body, 'itemsPerPage')),
    nextCursor: textOf(readAttribute(body, 'nextCursor')),
    previousCursor: textOf(readAttribute(body, 'previousCursor')),
  };
}

function numberOf(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
