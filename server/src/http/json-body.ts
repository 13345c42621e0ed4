import type { FastifyInstance } from 'fastify';
import { LockstepError } from '../kernel/errors.ts';
import { refuseDuplicateNames } from './duplicate-names.ts';

/** Deeper documents are refused: nothing in the API nests like that, and a recursive reader must not run out of stack. */
const deepestNesting = 64;

function invalid(message: string): LockstepError {
  return new LockstepError('InvalidRequest', message, { field: 'body' });
}

/** Text that a UTF-8 database can hold: no NUL (PostgreSQL) and no lone surrogate. */
export function isStorableText(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

/** @param at where the value stands, as a path of names and indices */
function checkValue(value: unknown, depth: number, at = 'the body'): void {
  if (depth > deepestNesting) throw invalid(`the body is nested deeper than ${deepestNesting} levels`);
  if (typeof value === 'string') {
    if (!isStorableText(value)) throw invalid(`${at} contains U+0000 or half of a surrogate pair`);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkValue(item, depth + 1, `${at}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      checkValue(name, depth, `a name in ${at}`);
      checkValue(member, depth + 1, `${at}.${name}`);
    }
  }
}

/**
 * A JSON document off the wire (RFC 8259), which must be UTF-8 (section 8.1). An empty body is undefined.
 * @throws LockstepError InvalidRequest.
 */
export function parseJsonBody(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('the body is not valid UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`the body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  checkValue(value, 0);
  return value;
}

/** As parseJsonBody, and no object has a name twice. @throws LockstepError InvalidRequest. */
export function parseUnambiguousJson(bytes: Uint8Array): unknown {
  const value = parseJsonBody(bytes);
  if (value !== undefined) refuseDuplicateNames(Buffer.from(bytes).toString('utf8'));
  return value;
}

/** Makes JSON the only media type that an instance reads. */
export function readJsonBodies(instance: FastifyInstance, parse = parseJsonBody): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parse(body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}
