import { LockstepError } from '../../kernel/errors.ts';
import { parseScimError, type ScimError } from '../errors.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject, readAttribute } from '../resource.ts';
import { bulkResponseUrn } from '../urns.ts';
import { bulkMethods, type BulkMethod } from './request.ts';

/** What became of an operation (RFC 7644 section 3.7.3). */
export interface BulkResult {
  readonly method: BulkMethod;
  readonly bulkId?: string;
  readonly version?: string;
  readonly location?: string;
  /** HTTP status. */
  readonly status: number;
  /** The error, where it failed. */
  readonly response?: JsonObject;
}

export function renderBulkResponse(results: readonly BulkResult[]): JsonObject {
  return {
    schemas: [bulkResponseUrn],
    // A status is a string in messages (RFC 7644 section 3.7.3).
    Operations: results.map((result) => ({ ...result, status: String(result.status) })),
  };
}

/** An operation's result as a service told it. */
export interface ParsedBulkResult {
  readonly method: BulkMethod | undefined;
  readonly bulkId: string | undefined;
  readonly location: string | undefined;
  readonly version: string | undefined;
  readonly status: number;
  readonly error: ScimError | undefined;
}

/** @throws {LockstepError} ProtocolError for what is no bulk response */
export function parseBulkResponse(body: unknown): ParsedBulkResult[] {
  const listed = isJsonObject(body) ? readAttribute(body, 'Operations') : undefined;
  if (!isJsonList(listed))
    throw new LockstepError('ProtocolError', 'The answer to a bulk request has no "Operations".');
  return listed.filter(isJsonObject).map(parseResult);
}

function parseResult(result: JsonObject): ParsedBulkResult {
  const status = statusOf(readAttribute(result, 'status'));
  const text = (name: string) => {
    const value = readAttribute(result, name);
    return typeof value === 'string' ? value : undefined;
  };
  const method = text('method')?.toUpperCase();
  return {
    method: bulkMethods.find((each) => each === method),
    bulkId: text('bulkId'),
    location: text('location'),
    version: text('version'),
    status,
    error: status < 400 ? undefined : parseScimError(status, readAttribute(result, 'response')),
  };
}

/** A number, a numeral, or as early drafts had it an object with a code; 500 where none is told. */
function statusOf(value: Json | undefined): number {
  const told = isJsonObject(value) ? readAttribute(value, 'code') : value;
  const status = Number(typeof told === 'string' || typeof told === 'number' ? told : Number.NaN);
  return Number.isInteger(status) && status >= 100 && status <= 599 ? status : 500;
}
