import { LockstepError } from '../../kernel/errors.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject, readAttribute } from '../resource.ts';
import { bulkRequestUrn } from '../urns.ts';

export const bulkMethods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type BulkMethod = (typeof bulkMethods)[number];

/** One operation of a bulk request (RFC 7644 section 3.7). */
export interface BulkOperation {
  readonly method: BulkMethod;
  /** Relative to the base, as `/Users` or `/Groups/bulkId:abc`. */
  readonly path: string;
  /** The client's name for what a POST makes. */
  readonly bulkId?: string;
  /** The entity tag that the resource must have. */
  readonly version?: string;
  readonly data?: Json;
}

export interface BulkRequest {
  /** After this many errors nothing more is done; 0 for never. */
  readonly failOnErrors: number;
  readonly operations: readonly BulkOperation[];
}

/** @throws {LockstepError} InvalidSyntax, InvalidValue for a bulkId used twice, LimitExceeded */
export function parseBulkRequest(body: unknown, limits: { readonly maxOperations: number }): BulkRequest {
  if (!isJsonObject(body)) throw fault('The body of a bulk request must be an object.');
  const schemas = readAttribute(body, 'schemas');
  if (!isJsonList(schemas) || !schemas.includes(bulkRequestUrn)) {
    throw fault(`The body of a bulk request must have "${bulkRequestUrn}" in "schemas".`);
  }
  const listed = readAttribute(body, 'Operations');
  if (!isJsonList(listed)) throw fault('A bulk request needs a list "Operations".');
  if (listed.length > limits.maxOperations) {
    throw new LockstepError(
      'LimitExceeded',
      `A bulk request has ${limits.maxOperations} operations at most.`,
    );
  }
  const failOnErrors = readAttribute(body, 'failOnErrors') ?? 0;
  if (typeof failOnErrors !== 'number' || !Number.isSafeInteger(failOnErrors) || failOnErrors < 0) {
    throw fault('"failOnErrors" must be a number that is not negative.');
  }
  const operations = listed.map(parseOperation);
  checkBulkIds(operations);
  return { failOnErrors, operations };
}

function parseOperation(value: Json, index: number): BulkOperation {
  const where = `Operations[${index}]`;
  if (!isJsonObject(value)) throw fault(`${where} must be an object.`);
  const written = readAttribute(value, 'method');
  const method = bulkMethods.find((each) => typeof written === 'string' && each === written.toUpperCase());
  if (method === undefined) throw fault(`${where}: "method" must be one of ${bulkMethods.join(', ')}.`);
  const path = textOf(value, 'path', where);
  if (path === undefined) throw fault(`${where} needs a "path".`);
  const bulkId = textOf(value, 'bulkId', where);
  const version = textOf(value, 'version', where);
  const data = readAttribute(value, 'data');
  if (method !== 'DELETE' && data === undefined) throw fault(`${where}: ${method} needs "data".`);
  return {
    method,
    path: path.startsWith('/') ? path : `/${path}`,
    ...(bulkId === undefined ? {} : { bulkId }),
    ...(version === undefined ? {} : { version }),
    ...(data === undefined ? {} : { data }),
  };
}

function textOf(object: JsonObject, name: string, where: string): string | undefined {
  const value = readAttribute(object, name);
  if (value === undefined || typeof value === 'string') return value;
  throw fault(`${where}: "${name}" must be a string.`);
}

function checkBulkIds(operations: readonly BulkOperation[]): void {
  const seen = new Set<string>();
  for (const { method, bulkId } of operations) {
    if (method !== 'POST' || bulkId === undefined) continue;
    if (seen.has(bulkId)) throw new LockstepError('InvalidValue', `The bulkId "${bulkId}" is used twice.`);
    seen.add(bulkId);
  }
}

function fault(message: string): LockstepError {
  return new LockstepError('InvalidSyntax', message);
}

/** The message for a list of operations. */
export function renderBulkRequest({ failOnErrors, operations }: BulkRequest): JsonObject {
  return {
    schemas: [bulkRequestUrn],
    ...(failOnErrors === 0 ? {} : { failOnErrors }),
    Operations: operations.map((operation) => ({ ...operation })),
  };
}
