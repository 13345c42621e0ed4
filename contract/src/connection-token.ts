import { z } from 'zod';
import { resourceNameSchema } from './connection.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';
import { tokenIdSchema, tokenRequestSchema, tokenSchema } from './token.ts';

/** The only answer that has the token itself. */
export const createdConnectionTokenSchema = tokenSchema.extend({
  token: z.string(),
  path: z.string().describe('Where it is good for, on this server: `/scim/v2/{connection}`.'),
});
export type CreatedConnectionToken = z.infer<typeof createdConnectionTokenSchema>;

const connectionParams = z.object({ connection: resourceNameSchema.describe('Id or name.') });
const tokenParams = connectionParams.extend({
  token: tokenIdSchema,
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
    response: pageOf(tokenSchema),
    errors: ['NotFound'],
  },
  createConnectionToken: {
    method: 'POST',
    path: '/connections/{connection}/tokens',
    summary: 'Make a token for the pushing side; the answer alone has it',
    tag: 'connections',
    role: 'administrator',
    params: connectionParams,
    body: tokenRequestSchema,
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
