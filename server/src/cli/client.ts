import { request, type IncomingMessage } from 'node:http';

import type { JobEvent } from '@lockstep/contract/events.ts';
import type { Problem } from '@lockstep/contract/problem.ts';
import type { Route, RouteResponse } from '@lockstep/contract/route.ts';
import { apiPrefix, routes, type OperationId } from '@lockstep/contract/routes.ts';
import type { z } from 'zod';
import { errorTable, LockstepError, type ErrorCode } from '../kernel/errors.ts';

type Routes = typeof routes;
/** What a call of the operation sends: its parameters, query and body, as far as it has them. */
export type CallOf<Id extends OperationId> = {
  [Part in Extract<keyof Routes[Id], 'params' | 'query' | 'body'>]: Routes[Id][Part] extends z.ZodType
    ? z.input<Routes[Id][Part]>
    : never;
};

/** The server went away, or never was there: the call may be repeated elsewhere. */
export class ConnectionLost extends Error {}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

function toError(status: number, text: string): LockstepError {
  try {
    const problem = JSON.parse(text) as Problem;
    if (isErrorCode(problem.code)) {
      return new LockstepError(problem.code, problem.detail, {
        field: problem.field,
        remedy: problem.remedy,
      });
    }
  } catch {
    // No problem document: whoever answered is not this API.
  }
  return new LockstepError('Internal', `The server answered with status ${status}: ${text.slice(0, 500)}`);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new ConnectionLost('The server closed the connection.', { cause });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function renderPath(route: Route, params: Readonly<Record<string, string>>, query: unknown): string {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined) search.append(name, String(item));
    }
  }
  return `${apiPrefix}${path}${search.size > 0 ? `?${search.toString()}` : ''}`;
}

/**
 * The native API on a unix socket, by its route table. Who may open the socket is the administrator of its tenants, so
 * no token is sent. Throws LockstepError for problems, ConnectionLost when nobody answers.
 */
export class ApiClient {
  readonly #socketPath: string;
  readonly #tenant: Readonly<Record<string, string>>;

  /** @param tenant name or id of the one that is meant; undefined: the first one */
  constructor(socketPath: string, tenant?: string) {
    this.#socketPath = socketPath;
    this.#tenant = tenant === undefined ? {} : { 'lockstep-tenant': encodeURIComponent(tenant) };
  }

  async call<Id extends OperationId>(id: Id, call: CallOf<Id>): Promise<RouteResponse<Routes[Id]>> {
    const response = await this.open(id, call);
    const text = await readText(response);
    return (text === '' ? undefined : JSON.parse(text)) as RouteResponse<Routes[Id]>;
  }

  /** Opens the answer of an operation as a stream of bytes. */
  async open<Id extends OperationId>(
    id: Id,
    call: CallOf<Id>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    const route: Route = routes[id];
    const { params, query, body } = call as {
      params?: Record<string, string>;
      query?: unknown;
      body?: unknown;
    };
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const response = await this.#send(route.method, renderPath(route, params ?? {}, query), payload, headers);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw toError(status, await readText(response));
  }

  /** The events of a job from after `lastEventId`, to the end of the stream. */
  async *events(job: string, lastEventId: string | undefined): AsyncGenerator<JobEvent> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await this.open('followJob', { params: { job } }, headers);
    yield* parseEvents(response);
  }

  #send(
    method: string,
    path: string,
    payload: Buffer | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          socketPath: this.#socketPath,
          method,
          path,
          agent: false,
          headers: {
            host: 'localhost',
            'lockstep-client': 'cli',
            ...this.#tenant,
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': payload.length }),
            ...headers,
          },
        },
        resolve,
      );
      outgoing.on('error', (cause) => reject(new ConnectionLost('The server does not answer.', { cause })));
      outgoing.end(payload);
    });
  }
}

/** Server-sent events (WHATWG HTML section 9.2) off a stream, as the native API sends them. */
export async function* parseEvents(stream: AsyncIterable<Uint8Array>): AsyncGenerator<JobEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of stream) {
      rest += decoder.decode(chunk, { stream: true }).replaceAll('\r\n', '\n');
      let end = rest.indexOf('\n\n');
      while (end >= 0) {
        const event = parseEvent(rest.slice(0, end));
        rest = rest.slice(end + 2);
        if (event !== undefined) yield event;
        end = rest.indexOf('\n\n');
      }
    }
  } catch (cause) {
    throw new ConnectionLost('The server closed the connection.', { cause });
  }
}

function parseEvent(block: string): JobEvent | undefined {
  const fields = { id: '', event: '', data: '' };
  for (const line of block.split('\n')) {
    const cut = line.indexOf(':');
    const name = line.slice(0, cut);
    const value = line.slice(cut + 1).replace(/^ /, '');
    if (name === 'data') fields.data += value;
    else if (name === 'id' || name === 'event') fields[name] = value;
  }
  if (fields.event === '' || fields.data === '') return undefined;
  return { id: fields.id, event: fields.event, data: JSON.parse(fields.data) as unknown } as JobEvent;
}
