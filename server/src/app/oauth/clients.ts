import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { CreatedOauthClient, OauthClient, OauthClientRequest } from '@lockstep/contract/oauth.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import {
  deleteOauthClientRow,
  findOauthClient,
  insertOauthClient,
  selectOauthClients,
  type OauthClientRow,
} from '../../store/queries/oauth.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { holdCaller } from '../authentication.ts';
import { tokenHash } from '../installation.ts';
import { cutPage, requireIdKey, type PageRequest } from '../page.ts';

/** A client that presented itself. */
export type PresentedClient = OauthClientRow;

function showClient(row: OauthClientRow): OauthClient {
  return {
    id: row.id,
    name: row.name,
    redirectUris: [...row.redirectUris],
    scopes: [...row.scopes],
    confidential: row.secretHash !== null,
    createdAt: row.createdAt.toISOString(),
  };
}

export async function listOauthClients(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<OauthClient>> {
  requireRole(actor, 'administrator');
  requireIdKey(page.after, 'oauthClient');
  const rows = await selectOauthClients(app.store.db, actor.tenantId, { ...page, limit: page.limit + 1 });
  return cutPage(rows, page.limit, showClient, (row) => row.id);
}

/** Makes a client. Tokens of its own (client_credentials) act for the account that made it. */
export async function createOauthClient(
  app: Application,
  actor: Actor,
  request: OauthClientRequest,
): Promise<CreatedOauthClient> {
  requireRole(actor, 'administrator');
  const id = newId('oauthClient', app.clock.now().getTime());
  const secret = request.confidential ? randomBytes(32).toString('base64url') : null;
  return app.store.transaction(async (trx) => {
    await holdCaller(trx, actor);
    await insertOauthClient(trx, {
      id,
      tenantId: actor.tenantId,
      accountId: actor.accountId,
      name: request.name,
      secretHash: secret === null ? null : tokenHash(secret),
      redirectUris: request.redirectUris,
      scopes: [...new Set(request.scopes)],
    });
    const row = await findOauthClient(trx, id);
    if (row === undefined) throw new LockstepError('Internal', `client ${id} was not saved`);
    return { ...showClient(row), secret };
  });
}

/** @throws LockstepError NotFound. */
export async function deleteOauthClient(app: Application, actor: Actor, id: string): Promise<void> {
  requireRole(actor, 'administrator');
  if (await deleteOauthClientRow(app.store.db, actor.tenantId, id)) return;
  throw new LockstepError('NotFound', `there is no OAuth client ${JSON.stringify(id)}`, {
    remedy: '`lockstep oauth-clients list` shows those there are.',
  });
}

/** The client with this id, of whichever tenant. */
export async function findClient(app: Application, id: string): Promise<PresentedClient | undefined> {
  return findOauthClient(app.store.db, id);
}

/** Whether this is the secret of the client; a public client has none. */
export function isClientSecret(client: PresentedClient, secret: string): boolean {
  return client.secretHash !== null && timingSafeEqual(client.secretHash, tokenHash(secret));
}
