import { z } from 'zod';
import { resourceNameSchema } from './connection.ts';
import { pageOf, pageQuery, timeSchema } from './page.ts';
import type { Route } from './route.ts';

/** A token that another system pushes with into a connection of type `scim_server`. */
export const connectionTokenSchema = z.object({
  id: z.string(),
  label: z.string().describe('What it is for.'),
  status: z
    .enum(['active', 'expiring', 'expired', 'revoked'])
    .describe('expiring: it ends within 14 days; make a new one and give it to the pushing side.'),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  lastUsedAt: timeSchema.nullable().describe('To the minute.'),
  revokedAt: timeSchema.nullable(),
});
export type ConnectionTokenView = z.infer<typeof connectionTokenSchema>;

/** The only answer that has the token itself. */
export const createdConnectionTokenSchema = connectionTokenSchema.extend({
  token: z.string(),
  path: z.string().describe('Where it is good for, on this server: `/scim/v2/{connection}`.'),
});
export type CreatedConnectionToken = z.infer<typeof createdConnectionTokenSchema>;

export const connectionTokenRequestSchema = z.strictObject({
  label: z.string().trim().max(100).default('').describe('What it is for.'),
  expiresAt: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('When it ends; without it when it is revoked.'),
});

const connectionParams = z.object({ connection: resourceNameSchema.describe('Id or name.') });
const tokenParams = connectionParams.extend({
  token: z.string().regex(/^[a-z0-9_]{1,64}$/, 'is no id of a token'),
});

/** Tokens of the systems that push; several may live at once, so that they can be changed without a gap. */
export const connectionTokenRoutes = {
  listConnectionTokens: {
    method: 'GET',
    path: '/connections/{connection}/tokens',
    summary: 'List the tokens of a connection that others push to, revoked ones too',
    tag: 'connections',
    role: 'administrator',
    params: connectionParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(connectionTokenSchema),
    errors: ['NotFound'],
  },
  createConnectionToken: {
    method: 'POST',
    path: '/connections/{connection}/tokens',
    summary: 'Make a token for the pushing side; the answer alone has it',
    tag: 'connections',
    role: 'administrator',
    params: connectionParams,
    body: connectionTokenRequestSchema,
    status: 201,
    response: createdConnectionTokenSchema,
    errors: ['NotFound', 'Conflict'],
  },
  revokeConnectionToken: {
    method: 'DELETE',
    path: '/connections/{connection}/tokens/{token}',
    summary: 'Revoke a token for good',
    tag: 'connections',
    role: 'administrator',
    params: tokenParams,
    status: 204,
    response: null,
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Route>;
