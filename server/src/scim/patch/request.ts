import { LockstepError } from '../../kernel/errors.ts';
import type { ScimProfile } from '../profile.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject, readAttribute } from '../resource.ts';
import { patchOpUrn } from '../urns.ts';

/** One operation of a PATCH (RFC 7644 section 3.5.2); the path is not parsed yet. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path?: string;
  readonly value?: Json;
}

const verbs = ['add', 'replace', 'remove'] as const;
const mostOperations = 10_000;

/** @throws {LockstepError} InvalidSyntax, LimitExceeded */
export function parsePatchRequest(body: unknown, profile: ScimProfile): PatchOperation[] {
  if (!isJsonObject(body)) throw new LockstepError('InvalidSyntax', 'The body of a PATCH must be an object.');
  const schemas = readAttribute(body, 'schemas');
  if (!profile.optionalSchemas && !(isJsonList(schemas) && schemas.includes(patchOpUrn))) {
    throw new LockstepError('InvalidSyntax', `The body of a PATCH must have "${patchOpUrn}" in "schemas".`);
  }
  const operations = readAttribute(body, 'Operations');
  if (!isJsonList(operations) || operations.length === 0) {
    throw new LockstepError('InvalidSyntax', 'A PATCH needs a list "Operations" of at least one operation.');
  }
  if (operations.length > mostOperations) {
    throw new LockstepError('LimitExceeded', `A PATCH has ${mostOperations} operations at most.`);
  }
  return operations.map((operation, index) => parseOperation(operation, index, profile));
}

function parseOperation(operation: Json, index: number, profile: ScimProfile): PatchOperation {
  const where = `Operations[${index}]`;
  const fault = (text: string) => new LockstepError('InvalidSyntax', `${where}: ${text}`, { field: where });
  if (!isJsonObject(operation)) throw fault('an operation must be an object.');
  const written = readAttribute(operation, 'op');
  const spelled = typeof written === 'string' && profile.anyCaseOperations ? written.toLowerCase() : written;
  const op = verbs.find((verb) => verb === spelled);
  if (op === undefined) throw fault('"op" must be add, replace or remove.');
  const path = readAttribute(operation, 'path');
  if (path !== undefined && typeof path !== 'string') throw fault('"path" must be a string.');
  // A null is kept: it says that an attribute becomes unassigned.
  const key = Object.keys(operation).find((each) => each.toLowerCase() === 'value');
  const value = key === undefined ? undefined : operation[key];
  return {
    op,
    // Some clients send an empty path where they mean none.
    ...(path === undefined || path === '' ? {} : { path }),
    ...(value === undefined ? {} : { value }),
  };
}

/** The message for a list of operations. */
export function renderPatchRequest(operations: readonly PatchOperation[]): JsonObject {
  return {
    schemas: [patchOpUrn],
    Operations: operations.map(({ op, path, value }) => ({
      op,
      ...(path === undefined ? {} : { path }),
      ...(value === undefined ? {} : { value }),
    })),
  };
}
