import { forgetPresentedTokens } from './presented-tokens.ts';
import { randomText } from '../access/key-material.ts';
import type { ConnectionTokenView, CreatedConnectionToken } from '@lockstep/contract/connection-token.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import type { ConnectionRow } from '../../store/queries/connections.ts';
import {
  insertScimToken,
  revokeScimTokenRow,
  selectScimTokens,
  type ScimTokenRow,
} from '../../store/queries/scim-tokens.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { getConnectionRow } from '../connections.ts';
import { tokenHash } from '../installation.ts';
import { cutPage, requireIdKey, type PageRequest } from '../page.ts';

const day = 24 * 60 * 60 * 1000;
/** So long before its end a token is called expiring: time to make another and to hand it over. */
const warnedBefore = 14 * day;

/** Whether a token that is still good ends so soon that its users must be told. */
export function endsSoon(expiresAt: Date | null, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() - now.getTime() < warnedBefore;
}

function statusOf(row: ScimTokenRow, now: Date): ConnectionTokenView['status'] {
  if (row.revokedAt !== null) return 'revoked';
  if (row.expiresAt !== null && row.expiresAt <= now) return 'expired';
  return endsSoon(row.expiresAt, now) ? 'expiring' : 'active';
}

function showToken(row: ScimTokenRow, now: Date): ConnectionTokenView {
  return {
    id: row.id,
    label: row.label,
    status: statusOf(row, now),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

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
): Promise<Page<ConnectionTokenView>> {
  requireRole(actor, 'administrator');
  const { id } = await getConnectionRow(app.store.db, actor, connection);
  requireIdKey(page.after, 'token');
  const rows = await selectScimTokens(app.store.db, id, { ...page, limit: page.limit + 1 });
  return cutPage(
    rows,
    page.limit,
    (row) => showToken(row, app.clock.now()),
    (row) => row.id,
  );
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
  request: { readonly label: string; readonly expiresAt?: Date | undefined },
): Promise<CreatedConnectionToken> {
  requireRole(actor, 'administrator');
  const createdAt = app.clock.now();
  const expiresAt = request.expiresAt ?? null;
  if (expiresAt !== null && expiresAt <= createdAt) {
    throw new LockstepError('InvalidRequest', 'the token would have expired already', { field: 'expiresAt' });
  }
  const { id: connectionId, name } = await getPushedConnection(app.store.db, actor, connection);
  const token = `scim_${randomText(43)}`;
  const { label } = request;
  const made = { id: newId('token', createdAt.getTime()), label, createdAt, expiresAt };
  await insertScimToken(app.store.db, { ...made, connectionId, hash: tokenHash(token) });
  const view = showToken({ ...made, lastUsedAt: null, revokedAt: null }, createdAt);
  return { ...view, token, path: `/scim/v2/${encodeURIComponent(name)}` };
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
  const revoked = await revokeScimTokenRow(app.store.db, id, token, app.clock.now());
  forgetPresentedTokens(app);
  if (revoked) return;
  throw new LockstepError(
    'NotFound',
    `connection ${JSON.stringify(connection)} has no token ${JSON.stringify(token)}`,
  );
}
