import type { FastifyInstance } from 'fastify';
import { checkReadiness, listLastRuns } from '../app/health.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { SurfaceContext } from './surface.ts';
import { authenticateRequest } from './surfaces/native/authenticate.ts';

/** What the operator's machines ask: `/healthz` (the process lives), `/readyz` (the store answers), `/metrics`. */
export function registerOperations(
  instance: FastifyInstance,
  context: SurfaceContext,
  metrics: Metrics,
): void {
  instance.get('/healthz', async () => ({ status: 'ok' }));
  instance.get('/readyz', async (_request, reply) => {
    const readiness = await checkReadiness(context.application);
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  instance.get('/metrics', async (request, reply) => {
    const actor = await authenticateRequest(context, request);
    const { contentType, text } = await metrics.render(await listLastRuns(context.application, actor));
    return reply.header('content-type', contentType).send(text);
  });
  instance.addHook('onResponse', async (request, reply) => {
    metrics.observeRequest({
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
  });
}
