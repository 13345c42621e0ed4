import type { CreatedConnectionToken } from '@lockstep/contract/connection-token.ts';
import type { Page } from '@lockstep/contract/page.ts';
import type { TokenView } from '@lockstep/contract/token.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectionRow } from '../../store/queries/connections.ts';
import { lockTenant } from '../../store/queries/tenant.ts';
import { randomText } from '../access/key-material.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { getConnectionRow } from '../connections.ts';
import type { PageRequest } from '../page.ts';
import { keepToken, listTokens, revokeToken, type TokenRequest } from '../tokens.ts';
import { applicationWithin } from '../transaction-application.ts';
import { forgetPresentedTokens } from './presented-tokens.ts';

/** @throws LockstepError NotFound; Conflict for a connection that nobody pushes to. */
async function getPushedConnection(
  executor: Executor,
  actor: Actor,
  idOrName: string,
): Promise<ConnectionRow> {
  const row = await getConnectionRow(executor, actor, idOrName);
  if (row.type === 'scim_server') return row;
  throw new LockstepError('Conflict', `connection ${row.name} is of type ${row.type} and takes no pushes`, {
    field: 'connection',
    remedy: 'Tokens are for connections of type scim_server.',
  });
}

export async function listConnectionTokens(
  app: Application,
  actor: Actor,
  connection: string,
  page: PageRequest,
): Promise<Page<TokenView>> {
  requireRole(actor, 'administrator');
  const { id } = await getConnectionRow(app.store.db, actor, connection);
  return listTokens(app, { type: 'connection', id }, page);
}

/**
 * Makes a token for a system that pushes into this connection. It is in the answer and is never shown again: the store
 * has its SHA-256. It opens this connection and nothing else.
 * @throws LockstepError NotFound; Conflict for a connection of another type; InvalidRequest for a moment that is past.
 */
export async function createConnectionToken(
  app: Application,
  actor: Actor,
  connection: string,
  request: TokenRequest,
): Promise<CreatedConnectionToken> {
  requireRole(actor, 'administrator');
  const token = `scim_${randomText(43)}`;
  return app.store.transaction(async (trx) => {
    // Until the token is there nobody deletes what it is for.
    await lockTenant(trx, actor.tenantId);
    const { id, name } = await getPushedConnection(trx, actor, connection);
    const view = await keepToken(applicationWithin(app, trx), { type: 'connection', id }, token, request);
    return { ...view, token, path: `/scim/v2/${encodeURIComponent(name)}` };
  });
}

/** Ends a token for good. Revoking twice is no error. @throws LockstepError NotFound. */
export async function revokeConnectionToken(
  app: Application,
  actor: Actor,
  connection: string,
  token: string,
): Promise<void> {
  requireRole(actor, 'administrator');
  const { id } = await getConnectionRow(app.store.db, actor, connection);
  await revokeToken(app, { type: 'connection', id }, connection, token);
  forgetPresentedTokens(app);
}
