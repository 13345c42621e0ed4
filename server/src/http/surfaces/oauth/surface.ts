import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PackedBodyError } from '../../packed-body.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';
import { decideAuthorization, showAuthorization } from './authorize.ts';
import { OauthError } from './oauth-error.ts';
import { Parameters } from './parameters.ts';
import { answerToken, sendOauthError } from './token.ts';

function queryOf(request: FastifyRequest): Parameters {
  const mark = request.url.indexOf('?');
  return new Parameters(mark < 0 ? '' : request.url.slice(mark + 1));
}

function formOf(request: FastifyRequest): Parameters {
  return new Parameters(typeof request.body === 'string' ? request.body : '');
}

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (error instanceof OauthError) return sendOauthError(request, reply, error);
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) {
    const wrongType =
      status === 415 ? 'the body must be application/x-www-form-urlencoded' : 'the request is not valid';
    const problem = error instanceof PackedBodyError ? error.message : wrongType;
    return sendOauthError(request, reply, new OauthError('invalid_request', problem));
  }
  request.log.error(error);
  await reply
    .code(500)
    .header('cache-control', 'no-store')
    .send({ error: 'server_error', error_description: 'an unexpected error occurred' });
}

/** Forms are read as text; a wrong encoding is refused. */
function readForms(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (_request, body, done) => {
      try {
        done(null, new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer));
      } catch {
        done(new OauthError('invalid_request', 'the body is not valid UTF-8'), undefined);
      }
    },
  );
}

/** Lockstep's own authorization server (RFC 6749, RFC 7636): tokens are opaque, so that there are no keys to publish. */
export const oauthSurface: Surface = {
  prefix: '/oauth',
  sendError,
  register(instance: FastifyInstance, { application }: SurfaceContext): void {
    readForms(instance);
    instance.setErrorHandler(sendError);
    instance.setNotFoundHandler(async (_request, reply) =>
      reply.code(404).send({ error: 'invalid_request', error_description: 'there is no such address' }),
    );
    instance.get('/authorize', async (request, reply) => {
      await showAuthorization(application, queryOf(request), reply);
      return reply;
    });
    instance.post('/authorize', async (request, reply) => {
      await decideAuthorization(application, formOf(request), reply);
      return reply;
    });
    instance.post('/token', async (request, reply) => {
      await answerToken(application, request, formOf(request), reply);
      return reply;
    });
  },
};
