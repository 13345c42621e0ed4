import * as newest from '@goauthentik/api';
import * as older from 'goauthentik-api-2024';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { ConnectorRegistry } from '../../../server/src/app/application.ts';
import { makeJobRunner } from '../../../server/src/app/job-runner.ts';
import type { Store } from '../../../server/src/store/store.ts';
import { openIdleApplication } from '../../servers/application.ts';
import { serveApplication, type ApiClient } from '../../servers/api-client.ts';
import { findDeviations } from './deviations.ts';

/** What a client threw for an answer that is no success. */
export interface Refusal {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The vendor's clients against a running server; every success is held against the documents of both versions. */
export interface AuthentikApi extends AsyncDisposable {
  readonly client: ApiClient;
  readonly url: string;
  /** Clients of 2024.8.3. */
  readonly old: {
    readonly providers: older.ProvidersApi;
    readonly events: older.EventsApi;
    readonly mappings: older.PropertymappingsApi;
    readonly sources: older.SourcesApi;
    readonly core: older.CoreApi;
  };
  /** Clients of 2026.8.3. */
  readonly now: {
    readonly providers: newest.ProvidersApi;
    readonly tasks: newest.TasksApi;
    readonly mappings: newest.PropertymappingsApi;
    readonly sources: newest.SourcesApi;
    readonly core: newest.CoreApi;
  };
  /** A request of any form, with the administrator's token unless headers are given. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The answer of `send`, which must have this status. */
  expectStatus(
    status: number,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Record<string, unknown>>;
  /** Runs all jobs that are pending, as a worker would. */
  runJobs(): Promise<void>;
  /** Runs jobs until the call is answered. */
  whileWorking<T>(call: Promise<T>): Promise<T>;
}

/** Expects a call of a client to be refused. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const response = (error as { response?: Response } | undefined)?.response;
  if (response === undefined) throw new Error('the call was not refused', { cause: error });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

export async function serveAuthentik(store: Store, connectors?: ConnectorRegistry): Promise<AuthentikApi> {
  const idle = await openIdleApplication(store);
  const app = { ...idle, ...(connectors && { connectors }) };
  const client = await serveApplication(app);
  const deviations: string[] = [];
  const token = app.credentials.apiToken;

  const checkedFetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const address = input instanceof Request ? input.url : input;
    const path = new URL(address).pathname.replace('/api/v3', '');
    const text = await response.clone().text();
    if (response.ok) {
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      deviations.push(...findDeviations(init?.method ?? 'GET', path, response.status, body));
    }
    return response;
  };
  const options = { basePath: `${client.url}/api/v3`, accessToken: token, fetchApi: checkedFetch };
  const [then, now] = [new older.Configuration(options), new newest.Configuration(options)];

  const send: AuthentikApi['send'] = async (
    method,
    path,
    body,
    headers = { authorization: `Bearer ${token}` },
  ) =>
    fetch(`${client.url}/api/v3${path}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });

  async function runJobs(): Promise<void> {
    const { rows } = await sql<{
      id: string;
    }>`select id from job where status = 'pending' order by id`.execute(app.store.db);
    for (const { id } of rows) await makeJobRunner(app).run(id, new AbortController().signal);
  }

  return {
    client,
    url: client.url,
    old: {
      providers: new older.ProvidersApi(then),
      events: new older.EventsApi(then),
      mappings: new older.PropertymappingsApi(then),
      sources: new older.SourcesApi(then),
      core: new older.CoreApi(then),
    },
    now: {
      providers: new newest.ProvidersApi(now),
      tasks: new newest.TasksApi(now),
      mappings: new newest.PropertymappingsApi(now),
      sources: new newest.SourcesApi(now),
      core: new newest.CoreApi(now),
    },
    send,
    async expectStatus(status, method, path, body) {
      const response = await send(method, path, body);
      const text = await response.text();
      expect(response.status, text).toBe(status);
      return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    },
    runJobs,
    async whileWorking(call) {
      const over = new AbortController();
      const finished = call.finally(() => over.abort());
      // The caller sees what goes wrong.
      finished.catch(() => undefined);
      while (!over.signal.aborted) {
        await runJobs();
        await delay(5);
      }
      return finished;
    },
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      expect(deviations).toEqual([]);
    },
  };
}
