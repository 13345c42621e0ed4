import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { LockstepError } from '../../../kernel/errors.ts';
import { renderScimError, scimErrorOf, type ScimError } from '../../../scim/errors.ts';
import { PackedBodyError } from '../../packed-body.ts';
import { sendJson } from './media-type.ts';

/** After so many seconds who was turned away may ask again: a held change waits for a person, a full store does not. */
const retryAfter = { held: 300, busy: 5 } as const;

/** What fastify itself refuses, before there is a message. */
function protocolError(error: FastifyError): ScimError | undefined {
  const status = error.statusCode ?? 500;
  if (status >= 500) return undefined;
  if (status === 413) return { status, detail: 'The body is larger than this server takes.' };
  if (status === 415 && !(error instanceof PackedBodyError))
    return { status, detail: 'The body must be application/scim+json or application/json.' };
  return { status, detail: error.message };
}

export async function sendScimError(
  error: ScimError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
  await sendJson(request, reply.code(error.status), renderScimError(error));
}

/** Answers in the shape of RFC 7644 section 3.12. What is no error of ours is a defect: logged, and not shown. */
export async function sendAnyError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (error instanceof LockstepError) {
    if (error.kind === 'bug') request.log.error(error);
    if (error.kind === 'guarded') void reply.header('retry-after', String(retryAfter.held));
    if (error.kind === 'unavailable') void reply.header('retry-after', String(retryAfter.busy));
    return sendScimError(scimErrorOf(error), request, reply);
  }
  const refused = protocolError(error as FastifyError);
  if (refused === undefined) request.log.error(error);
  return sendScimError(refused ?? scimErrorOf(error), request, reply);
}
