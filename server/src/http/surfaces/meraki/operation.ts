import type { OauthScope } from '@lockstep/contract/oauth.ts';
import { z } from 'zod';
import type { Actor } from '../../../app/actor.ts';
import type { Application } from '../../../app/application.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { explainIssue } from '../../../kernel/schema-issue.ts';
import type { Query } from './query.ts';

/** Who calls, and where answers say that the API is. */
export interface Caller {
  readonly app: Application;
  readonly actor: Actor;
  /** `https://host`, without a slash at the end. */
  readonly baseUrl: string;
}

export interface Call<Body = unknown> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
}

/** Where a page lies in its list, as the tokens that its neighbours are asked for with. */
export interface PagePlace {
  readonly perPage: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

export interface Answer {
  readonly body?: unknown;
  readonly page?: PagePlace;
  /** What a create made, for the status of an action batch. */
  readonly created?: { readonly id: string; readonly uri: string };
}

/** What an action batch calls an operation. */
export type BatchOperation = 'create' | 'update' | 'destroy' | 'revoke' | 'test_connectivity';

/** One operation of the API. The table of these drives routing, scopes, action batches and the document. */
export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Under `/api/v1`; `{name}` stands for a parameter. */
  readonly path: `/${string}`;
  readonly tags: readonly string[];
  readonly summary: string;
  /** What an OAuth token must be good for; undefined: any token will do. */
  readonly scope?: OauthScope;
  readonly query?: readonly QueryParameter[];
  readonly bodySchema?: z.ZodType;
  readonly status: 200 | 201 | 204;
  readonly batch?: BatchOperation;
  /** What differs from the vendor's API, or what Lockstep does where the vendor says nothing. */
  readonly deviations: readonly string[];
  handle(caller: Caller, call: Call): Promise<Answer>;
}

export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'array';
  readonly required?: boolean;
}

/** Parameters of every list that is paged. */
export const pageParameters: readonly QueryParameter[] = [
  { name: 'perPage', type: 'integer' },
  { name: 'startingAfter', type: 'string' },
  { name: 'endingBefore', type: 'string' },
];

type Described<Schema extends z.ZodType | undefined> = Omit<
  Operation,
  'handle' | 'bodySchema' | 'deviations' | 'status' | 'tags'
> & {
  readonly status?: Operation['status'];
  readonly tags?: readonly string[];
  readonly body?: Schema;
  readonly deviations?: readonly string[];
  handle(caller: Caller, call: Call<Schema extends z.ZodType ? z.output<Schema> : unknown>): Promise<Answer>;
};

function parseBody(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const { path, message, remedy } = explainIssue(parsed.error, value ?? {});
  const field = path.join('.');
  const what = field === '' ? 'the body' : `'${field}'`;
  throw new LockstepError('InvalidRequest', `${what} ${message}. ${remedy}`, { field });
}

/** An operation whose handler gets its body checked. Members that it does not know are ignored. */
export function operation<Schema extends z.ZodType | undefined = undefined>(
  described: Described<Schema>,
): Operation {
  const { body, handle, ...rest } = described;
  return {
    status: 200,
    tags: ['users'],
    deviations: [],
    ...rest,
    ...(body === undefined ? {} : { bodySchema: body }),
    handle: async (caller, call) => {
      const checked = body === undefined ? call.body : parseBody(body, call.body);
      return handle(caller, { ...call, body: checked as never });
    },
  };
}
