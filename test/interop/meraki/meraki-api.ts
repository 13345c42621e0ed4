import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { everySurface } from '../../../server/src/http/every-surface.ts';
import { buildServer } from '../../../server/src/http/server.ts';
import { openIdleApplication, type IdleApplication } from '../../servers/application.ts';
import type { Store } from '../../../server/src/store/store.ts';
import { answerFacts } from './answer-facts.ts';
import { findDeviations } from './shape.ts';

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** The API as a client sees it over HTTP; every answer of a documented operation is held against the document. */
export interface MerakiApi extends AsyncDisposable {
  readonly app: IdleApplication;
  readonly server: FastifyInstance;
  readonly url: string;
  readonly organizationId: string;
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<unknown>>;
  /** Calls a documented operation, which must succeed as documented. */
  call<Body>(
    operationId: string,
    request?: { params?: Record<string, string>; query?: string; body?: unknown },
  ): Promise<Answer<Body>>;
  /** Calls under /lockstep/v1. */
  native(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** Goes on by itself, so that a story is not slowed down by the limit of requests. */
function hurriedClock(): { now(): Date } {
  let passed = 0;
  return { now: () => new Date(Date.now() + (passed += 200)) };
}

async function fetchJson(address: string, init: RequestInit): Promise<Answer<unknown>> {
  const response = await fetch(address, { redirect: 'error', ...init });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

export async function serveMeraki(
  store: Store,
  options: { clock?: { now(): Date }; connectors?: IdleApplication['connectors'] } = {},
): Promise<MerakiApi> {
  const idle = await openIdleApplication(store);
  const app = {
    ...idle,
    clock: options.clock ?? hurriedClock(),
    ...(options.connectors === undefined ? {} : { connectors: options.connectors }),
  };
  const server = buildServer(app, { version: '0.0.0', surfaces: everySurface, bodyLimit: 20_000 });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const authorization = { authorization: `Bearer ${app.credentials.apiToken}` };
  const send: MerakiApi['send'] = async (method, path, body, headers = authorization) =>
    fetchJson(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const organizations = await send('GET', '/api/v1/organizations');
  const organizationId = (organizations.body as { id: string }[])[0]?.id ?? '';
  return {
    app,
    server,
    url,
    organizationId,
    send,
    call: async <Body>(
      operationId: string,
      {
        params = {},
        query = '',
        body,
      }: { params?: Record<string, string>; query?: string; body?: unknown } = {},
    ) => {
      const facts = answerFacts[operationId];
      if (facts === undefined) throw new Error(`no such operation: ${operationId}`);
      const path = facts.path.replace(/\{(\w+)\}/g, (_, name: string) =>
        name === 'organizationId' ? organizationId : (params[name] ?? `{${name}}`),
      );
      const answer = await send(facts.method, `/api/v1${path}${query}`, body);
      expect(answer.status, JSON.stringify(answer.body)).toBe(facts.status);
      expect(answer.headers.get('x-request-id')).not.toBeNull();
      if (facts.body === null) expect(answer.body).toBeUndefined();
      else expect(findDeviations(facts.body, answer.body)).toEqual([]);
      if (facts.paged) expect(answer.headers.get('link')).toMatch(/; rel=first, .*; rel=last$/);
      return answer as Answer<Body>;
    },
    native: async (method, path, body) => {
      const answer = await send(method, `/lockstep/v1${path}`, body);
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
      return answer.body;
    },
    [Symbol.asyncDispose]: async () => server.close(),
  };
}

/** Relations of a Link header. */
export function linksOf(answer: Answer<unknown>): Record<string, string> {
  const header = answer.headers.get('link') ?? '';
  return Object.fromEntries(
    [...header.matchAll(/<([^>]+)>; rel=(\w+)/g)].map(([, address, rel]) => [rel ?? '', address ?? '']),
  );
}
