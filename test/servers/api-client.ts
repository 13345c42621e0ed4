import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import type { Problem } from '@lockstep/contract/problem.ts';
import { everySurface } from '../../server/src/http/every-surface.ts';
import { buildServer, type ServerOptions } from '../../server/src/http/server.ts';
import type { IdleApplication } from './application.ts';

export interface ApiClient extends AsyncDisposable {
  readonly app: IdleApplication;
  readonly server: FastifyInstance;
  readonly url: string;
  /** Calls under /lockstep/v1 with the administrator's token. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
}

/** Serves the application on a free port of the loopback. */
export async function serveApplication(
  app: IdleApplication,
  options: Partial<ServerOptions> = {},
): Promise<ApiClient> {
  const server = buildServer(app, {
    version: '0.0.0',
    surfaces: everySurface,
    bodyLimit: 10_000,
    ...options,
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const send: ApiClient['send'] = (method, path, body, headers = {}) =>
    fetch(`${url}/lockstep/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${app.credentials.apiToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    app,
    server,
    url,
    send,
    json: async <T>(method: string, path: string, body?: unknown) => {
      const response = await send(method, path, body);
      const text = await response.text();
      expect(response.status, text).toBeLessThan(300);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    [Symbol.asyncDispose]: async () => server.close(),
  };
}

/** Expects a problem document (RFC 9457) with this status. */
export async function expectProblem(response: Response, status: number): Promise<Problem> {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const document = JSON.parse(text) as Problem;
  expect(document.status).toBe(status);
  expect(document.requestId).toBe(response.headers.get('x-request-id'));
  return document;
}
