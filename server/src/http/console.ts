import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Nothing but its own files: no inline script, no other origin, no framing. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The web console at `/`. Its files have no version in their names, so a browser asks again each time (ETag). */
export function registerConsole(instance: FastifyInstance, directory: string): void {
  void instance.register(fastifyStatic, {
    root: directory,
    prefix: '/',
    cacheControl: false,
    wildcard: false,
    setHeaders: (reply) => {
      void reply.header('cache-control', 'no-cache');
      void reply.header('content-security-policy', contentSecurityPolicy);
      void reply.header('x-content-type-options', 'nosniff');
      void reply.header('referrer-policy', 'no-referrer');
    },
  });
}
