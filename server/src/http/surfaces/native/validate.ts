import type { FastifyRequest } from 'fastify';
import type { Route } from '@lockstep/contract/route.ts';
import { z } from 'zod';
import { LockstepError } from '../../../kernel/errors.ts';
import { explainIssue } from '../../../kernel/schema-issue.ts';
import { isStorableText } from '../../json-body.ts';

/** What a request said, checked against its route. */
export interface CheckedRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** The first issue, with the place in the request as `limit` or `body.scopes.0.source`. */
function refuse(part: string, schema: z.ZodType, error: z.ZodError, value: unknown): LockstepError {
  const members = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const { path, message, remedy } = explainIssue(error, value, members);
  const field = (part === 'body' ? [part, ...path] : path).join('.') || part;
  return new LockstepError('InvalidRequest', `${field}: ${message}`, { field, remedy });
}

function check(part: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refuse(part, schema, parsed.error, value);
  return parsed.data;
}

function checkTexts(part: string, values: unknown): void {
  for (const [name, value] of Object.entries((values ?? {}) as Record<string, unknown>)) {
    const texts = [name, ...(Array.isArray(value) ? value : [value])];
    if (texts.every((text) => typeof text !== 'string' || isStorableText(text))) continue;
    throw new LockstepError('InvalidRequest', `${part} ${JSON.stringify(name)} contains U+0000`, {
      field: name,
      remedy: 'Leave the character out.',
    });
  }
}

function refuseUnknown(part: 'query' | 'body', given: unknown): void {
  const names = Object.keys(given ?? {});
  if (names.length === 0) return;
  throw new LockstepError('InvalidRequest', `this operation takes no ${part}`, {
    field: names[0],
    remedy: 'Leave it out.',
  });
}

/** A schema of members by their names passes over this one without a word. */
function refuseProto(field: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const inside = `${field}.${name}`;
    if (name === '__proto__') {
      throw new LockstepError('InvalidRequest', `${inside}: nothing can have this name`, {
        field: inside,
        remedy: 'Leave it out.',
      });
    }
    refuseProto(inside, member);
  }
}

/** Checks a request against its route. @throws LockstepError InvalidRequest that names the member at fault. */
export function checkRequest(route: Route, request: FastifyRequest): CheckedRequest {
  checkTexts('parameter', request.params);
  checkTexts('parameter', request.query);
  if (route.query === undefined) refuseUnknown('query', request.query);
  if (route.body === undefined) refuseUnknown('body', request.body);
  refuseProto('body', request.body);
  return {
    params: check('params', route.params, request.params),
    query: check('query', route.query, request.query),
    body: check('body', route.body, request.body === undefined ? {} : request.body),
  };
}

/** Checks an answer: what the contract does not promise is left out. @throws LockstepError Internal. */
export function checkResponse(route: Route, value: unknown): unknown {
  if (route.response === null) return undefined;
  const parsed = route.response.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new LockstepError(
    'Internal',
    `the answer of ${route.path} breaks its contract: ${parsed.error.message}`,
  );
}
