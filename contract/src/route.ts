import type { z } from 'zod';
import type { Role } from './account.ts';

/** One operation of the native API. Server, OpenAPI document, CLI and console are driven by a table of these. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Under `apiPrefix`; `{name}` stands for a parameter. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly tag:
    'account' | 'access' | 'configuration' | 'connections' | 'syncs' | 'jobs' | 'directory' | 'store';
  /** The least role that may call it. */
  readonly role: Role;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Status of success. */
  readonly status: 200 | 201 | 202 | 204;
  /** null: no body, or a body of `media` that is no JSON. */
  readonly response: z.ZodType | null;
  readonly media?: 'text/event-stream' | 'application/octet-stream';
  /** Codes of `docs/errors.md` that it answers with, on top of those of every operation. */
  readonly errors: readonly string[];
}

type OutputOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type InputOf<Schema> = Schema extends z.ZodType ? z.input<Schema> : undefined;
type Member<Item, Key extends string> = Item extends { readonly [K in Key]: infer Value } ? Value : undefined;

/** What a handler of the route receives. */
export interface RouteRequest<Item extends Route> {
  readonly params: OutputOf<Member<Item, 'params'>>;
  readonly query: OutputOf<Member<Item, 'query'>>;
  readonly body: OutputOf<Member<Item, 'body'>>;
}

/** What a caller of the route sends. */
export interface RouteCall<Item extends Route> {
  readonly params: InputOf<Member<Item, 'params'>>;
  readonly query: InputOf<Member<Item, 'query'>>;
  readonly body: InputOf<Member<Item, 'body'>>;
}

/** What the route answers with. */
export type RouteResponse<Item extends Route> = Item['response'] extends z.ZodType
  ? z.output<Item['response']>
  : undefined;
