import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { LockstepError, type ErrorKind } from '../../../kernel/errors.ts';
import { PackedBodyError } from '../../packed-body.ts';

/** Statuses that the vendor lists, by who must act. */
const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 400,
  rate_limited: 429,
  unavailable: 503,
  refused: 400,
  guarded: 400,
  cancelled: 400,
  bug: 500,
};

/** What a client is told of an error of ours; there is always something to read. */
export function errorText(error: LockstepError): string {
  if (error.kind === 'bug') return 'An unexpected error occurred';
  return error.remedy === undefined ? error.message : `${error.message}. ${error.remedy}`;
}

/** Sends the one shape of error that the vendor has. */
export async function sendErrors(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  errors: readonly string[],
): Promise<void> {
  await reply
    .code(status)
    .header('x-request-id', request.id)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify({ errors }));
}

/** What fastify itself refuses: a body too large, another media type, a malformed address. The vendor has 400 for all. */
function protocolText(error: FastifyError): string {
  if (error.statusCode === 413) return 'The request body is too large';
  if (error.statusCode === 415 && !(error instanceof PackedBodyError))
    return 'The request body must be application/json';
  return error.message;
}

/** Answers with `{"errors": [...]}`. What is no error of ours is a defect: logged, and not shown. */
export async function sendMerakiError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (error instanceof LockstepError) {
    if (error.kind === 'bug') request.log.error(error);
    await sendErrors(request, reply, statusOfKind[error.kind], [errorText(error)]);
    return;
  }
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) {
    await sendErrors(request, reply, 400, [protocolText(error as FastifyError)]);
    return;
  }
  request.log.error(error);
  await sendErrors(request, reply, 500, ['An unexpected error occurred']);
}
