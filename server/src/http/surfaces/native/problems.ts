import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { problemMediaType, type Problem } from '@lockstep/contract/problem.ts';
import { LockstepError, errorTable, type ErrorCode, type ErrorKind } from '../../../kernel/errors.ts';
import { PackedBodyError } from '../../packed-body.ts';

/** The status of each kind of error (RFC 9110 section 15). */
const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  unavailable: 503,
  refused: 409,
  guarded: 409,
  cancelled: 409,
  bug: 500,
};

/** A problem that is about HTTP itself and not about the product. */
export interface ProtocolProblem {
  readonly status: number;
  readonly detail: string;
  readonly remedy?: string;
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 404) return 'NotFound';
  if (status === 413) return 'LimitExceeded';
  return status >= 500 ? 'Internal' : 'InvalidRequest';
}

function problemOf(error: LockstepError, requestId: string): Problem {
  return {
    type: `urn:lockstep:error:${error.code}`,
    title: errorTable[error.code][1],
    status: statusOfKind[error.kind],
    detail:
      error.kind === 'bug'
        ? 'The request failed because of a defect; the log has the details.'
        : error.message,
    code: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    requestId,
  };
}

function problemOfProtocol(problem: ProtocolProblem, requestId: string): Problem {
  const code = codeOfStatus(problem.status);
  const { status, detail, remedy } = problem;
  const title = errorTable[code][1];
  return {
    type: `urn:lockstep:error:${code}`,
    title,
    status,
    detail,
    code,
    ...(remedy ? { remedy } : {}),
    requestId,
  };
}

/** What fastify itself refuses: a body too large, a media type that is not read, a malformed address. */
function protocolProblem(error: FastifyError): ProtocolProblem | undefined {
  const status = error.statusCode ?? 500;
  if (status >= 500) return undefined;
  if (status === 413) return { status, detail: 'the body is too large' };
  if (status === 415 && !(error instanceof PackedBodyError)) {
    return {
      status,
      detail: 'this media type is not read here',
      remedy: 'Send `Content-Type: application/json`.',
    };
  }
  return { status, detail: error.message };
}

async function send(reply: FastifyReply, problem: Problem): Promise<void> {
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="lockstep"');
  // Bytes, since fastify adds a charset to text, a parameter that the media type does not have.
  await reply
    .code(problem.status)
    .header('x-request-id', problem.requestId)
    .header('content-type', problemMediaType)
    .send(Buffer.from(JSON.stringify(problem)));
}

/** Answers with a problem document (RFC 9457). What is no error of ours is a defect: logged, and not shown. */
export async function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (error instanceof LockstepError) {
    if (error.kind === 'bug') request.log.error(error);
    await send(reply, problemOf(error, request.id));
    return;
  }
  const protocol = protocolProblem(error as FastifyError);
  if (protocol === undefined) request.log.error(error);
  await (protocol === undefined
    ? send(reply, problemOf(new LockstepError('Internal', 'unexpected error', { cause: error }), request.id))
    : send(reply, problemOfProtocol(protocol, request.id)));
}

export async function sendProtocolProblem(
  problem: ProtocolProblem,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  await send(reply, problemOfProtocol(problem, request.id));
}
