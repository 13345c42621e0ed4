import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { publishedKeys } from '../../../app/signing-keys.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';

/** Seconds for which a receiver may keep the keys. A new key signs at once: who meets an unknown kid asks again. */
const keptFor = 300;

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const isUnknown = error instanceof LockstepError && error.code === 'NotFound';
  const status = isUnknown ? 404 : ((error as FastifyError).statusCode ?? 500);
  if (status >= 500) request.log.error(error);
  await reply
    .code(status)
    .header('cache-control', 'no-store')
    .send({ error: status === 404 ? 'not_found' : status < 500 ? 'invalid_request' : 'server_error' });
}

/**
 * The public keys by which applications verify events, for everybody, at the address that EIAM shows as
 * ProvisionJwksEndpoint.
 */
export const signingKeysSurface: Surface = {
  prefix: '/v2',
  sendError,
  register(instance: FastifyInstance, { application }: SurfaceContext): void {
    instance.setErrorHandler(sendError);
    instance.setNotFoundHandler(async (_request, reply) => reply.code(404).send({ error: 'not_found' }));
    instance.get<{ Params: { tenant: string; application: string } }>(
      '/:tenant/:application/provisioning/jwks',
      async ({ params }, reply) => {
        const keys = await publishedKeys(application, params.tenant, params.application);
        return reply.header('cache-control', `public, max-age=${keptFor}`).send(keys);
      },
    );
  },
};
