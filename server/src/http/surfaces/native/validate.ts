import type { FastifyRequest } from 'fastify';
import type { Route } from '@lockstep/contract/route.ts';
import type { z } from 'zod';
import { LockstepError } from '../../../kernel/errors.ts';
import { isStorableText } from '../../json-body.ts';

/** What a request said, checked against its route. */
export interface CheckedRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** The first issue, with the place in the request as `query.limit` or `body.scopes.0.source`. */
function refuse(part: string, error: z.ZodError): LockstepError {
  const issue = error.issues[0];
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].map(String);
  const field = (part === 'body' ? [part, ...path] : path).join('.') || part;
  const message = unknown === undefined ? (issue?.message ?? 'is not valid') : 'is not known here';
  return new LockstepError('InvalidRequest', `${field}: ${message}`, { field });
}

function check(part: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refuse(part, parsed.error);
  return parsed.data;
}

function checkTexts(part: string, values: unknown): void {
  for (const [name, value] of Object.entries((values ?? {}) as Record<string, unknown>)) {
    const texts = [name, ...(Array.isArray(value) ? value : [value])];
    if (texts.every((text) => typeof text !== 'string' || isStorableText(text))) continue;
    throw new LockstepError('InvalidRequest', `${part} ${JSON.stringify(name)} contains U+0000`, {
      field: name,
    });
  }
}

function refuseUnknown(part: 'query' | 'body', given: unknown): void {
  const names = Object.keys(given ?? {});
  if (names.length === 0) return;
  throw new LockstepError('InvalidRequest', `this operation takes no ${part}`, { field: names[0] });
}

/** Checks a request against its route. @throws LockstepError InvalidRequest that names the member at fault. */
export function checkRequest(route: Route, request: FastifyRequest): CheckedRequest {
  checkTexts('parameter', request.params);
  checkTexts('parameter', request.query);
  if (route.query === undefined) refuseUnknown('query', request.query);
  if (route.body === undefined) refuseUnknown('body', request.body);
  return {
    params: check('params', route.params, request.params),
    query: check('query', route.query, request.query),
    body: check('body', route.body, request.body ?? {}),
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
