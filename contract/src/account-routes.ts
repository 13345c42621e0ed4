import { z } from 'zod';
import { accountPutSchema, accountSchema, createdTokenSchema, identitySchema } from './account.ts';
import { resourceNameSchema } from './connection.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';
import { tokenIdSchema, tokenRequestSchema, tokenSchema } from './token.ts';

const accountParams = z.object({ account: resourceNameSchema.describe('Name.') });
const tokenParams = accountParams.extend({ token: tokenIdSchema });

/** Who may call the APIs of a tenant, and with which bearer tokens. */
export const accountRoutes = {
  getIdentity: {
    method: 'GET',
    path: '/identity',
    summary: 'Whom the credential stands for',
    tag: 'account',
    role: 'reader',
    status: 200,
    response: identitySchema,
    errors: [],
  },
  listAccounts: {
    method: 'GET',
    path: '/accounts',
    summary: 'List the accounts of the tenant in the order in which they were made',
    tag: 'account',
    role: 'administrator',
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(accountSchema),
    errors: [],
  },
  getAccount: {
    method: 'GET',
    path: '/accounts/{account}',
    summary: 'Show an account',
    tag: 'account',
    role: 'administrator',
    params: accountParams,
    status: 200,
    response: accountSchema,
    errors: ['NotFound'],
  },
  putAccount: {
    method: 'PUT',
    path: '/accounts/{account}',
    summary: 'Make an account of this name, or give it another role; a tenant keeps an administrator',
    tag: 'account',
    role: 'administrator',
    params: accountParams,
    body: accountPutSchema,
    status: 200,
    response: accountSchema,
    errors: ['Conflict'],
  },
  deleteAccount: {
    method: 'DELETE',
    path: '/accounts/{account}',
    summary:
      'Delete an account with its tokens, access keys and OAuth clients; a tenant keeps an administrator',
    tag: 'account',
    role: 'administrator',
    params: accountParams,
    status: 204,
    response: null,
    errors: ['NotFound', 'Conflict'],
  },
  listAccountTokens: {
    method: 'GET',
    path: '/accounts/{account}/tokens',
    summary: 'List the tokens of an account, revoked ones too, without the tokens themselves',
    tag: 'account',
    role: 'administrator',
    params: accountParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(tokenSchema),
    errors: ['NotFound'],
  },
  createAccountToken: {
    method: 'POST',
    path: '/accounts/{account}/tokens',
    summary: 'Make a bearer token that acts for an account; the answer alone has it',
    tag: 'account',
    role: 'administrator',
    params: accountParams,
    body: tokenRequestSchema,
    status: 201,
    response: createdTokenSchema,
    errors: ['NotFound'],
  },
  revokeAccountToken: {
    method: 'DELETE',
    path: '/accounts/{account}/tokens/{token}',
    summary: 'Revoke a token for good',
    tag: 'account',
    role: 'administrator',
    params: tokenParams,
    status: 204,
    response: null,
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Route>;
