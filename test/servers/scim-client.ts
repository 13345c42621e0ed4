import { expect } from 'vitest';
import type { IdleApplication } from './application.ts';
import { serveApplication, type ApiClient } from './api-client.ts';

type Body = Record<string, unknown>;

/** An answer of the SCIM server. */
export interface ScimAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The message; an empty object where there is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look at it member by member
  readonly body: any;
}

/** Somebody who pushes into connection `hr` of a listening server. */
export interface ScimClient extends AsyncDisposable {
  readonly api: ApiClient;
  readonly token: string;
  /** `http://127.0.0.1:PORT/scim/v2/hr` */
  readonly baseUrl: string;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ScimAnswer>;
  /** The same, and expects this status. */
  expect(
    status: number,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ScimAnswer>;
}

export const urn = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  enterprise: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  patch: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
  bulk: 'urn:ietf:params:scim:api:messages:2.0:BulkRequest',
  list: 'urn:ietf:params:scim:api:messages:2.0:ListResponse',
  error: 'urn:ietf:params:scim:api:messages:2.0:Error',
  search: 'urn:ietf:params:scim:api:messages:2.0:SearchRequest',
} as const;

/** Serves the application, and makes connection `hr` with a token. */
export async function serveScim(
  app: IdleApplication,
  settings: Body = {},
  options: Parameters<typeof serveApplication>[1] = { bodyLimit: 4 * 1024 * 1024 },
): Promise<ScimClient> {
  const api = await serveApplication(app, options);
  await api.json('PUT', '/connections/hr', { type: 'scim_server', ...settings });
  const { token } = await api.json<{ token: string }>('POST', '/connections/hr/tokens', {});
  const baseUrl = `${api.url}/scim/v2/hr`;
  const send: ScimClient['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? {} : JSON.parse(text),
    };
  };
  return {
    api,
    token,
    baseUrl,
    send,
    expect: async (status, ...call) => {
      const answer = await send(...call);
      expect(answer.status, answer.text).toBe(status);
      return answer;
    },
    [Symbol.asyncDispose]: async () => api[Symbol.asyncDispose](),
  };
}

/** Makes a user and gives its id. */
export async function pushUser(client: ScimClient, userName: string, more: Body = {}): Promise<string> {
  const { body } = await client.expect(201, 'POST', '/Users', { schemas: [urn.user], userName, ...more });
  return body.id as string;
}

export async function pushGroup(
  client: ScimClient,
  displayName: string,
  memberIds: readonly string[] = [],
): Promise<string> {
  const members = memberIds.map((value) => ({ value }));
  const { body } = await client.expect(201, 'POST', '/Groups', {
    schemas: [urn.group],
    displayName,
    members,
  });
  return body.id as string;
}

export function patchOf(...operations: Body[]): Body {
  return { schemas: [urn.patch], Operations: operations };
}
