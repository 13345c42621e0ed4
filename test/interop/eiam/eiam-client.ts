import { expect } from 'vitest';
import type { ServerOptions } from '../../../server/src/http/server.ts';
import { serveApplication, type ApiClient } from '../../servers/api-client.ts';
import type { IdleApplication } from '../../servers/application.ts';
import { responseFaults } from './check-response.ts';
import { draftV3, sendDraft, type Key, type Reply } from './signing-client.ts';

/** A value of a parameter before it is flattened. */
export type Parameter =
  string | number | boolean | undefined | readonly Parameter[] | { readonly [name: string]: Parameter };

/** `A: [{ B: 1 }]` becomes `A.1.B=1`, as the vendor's clients do it. */
export function flatten(parameters: { readonly [name: string]: Parameter }): Record<string, string> {
  const flat: Record<string, string> = {};
  function visit(name: string, value: Parameter): void {
    if (value === undefined) return;
    if (typeof value !== 'object') flat[name] = String(value);
    else if (Array.isArray(value))
      for (const [index, item] of (value as readonly Parameter[]).entries())
        visit(`${name}.${index + 1}`, item);
    else for (const [member, item] of Object.entries(value)) visit(`${name}.${member}`, item);
  }
  for (const [name, value] of Object.entries(parameters)) visit(name, value);
  return flat;
}

/** An answer whose names and types were checked against the vendor's document, whatever operation it is of. */
// oxlint-disable-next-line typescript/no-explicit-any -- its members are those of any of 86 documents
export type CheckedAnswer = any;

export interface EiamClient extends AsyncDisposable {
  readonly api: ApiClient;
  readonly app: IdleApplication;
  readonly tenantId: string;
  /** Calls an operation of the own instance; the answer is checked against the vendor's document. */
  call(action: string, parameters?: { readonly [name: string]: Parameter }): Promise<CheckedAnswer>;
  /** Expects an error. @returns `STATUS CODE` */
  refusal(action: string, parameters?: { readonly [name: string]: Parameter }): Promise<string>;
}

/** Serves the application, and signs requests with the administrator's key. */
export async function openEiamClient(
  app: IdleApplication,
  options: Partial<ServerOptions> = {},
): Promise<EiamClient> {
  const api = await serveApplication(app, { eiamRequestsPerSecond: 10_000, ...options });
  const { accessKeyId, accessKeySecret, tenantId } = app.credentials;
  const key: Key = { id: accessKeyId, secret: accessKeySecret };
  const { host } = new URL(api.url);
  async function send(action: string, parameters: { readonly [name: string]: Parameter }): Promise<Reply> {
    const flat = flatten({ InstanceId: tenantId, ...parameters });
    return sendDraft(api.url, draftV3(host, key, action, flat, { inBody: true }));
  }
  return {
    api,
    app,
    tenantId,
    call: async (action, parameters = {}) => {
      const reply = await send(action, parameters);
      expect(reply.status, JSON.stringify(reply.body)).toBe(200);
      expect(responseFaults(action, reply.body)).toEqual([]);
      return reply.body;
    },
    refusal: async (action, parameters = {}) => {
      const reply = await send(action, parameters);
      expect(reply.status, JSON.stringify(reply.body)).toBeGreaterThanOrEqual(400);
      expect(reply.body).toMatchObject({ RequestId: expect.any(String), Message: expect.any(String) });
      return `${reply.status} ${String(reply.body['Code'])}`;
    },
    [Symbol.asyncDispose]: async () => api[Symbol.asyncDispose](),
  };
}
