import type { Actor } from '../../../app/actor.ts';
import type { Application } from '../../../app/application.ts';
import { notFound } from './errors.ts';
import { parseUuid } from './uuid.ts';

/** Values of each parameter of the query, in their order. */
export type Query = Readonly<Record<string, readonly string[]>>;

/** One call of an operation, its caller known. */
export interface OperationCall {
  readonly method: string;
  readonly app: Application;
  readonly actor: Actor;
  /** Parameters of the path. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Query;
  /** As parsed; undefined when there was none. */
  readonly body: unknown;
  /** Raised when the caller has gone or the server closes. */
  readonly signal: AbortSignal;
  readonly version: string;
}

export interface Operation {
  /** As the vendor's document names it: `providers_microsoft_entra_list`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v3`, with `{parameters}` and a slash at its end. */
  readonly path: string;
  /** Of a success. 204 has no body. */
  readonly status: 200 | 201 | 204;
  /** Whether it changes nothing, so that a reader may call it. */
  readonly reads: boolean;
  /** What an answer does otherwise than the vendor's, for docs/surfaces.md. */
  readonly deviations: readonly string[];
  /** Calls use cases; members that are undefined vanish. Errors of use cases are rendered by the surface. */
  handler(call: OperationCall): Promise<unknown>;
}

const statuses = { GET: 200, POST: 201, PUT: 200, PATCH: 200, DELETE: 204 } as const;

/** @param address method and path, as `GET /providers/scim/{id}/` */
export function operation(
  name: string,
  address: string,
  handler: Operation['handler'],
  options: Partial<Pick<Operation, 'status' | 'reads' | 'deviations'>> = {},
): Operation {
  const [method, path] = address.split(' ') as [Operation['method'], string];
  return {
    name,
    method,
    path,
    status: options.status ?? statuses[method],
    reads: options.reads ?? method === 'GET',
    deviations: options.deviations ?? [],
    handler,
  };
}

/** A path parameter that is a whole number. @throws AuthentikError 404 for anything else. */
export function serialIn(call: OperationCall, model: string, name = 'id'): number {
  const text = call.path[name] ?? '';
  if (!/^\d{1,15}$/.test(text)) throw notFound(model);
  return Number(text);
}

/** A path parameter that is a UUID. @throws AuthentikError 404 for anything else. */
export function uuidIn(call: OperationCall, model: string, name: string): string {
  const uuid = parseUuid(call.path[name] ?? '');
  if (uuid === undefined) throw notFound(model);
  return uuid;
}
