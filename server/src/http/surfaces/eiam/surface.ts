import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findBaseUrl } from '../../base-url.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';
import { toEiamError } from './errors.ts';
import { Gateway } from './gateway.ts';
import { sendAnswer, sendError } from './replies.ts';
import { parseWireRequest } from './wire.ts';

const defaultRequestsPerSecond = 100;
/** The name of a routing constraint: whether a request names an action of this API. */
const constraint = 'eiamAction';
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function requestIdOf(request: FastifyRequest): string {
  return request.id.toUpperCase();
}

/**
 * Requests at `/` that name an action in a header or the query; the path is shared with the console. A form names its
 * action in the body, which is why every POST to `/` belongs here.
 */
function addActionConstraint(instance: FastifyInstance): void {
  instance.addConstraintStrategy({
    name: constraint,
    mustMatchWhenDerived: false,
    storage: () => {
      const routes = new Map<string, never>();
      return {
        get: (key) => routes.get(key as string) ?? null,
        set: (key, route) => void routes.set(key as string, route as never),
      };
    },
    validate: () => undefined,
    deriveConstraint: (request) => {
      const query = request.url?.split('?')[1] ?? '';
      const named = request.headers['x-acs-action'] !== undefined || /(^|&)Action=/.test(query);
      return named ? 'yes' : undefined;
    },
  });
}

async function answer(
  gateway: Gateway,
  publicUrl: string | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const requestId = requestIdOf(request);
  const { method, url = '', rawHeaders } = request.raw;
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const wire = parseWireRequest({ method: method ?? '', url, rawHeaders, body });
  const secureTransport = request.protocol === 'https';
  const origin = findBaseUrl(request.headers, secureTransport, publicUrl);
  const connection = { requestId, sourceIp: request.ip, secureTransport, origin };
  const answered = await gateway.answer(wire, connection);
  await sendAnswer(reply, requestId, answered);
  return reply;
}

/** Alibaba Cloud IDaaS EIAM 2021-12-01 at `/`: an RPC gateway with signed requests. */
export const eiamSurface: Surface = {
  prefix: '',
  register(instance: FastifyInstance, context: SurfaceContext): void {
    const gateway = new Gateway(
      context.application,
      context.eiamRequestsPerSecond ?? defaultRequestsPerSecond,
    );
    addActionConstraint(instance);
    // The signature is over the bytes: nothing may read them first.
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    instance.setErrorHandler(async (error, request, reply) => {
      const rendered = toEiamError(error);
      if (rendered.status >= 500) request.log.error(rendered.cause ?? error);
      await sendError(reply, requestIdOf(request), request.host, error);
    });
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      answer(gateway, context.publicUrl, request, reply);
    for (const method of methods) {
      instance.route({
        method,
        url: '/',
        constraints: { [constraint]: 'yes' },
        exposeHeadRoute: false,
        handler,
      });
    }
    instance.route({ method: 'POST', url: '/', handler });
  },
};
