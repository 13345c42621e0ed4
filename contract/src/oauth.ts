import { z } from 'zod';
import { pageOf, pageQuery, timeSchema } from './page.ts';
import type { Route } from './route.ts';

/** What a client may be let do with its tokens. */
export const oauthScopes = [
  'dashboard:iam:config:read',
  'dashboard:iam:config:write',
  'dashboard:iam:telemetry:read',
] as const;
export type OauthScope = (typeof oauthScopes)[number];

/**
 * Where a browser is sent back to: an absolute address without a fragment (RFC 6749 section 3.1.2), encrypted unless it
 * stays on the machine (RFC 8252 section 7.3).
 */
const redirectUriSchema = z
  .url()
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text);
    if (url === null || text.includes('#')) return false;
    const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
    return url.protocol === 'https:' || (url.protocol === 'http:' && local);
  }, 'must be an https address without a fragment, or http on the machine itself');

export const oauthClientRequestSchema = z.strictObject({
  name: z.string().min(1).max(200).describe('What people are told who asks for access.'),
  redirectUris: z
    .array(redirectUriSchema)
    .max(20)
    .default([])
    .describe('Where browsers may be sent back to; compared as they stand.'),
  scopes: z
    .array(z.enum(oauthScopes))
    .min(1)
    .default([...oauthScopes])
    .describe('The most that its tokens may do.'),
  confidential: z
    .boolean()
    .default(true)
    .describe('false: a program that cannot keep a secret; it gets none, and no tokens of its own.'),
});
export type OauthClientRequest = z.infer<typeof oauthClientRequestSchema>;

export const oauthClientSchema = z.object({
  id: z.string().describe('The `client_id`.'),
  name: z.string(),
  redirectUris: z.array(z.string()),
  scopes: z.array(z.string()),
  confidential: z.boolean(),
  createdAt: timeSchema,
});
export type OauthClient = z.infer<typeof oauthClientSchema>;

export const createdOauthClientSchema = oauthClientSchema.extend({
  secret: z.string().nullable().describe('The `client_secret`, shown once; null for a public client.'),
});
export type CreatedOauthClient = z.infer<typeof createdOauthClientSchema>;

/** Programs that may ask people for access, and get tokens at `/oauth/token`. */
export const oauthRoutes = {
  listOauthClients: {
    method: 'GET',
    path: '/oauth-clients',
    summary: 'List OAuth clients, without their secrets',
    tag: 'access',
    role: 'administrator',
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(oauthClientSchema),
    errors: [],
  },
  createOauthClient: {
    method: 'POST',
    path: '/oauth-clients',
    summary: 'Make an OAuth client; the answer alone has its secret',
    tag: 'access',
    role: 'administrator',
    body: oauthClientRequestSchema,
    status: 201,
    response: createdOauthClientSchema,
    errors: [],
  },
  deleteOauthClient: {
    method: 'DELETE',
    path: '/oauth-clients/{client}',
    summary: 'Delete an OAuth client; its tokens end with it',
    tag: 'access',
    role: 'administrator',
    params: z.object({ client: z.string().max(100) }),
    status: 204,
    response: null,
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Route>;
