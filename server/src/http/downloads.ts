import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { openReport } from '../app/downloads.ts';
import type { SurfaceContext } from './surface.ts';
import { sendProblem } from './surfaces/native/problems.ts';

/** Files behind signed links that are valid for minutes: who has the link needs no credential. */
export function registerDownloads(instance: FastifyInstance, { application }: SurfaceContext): void {
  void instance.register(async (scope) => {
    scope.setErrorHandler(sendProblem);
    scope.get<{ Params: { token: string } }>('/download/:token/:name', async (request, reply) => {
      const report = await openReport(application, request.params.token);
      void reply.type('text/csv; charset=utf-8').header('cache-control', 'private, no-store');
      void reply.header('content-disposition', 'attachment').header('x-content-type-options', 'nosniff');
      return reply.send(Readable.from(report));
    });
  });
}
