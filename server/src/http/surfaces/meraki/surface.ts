import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireRole } from '../../../app/actor.ts';
import { getTenantSerial } from '../../../app/tenant-serial.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { readJsonBodies } from '../../json-body.ts';
import type { Surface, SurfaceContext } from '../../surface.ts';
import { authenticateCall, type Credential } from './authenticate.ts';
import { findBaseUrl } from '../../base-url.ts';
import { sendErrors, sendMerakiError } from './errors.ts';
import { renderLinks } from './link-header.ts';
import type { Operation } from './operation.ts';
import { makeOperationTable } from './operation-table.ts';
import { Query } from './query.ts';
import { RateLimit } from './rate-limit.ts';

const prefix = '/api/v1';

/** Whom each request at hand acts for. */
const credentials = new WeakMap<FastifyRequest, Credential>();

function fastifyPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** The part of an address before the query, and the part behind the question mark. */
function splitUrl(url: string): [path: string, search: string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** What is known before the body is looked at: the use cases know whether an operator is enough. */
function checkAccess({ scope }: Operation, { actor, scopes }: Credential): void {
  if (scope === 'dashboard:iam:config:write') requireRole(actor, 'operator');
  if (scope === undefined || scopes === undefined || scopes.includes(scope)) return;
  throw new LockstepError('Forbidden', `The access token needs the scope ${scope}`);
}

async function answer(
  context: SurfaceContext,
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const credential = credentials.get(request) ?? (await authenticateCall(context, request));
  checkAccess(operation, credential);
  const { application: app } = context;
  const { actor } = credential;
  const params = request.params as Record<string, string>;
  const organization = params['organizationId'];
  if (organization !== undefined && organization !== String(await getTenantSerial(app, actor)))
    throw new LockstepError('NotFound', 'Organization not found');
  const [path, search] = splitUrl(request.url);
  const query = new Query(search);
  const baseUrl = findBaseUrl(request.headers, request.protocol === 'https', context.publicUrl);
  const { body, page } = await operation.handle(
    { app, actor, baseUrl },
    { params, query, body: request.body },
  );
  if (page !== undefined) void reply.header('link', renderLinks(`${baseUrl}${path}`, query, page));
  void reply.code(operation.status).header('cache-control', 'no-store');
  if (operation.status === 204) return reply.send();
  // Bytes of our own: fastify would leave an array or an object to its serializer just the same, but null to nobody.
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** Methods that the API has for a path, to tell 405 from 404. */
function allowedMethods(table: readonly Operation[], path: string): string[] {
  const methods = table
    .filter((operation) => new RegExp(`^${prefix}${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path))
    .map(({ method }) => method);
  return [...new Set(methods)];
}

async function answerUnknown(
  table: readonly Operation[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const allowed = allowedMethods(table, splitUrl(request.url)[0]);
  if (allowed.length === 0) return sendErrors(request, reply, 404, ['Not found: there is no such API']);
  void reply.header('allow', allowed.join(', '));
  return sendErrors(request, reply, 405, [`Method not allowed: ${request.method}`]);
}

/** Takes a call from the organization's budget; over it the client is told when to come again. */
async function limitRate(
  context: SurfaceContext,
  limit: RateLimit,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const credential = await authenticateCall(context, request);
  credentials.set(request, credential);
  const wait = limit.take(credential.actor.tenantId, context.application.clock.now().getTime());
  if (wait === 0) return;
  // Whole seconds: a widely used client cannot read anything else.
  void reply.header('retry-after', String(wait));
  await sendErrors(request, reply, 429, ['API rate limit exceeded for organization']);
}

/** The organization users family of the Meraki Dashboard API v1, over the use cases. */
export const merakiSurface: Surface = {
  prefix,
  sendError: sendMerakiError,
  register(instance: FastifyInstance, context: SurfaceContext): void {
    const background = new Set<Promise<unknown>>();
    const inBackground = (work: Promise<unknown>): void => {
      const watched: Promise<unknown> = work
        .catch((error: unknown) => instance.log.error(error))
        .finally(() => background.delete(watched));
      background.add(watched);
    };
    const table = makeOperationTable(inBackground);
    const limit = new RateLimit();
    readJsonBodies(instance);
    instance.setErrorHandler(sendMerakiError);
    instance.setNotFoundHandler(async (request, reply) => answerUnknown(table, request, reply));
    // Before the body is read: who may not call need not upload either.
    instance.addHook('onRequest', async (request, reply) => limitRate(context, limit, request, reply));
    instance.addHook('onClose', async () => {
      await Promise.allSettled(background);
    });
    for (const operation of table) {
      instance.route({
        method: operation.method,
        url: fastifyPath(operation.path),
        handler: async (request, reply) => answer(context, operation, request, reply),
      });
    }
  },
};
