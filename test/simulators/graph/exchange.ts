import type { DeltaRounds } from './delta/rounds.ts';
import { notFound } from './graph-error.ts';
import type { Query } from './odata/query.ts';
import type { GraphControl } from './control.ts';
import type { DirectoryObject, ObjectType } from './state/directory-object.ts';
import type { Tenant } from './state/tenant.ts';

/** One request, its own or out of a batch; header names are in lower case. */
export interface GraphRequest {
  readonly method: string;
  /** Below `/v1.0`, decoded segment by segment. */
  readonly segments: readonly string[];
  readonly parameters: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Ids that the application may be told apart by, and what it may do. */
  readonly caller: Caller;
}

export interface Caller {
  readonly clientId: string;
  readonly roles: readonly string[];
}

export interface GraphResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it is; none with 204. */
  readonly body?: unknown;
}

/** What a handler works with. */
export interface Exchange {
  readonly request: GraphRequest;
  /** Values of the pattern's `{names}`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly tenant: Tenant;
  readonly control: GraphControl;
  readonly rounds: DeltaRounds;
  /** Without `/v1.0`. */
  readonly graphUrl: string;
}

export type Handler = (exchange: Exchange) => GraphResponse;

/** A handler and where it answers: `/groups/{id}/members`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly pattern: string;
  readonly handler: Handler;
}

export const noContent: GraphResponse = { status: 204 };

/** A live object of any type that this request may see. @throws GraphError 404 */
export function getObject(exchange: Exchange, id: string): DirectoryObject {
  const object = exchange.tenant.find(id);
  if (!object || exchange.control.hides(object.id)) throw notFound(id);
  return object;
}

/** The object that the path names, a user also by userPrincipalName. @throws GraphError 404 */
export function getTarget(exchange: Exchange, type: ObjectType, name = 'id'): DirectoryObject {
  const key = exchange.parameters[name] ?? '';
  const object = type === 'user' ? exchange.tenant.findUser(key) : exchange.tenant.find(key);
  if (object?.type !== type || exchange.control.hides(object.id)) throw notFound(key);
  return object;
}
