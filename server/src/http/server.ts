import { randomUUID } from 'node:crypto';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { countActiveJobs } from '../app/health.ts';
import type { Application } from '../app/application.ts';
import { openMetrics } from '../telemetry/metrics.ts';
import { registerConsole } from './console.ts';
import { registerDownloads } from './downloads.ts';
import { registerOperations } from './operations.ts';
import { refusePackedBodies } from './packed-body.ts';
import type { DefaultActor, Surface, SurfaceContext } from './surface.ts';
import { rewriteMerakiPath } from './surfaces/meraki/rewrite-path.ts';
import { sendProblem, sendProtocolProblem } from './surfaces/native/problems.ts';

export interface ServerOptions {
  readonly version: string;
  /** The APIs that it answers. */
  readonly surfaces: readonly Surface[];
  readonly logger?: FastifyBaseLogger | undefined;
  /** Whom requests without a token act for; only for a listener that nobody else can reach. */
  readonly defaultActor?: DefaultActor;
  /** Folder of the console's files; undefined: no console. */
  readonly consoleDirectory?: string | undefined;
  /** Most bytes of a body. */
  readonly bodyLimit?: number | undefined;
  /** Requests of one access key a second in the EIAM API; 100 when not given. */
  readonly eiamRequestsPerSecond?: number | undefined;
  /** Where clients reach this server, `https://host`; without it, where their requests say. */
  readonly publicUrl?: string | undefined;
}

const defaultBodyLimit = 4 * 1024 * 1024;
/** Paths of the directory travel as one parameter. */
const longestParameter = 8192;
/** Bytes of a request's head: clients of the EIAM API send all their parameters in the query. */
const largestHead = 1024 * 1024;

/** The dialect that an address belongs to. */
function errorSender(surfaces: readonly Surface[], url: string): NonNullable<Surface['sendError']> {
  const surface = surfaces.find(
    ({ prefix, sendError }) => sendError !== undefined && url.startsWith(`${prefix}/`),
  );
  return surface?.sendError ?? sendProblem;
}

function createInstance(options: ServerOptions): FastifyInstance {
  return Fastify({
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    bodyLimit: options.bodyLimit ?? defaultBodyLimit,
    genReqId: () => randomUUID(),
    // Streams would hold up the closing for ever; they resume elsewhere by Last-Event-ID.
    forceCloseConnections: true,
    requestTimeout: 60_000,
    http: { maxHeaderSize: largestHead },
    routerOptions: { maxParamLength: longestParameter },
    rewriteUrl: (request) => rewriteMerakiPath(request.url ?? '/'),
    frameworkErrors: (error, request, reply) => {
      void errorSender(options.surfaces, request.raw.url ?? '')(error, request, reply);
    },
  });
}

/**
 * A body that is too large is answered while it is still being sent. A connection closed then would be reset, and its
 * client never see the answer: the rest is read and dropped instead.
 */
function answerBeforeEnd(request: FastifyRequest, reply: FastifyReply): void {
  if (request.raw.complete || reply.getHeader('connection') !== 'close') return;
  void reply.removeHeader('connection');
  request.raw.resume();
}

/**
 * The HTTP server with these surfaces, not listening yet. Addresses under a surface's prefix answer in its dialect,
 * unknown ones too; what belongs to none answers with a problem document.
 */
export function buildServer(application: Application, options: ServerOptions): FastifyInstance {
  const instance = createInstance(options);
  const closing = new AbortController();
  instance.addHook('preClose', async () => closing.abort());
  instance.addHook('onSend', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    // Some refusals may be kept by who is told nothing of it (RFC 9111 section 4.2.2), and are right now only.
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    answerBeforeEnd(request, reply);
  });
  refusePackedBodies(instance);
  const context: SurfaceContext = {
    application,
    defaultActor: options.defaultActor,
    closing: closing.signal,
    version: options.version,
    eiamRequestsPerSecond: options.eiamRequestsPerSecond,
    publicUrl: options.publicUrl,
  };
  instance.setErrorHandler(sendProblem);
  instance.setNotFoundHandler(async (request, reply) =>
    sendProtocolProblem({ status: 404, detail: 'there is nothing at this address' }, request, reply),
  );
  registerOperations(
    instance,
    context,
    openMetrics(async () => countActiveJobs(application)),
  );
  registerDownloads(instance, context);
  for (const surface of options.surfaces) {
    void instance.register(async (scope) => surface.register(scope, context), { prefix: surface.prefix });
  }
  if (options.consoleDirectory !== undefined) registerConsole(instance, options.consoleDirectory);
  return instance;
}
