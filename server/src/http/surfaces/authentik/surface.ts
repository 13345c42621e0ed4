import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireRole, type Actor } from '../../../app/actor.ts';
import { isStorableText, readJsonBodies } from '../../json-body.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';
import { authenticateRequest } from './authenticate.ts';
import { invalid, methodNotAllowed, notFound, toAuthentikError } from './errors.ts';
import type { Operation, Query } from './operation.ts';
import { operationTable } from './operation-table.ts';

const prefix = '/api/v3';
/** Milliseconds that an operation may wait for a job. */
const longestWait = 10 * 60_000;

/** Whom each request at hand acts for. */
const actors = new WeakMap<FastifyRequest, Actor>();

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const rendered = toAuthentikError(error, request.headers['content-type']);
  if (rendered.status >= 500) request.log.error(rendered.cause ?? error);
  await reply.code(rendered.status).header('cache-control', 'no-store').send(rendered.body);
}

function queryOf(request: FastifyRequest): Query {
  const query: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(request.query as Record<string, string | string[]>)) {
    const values = Array.isArray(value) ? value : [value];
    if (![name, ...values].every(isStorableText))
      throw invalid({ [name]: ['Null characters are not allowed.'] });
    query[name] = values;
  }
  return query;
}

/** Raised when the caller goes away, the server closes, or the operation takes too long. */
function signalOf(context: SurfaceContext, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, context.closing, AbortSignal.timeout(longestWait)]);
}

async function answer(
  context: SurfaceContext,
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const actor = actors.get(request) ?? (await authenticateRequest(context, request));
  const body = await operation.handler({
    method: request.method,
    app: context.application,
    actor,
    path: request.params as Record<string, string>,
    query: queryOf(request),
    body: request.body,
    signal: signalOf(context, reply),
    version: context.version,
  });
  void reply.code(operation.status).header('cache-control', 'no-store');
  return operation.status === 204 ? reply.send() : reply.send(body);
}

function matches(path: string): Operation[] {
  return operationTable.filter((operation) => {
    const segments = operation.path.split('/').map((part) => (part.startsWith('{') ? '[^/]+' : part));
    return new RegExp(`^${prefix}${segments.join('/')}$`).test(path);
  });
}

/** An address without its last slash leads to the one with it; another method of an address is 405. */
async function answerUnknown(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const [path = '', search] = request.url.split('?');
  const found = matches(path);
  if (found.length > 0) {
    const allowed = [...new Set(found.map(({ method }) => method))].join(', ');
    await sendError(methodNotAllowed(request.method), request, reply.header('allow', allowed));
    return;
  }
  const complete = `${path}/`;
  const reading = request.method === 'GET' || request.method === 'HEAD';
  if (!reading || matches(complete).length === 0) return sendError(notFound(), request, reply);
  await reply.redirect(search === undefined ? complete : `${complete}?${search}`, 301);
}

/** authentik's REST API, version 3. */
export const authentikSurface: Surface = {
  prefix,
  sendError,
  register(instance: FastifyInstance, context: SurfaceContext): void {
    readJsonBodies(instance);
    instance.setErrorHandler(sendError);
    instance.setNotFoundHandler(answerUnknown);
    for (const operation of operationTable) {
      instance.route({
        method: operation.method,
        url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
        // Before the body is read: who may not call need not upload either.
        onRequest: async (request) => {
          const actor = await authenticateRequest(context, request);
          // Whether an operator is enough is known to the use case.
          if (!operation.reads) requireRole(actor, 'operator');
          actors.set(request, actor);
        },
        handler: async (request, reply) => answer(context, operation, request, reply),
      });
    }
  },
};
