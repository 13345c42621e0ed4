import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { PushedConnection } from '../../../app/scim/authenticate.ts';
import { openPush, type ScimTypeName } from '../../../app/scim/push.ts';
import { findBaseUrl } from '../../base-url.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';
import { Gate } from './authenticate.ts';
import { sendAnyError, sendScimError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { readScimBodies } from './media-type.ts';
import {
  createResource,
  deleteResource,
  getResource,
  listResources,
  patchResource,
  replaceResource,
  searchResources,
} from './resources.ts';
import {
  answerBulk,
  getResourceType,
  getSchema,
  getServiceProviderConfig,
  listEverything,
  listResourceTypes,
  listSchemas,
  searchEverything,
} from './service.ts';

const prefix = '/scim/v2';

type Handler = (exchange: Exchange) => Promise<void>;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

function resourceRoutes(
  endpoint: string,
  type: ScimTypeName,
): Record<string, Partial<Record<Method, Handler>>> {
  const of = (handle: (exchange: Exchange, type: ScimTypeName) => Promise<void>) => (exchange: Exchange) =>
    handle(exchange, type);
  return {
    [endpoint]: { GET: of(listResources), POST: of(createResource) },
    [`${endpoint}/.search`]: { POST: of(searchResources) },
    [`${endpoint}/:id`]: {
      GET: of(getResource),
      PUT: of(replaceResource),
      PATCH: of(patchResource),
      DELETE: of(deleteResource),
    },
  };
}

/** Endpoints of RFC 7644 section 3.2, relative to the address of a connection. */
const routes: Readonly<Record<string, Partial<Record<Method, Handler>>>> = {
  '': { GET: listEverything },
  '/': { GET: listEverything },
  ...resourceRoutes('/Users', 'User'),
  ...resourceRoutes('/Groups', 'Group'),
  '/ServiceProviderConfig': { GET: getServiceProviderConfig },
  '/ResourceTypes': { GET: listResourceTypes },
  '/ResourceTypes/:id': { GET: getResourceType },
  '/Schemas': { GET: listSchemas },
  '/Schemas/:id': { GET: getSchema },
  '/.search': { POST: searchEverything },
  '/Bulk': { POST: answerBulk },
};

const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Whom each request at hand was let in for. */
const connections = new WeakMap<FastifyRequest, PushedConnection>();

async function open(
  context: SurfaceContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Exchange | undefined> {
  const connection = connections.get(request);
  if (connection === undefined) return undefined;
  const origin = findBaseUrl(request.headers, request.protocol === 'https', context.publicUrl);
  const baseUrl = `${origin}${prefix}/${encodeURIComponent(connection.name)}`;
  return { push: await openPush(context.application, connection, baseUrl), request, reply };
}

/** SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865), each connection of type `scim_server` at its own base address. */
export const scimSurface: Surface = {
  prefix,
  sendError: sendAnyError,
  register(instance: FastifyInstance, context: SurfaceContext): void {
    const gate = new Gate(context.application);
    readScimBodies(instance);
    instance.setErrorHandler(sendAnyError);
    instance.setNotFoundHandler(async (request, reply) =>
      sendScimError({ status: 404, detail: 'There is nothing at this address.' }, request, reply),
    );
    // Before the body is read, and before anything is said about the address.
    const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      connections.set(request, await gate.enter(request, reply));
    };
    const serve = (handle: Handler) => async (request: FastifyRequest, reply: FastifyReply) => {
      const exchange = await open(context, request, reply);
      if (exchange !== undefined) await handle(exchange);
      return reply;
    };
    for (const [path, handlers] of Object.entries(routes)) {
      const url = `/:connection${path}`;
      for (const method of methods) {
        const handle = handlers[method];
        if (handle !== undefined) instance.route({ method, url, onRequest, handler: serve(handle) });
      }
      const others = methods.filter((method) => handlers[method] === undefined);
      const allow = methods.filter((method) => handlers[method] !== undefined).join(', ');
      instance.route({
        method: others,
        url,
        onRequest,
        handler: async (request, reply) => {
          const detail = `This address does not answer ${request.method}.`;
          await sendScimError({ status: 405, detail }, request, reply.header('allow', allow));
          return reply;
        },
      });
    }
    registerMe(instance, onRequest);
  },
};

/** A token stands for a system and not for a person, so that there is no "me" (RFC 7644 section 3.11). */
function registerMe(
  instance: FastifyInstance,
  onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>,
): void {
  for (const url of ['/:connection/Me', '/:connection/Me/*']) {
    instance.route({
      method: [...methods],
      url,
      onRequest,
      handler: async (request, reply) => {
        await sendScimError(
          { status: 501, detail: 'Tokens of this service stand for no user.' },
          request,
          reply,
        );
        return reply;
      },
    });
  }
}
