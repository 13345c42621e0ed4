import type { FastifyError } from 'fastify';
import { LockstepError } from '../../../kernel/errors.ts';
import { PackedBodyError } from '../../packed-body.ts';

/** Messages by the member at fault. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/** An error as this API renders it: a status and a body. */
export class AuthentikError extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(JSON.stringify(body), { cause });
    this.name = 'AuthentikError';
    this.status = status;
    this.body = body;
  }
}

function detailed(status: number, detail: string, cause?: unknown): AuthentikError {
  return new AuthentikError(status, { detail }, cause);
}

export function invalid(fields: FieldErrors): AuthentikError {
  return new AuthentikError(400, fields);
}

/** There is no 401 in this API. */
export function unauthenticated(detail: string): AuthentikError {
  return detailed(403, detail);
}

/** @param model `MicrosoftEntraProvider`; undefined: the address itself means nothing. */
export function notFound(model?: string): AuthentikError {
  return detailed(404, model === undefined ? 'Not found.' : `No ${model} matches the given query.`);
}

export function invalidPage(): AuthentikError {
  return detailed(404, 'Invalid page.');
}

export function methodNotAllowed(method: string): AuthentikError {
  return detailed(405, `Method "${method}" not allowed.`);
}

/** What fastify itself refuses. */
function ofProtocol(error: FastifyError, mediaType: string): AuthentikError {
  const status = error.statusCode ?? 500;
  if (status >= 500) return detailed(500, 'The request failed because of a defect.', error);
  // An address that is not well formed is none of this API's.
  if (error.code === 'FST_ERR_BAD_URL') return notFound();
  if (status === 413) return detailed(status, 'The body is too large.');
  if (status === 415 && !(error instanceof PackedBodyError))
    return detailed(status, `Unsupported media type "${mediaType}" in request.`);
  return detailed(status, error.message);
}

/** The message belongs to the member that the use case names, by the last part of its path. */
function ofInput(error: LockstepError): AuthentikError {
  const field = error.field?.split('.').at(-1) ?? 'non_field_errors';
  if (field === 'body') return detailed(400, `JSON parse error - ${error.message}`);
  const message = error.code === 'NameTaken' ? 'This field must be unique.' : error.message;
  return invalid({ [field]: [error.remedy === undefined ? message : `${message}. ${error.remedy}`] });
}

/** A use case's error in this dialect. What is no error of ours is a defect, and its text is not shown. */
export function toAuthentikError(error: unknown, mediaType = ''): AuthentikError {
  if (error instanceof AuthentikError) return error;
  if (!(error instanceof LockstepError)) return ofProtocol(error as FastifyError, mediaType);
  switch (error.kind) {
    case 'unauthenticated':
      return unauthenticated('Token invalid/expired');
    case 'forbidden':
      return detailed(403, 'You do not have permission to perform this action.');
    case 'not_found':
      return notFound();
    case 'rate_limited':
      return detailed(429, 'Request was throttled.');
    case 'unavailable':
      return detailed(503, error.message);
    case 'bug':
      return detailed(500, 'The request failed because of a defect.', error);
    case 'invalid':
    case 'conflict':
    case 'refused':
    case 'guarded':
    case 'cancelled':
      break;
  }
  return ofInput(error);
}
