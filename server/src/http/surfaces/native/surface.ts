import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { renderOpenApi } from '@lockstep/contract/openapi.ts';
import type { Route } from '@lockstep/contract/route.ts';
import { apiPrefix, routes, type OperationId } from '@lockstep/contract/routes.ts';
import { requireRole, type Actor } from '../../../app/actor.ts';
import { backUpInstallation } from '../../../app/backup.ts';
import { parseUnambiguousJson, readJsonBodies } from '../../json-body.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';
import { authenticateRequest, surfaceOf } from './authenticate.ts';
import { handlers, type Caller } from './handlers.ts';
import { streamJob } from './job-stream.ts';
import { sendProblem, sendProtocolProblem } from './problems.ts';
import { checkRequest, checkResponse } from './validate.ts';

type AnyHandler = (caller: Caller, request: unknown) => Promise<unknown>;

/** Whom each request at hand acts for. */
const actors = new WeakMap<FastifyRequest, Actor>();

/** `{name}` of the contract as fastify writes it. */
function fastifyPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

async function answer(
  context: SurfaceContext,
  id: OperationId,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const route: Route = routes[id];
  const actor = actors.get(request) ?? (await authenticateRequest(context, request));
  const checked = checkRequest(route, request);
  if (id === 'followJob') {
    await streamJob(context, actor, (checked.params as { job: string }).job, request, reply);
    return reply;
  }
  if (id === 'downloadBackup') {
    const backup = await backUpInstallation(context.application, actor);
    return reply.type('application/octet-stream').header('cache-control', 'no-store').send(backup);
  }
  const caller = { app: context.application, actor, surface: surfaceOf(request) };
  const result = checkResponse(route, await (handlers[id] as AnyHandler)(caller, checked));
  void reply.code(route.status).header('cache-control', 'no-store');
  return reply.send(result);
}

/** Methods that the contract has for an address, to tell 405 from 404. */
function allowedMethods(url: string): string[] {
  const path = url.split('?')[0] ?? '';
  return Object.values(routes as Record<string, Route>)
    .filter((route) => {
      const segments = route.path.split('/').map((part) => (part.startsWith('{') ? '[^/]+' : part));
      return new RegExp(`^${apiPrefix}${segments.join('/')}/?$`).test(path);
    })
    .map((route) => route.method);
}

async function answerUnknown(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const allowed = allowedMethods(request.url);
  if (allowed.length === 0) {
    await sendProtocolProblem(
      { status: 404, detail: 'there is no such address in this API' },
      request,
      reply,
    );
    return;
  }
  void reply.header('allow', [...new Set(allowed)].join(', '));
  await sendProtocolProblem(
    { status: 405, detail: `this address does not answer ${request.method}` },
    request,
    reply,
  );
}

/** The native API: the route table of the contract over the use cases. */
export const nativeSurface: Surface = {
  prefix: apiPrefix,
  register(instance: FastifyInstance, context: SurfaceContext): void {
    readJsonBodies(instance, parseUnambiguousJson);
    instance.setErrorHandler(sendProblem);
    instance.setNotFoundHandler(answerUnknown);
    const document = JSON.stringify(renderOpenApi(context.version));
    instance.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(document));
    for (const id of Object.keys(routes) as OperationId[]) {
      const route: Route = routes[id];
      instance.route({
        method: route.method,
        url: fastifyPath(route.path),
        // The head of a stream would come at its end only.
        exposeHeadRoute: route.media === undefined,
        // Before the body is read: who may not call need not upload either.
        onRequest: async (request) => {
          const actor = await authenticateRequest(context, request);
          requireRole(actor, route.role);
          actors.set(request, actor);
        },
        handler: async (request, reply) => answer(context, id, request, reply),
      });
    }
  },
};
