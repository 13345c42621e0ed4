import type { FastifyError, FastifyReply } from 'fastify';
import { PackedBodyError } from '../../packed-body.ts';
import { EiamError, toEiamError } from './errors.ts';
import type { Answer } from './operation.ts';

/** Exactly so: clients compare it. */
const mediaType = 'application/json;charset=utf-8';
const errorCentre = 'https://error-center.aliyun.com/status/search';

async function send(reply: FastifyReply, requestId: string, status: number, body: object): Promise<void> {
  await reply
    .code(status)
    .header('x-acs-request-id', requestId)
    .header('cache-control', 'no-store')
    .header('content-type', mediaType)
    // Bytes, since fastify would write the content type its own way.
    .send(Buffer.from(JSON.stringify(body)));
}

export async function sendAnswer(reply: FastifyReply, requestId: string, answer: Answer): Promise<void> {
  await send(reply, requestId, 200, { ...answer, RequestId: requestId });
}

/** What fastify itself refuses, in this dialect. */
function ofProtocol(error: unknown): EiamError | undefined {
  const status = error instanceof Error ? ((error as FastifyError).statusCode ?? 500) : 500;
  if (status >= 500 || error instanceof EiamError) return undefined;
  if (status === 413) {
    return new EiamError(413, 'RequestEntityTooLarge', 'The body of the request is too large.');
  }
  if (error instanceof PackedBodyError) return new EiamError(status, 'UnsupportedMediaType', error.message);
  return new EiamError(status, 'InvalidParameter', 'The request cannot be read.');
}

export async function sendError(
  reply: FastifyReply,
  requestId: string,
  host: string,
  thrown: unknown,
): Promise<void> {
  const error = ofProtocol(thrown) ?? toEiamError(thrown);
  const recommend = `${errorCentre}?Keyword=${encodeURIComponent(error.code)}&source=PopGw`;
  if (error.retryAfter !== undefined) void reply.header('x-acs-retry-after', String(error.retryAfter));
  await send(reply, requestId, error.status, {
    Recommend: recommend,
    Message: error.message,
    RequestId: requestId,
    HostId: host,
    Code: error.code,
    ...(error.accessDenied === undefined ? {} : { AccessDeniedDetail: error.accessDenied }),
  });
}
