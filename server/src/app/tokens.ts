import type { Page } from '@lockstep/contract/page.ts';
import type { TokenView } from '@lockstep/contract/token.ts';
import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import {
  insertToken,
  revokeTokenRow,
  selectTokens,
  type TokenOwner,
  type TokenRow,
} from '../store/queries/tokens.ts';
import type { Application } from './application.ts';
import { tokenHash } from './installation.ts';
import { cutPage, requireIdKey, type PageRequest } from './page.ts';

const day = 24 * 60 * 60 * 1000;
/** So long before its end a token is called expiring: time to make another and to hand it over. */
const warnedBefore = 14 * day;
const minute = 60_000;

/** Whether a token that is still good ends so soon that its users must be told. */
export function endsSoon(expiresAt: Date | null, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() - now.getTime() < warnedBefore;
}

/** Whether the time of a token's last use is to be written again: it is kept to the minute. */
export function isUsedAnew(lastUsedAt: Date | null, now: Date): boolean {
  return lastUsedAt === null || now.getTime() - lastUsedAt.getTime() > minute;
}

function statusOf(row: TokenRow, now: Date): TokenView['status'] {
  if (row.revokedAt !== null) return 'revoked';
  if (row.expiresAt !== null && row.expiresAt <= now) return 'expired';
  return endsSoon(row.expiresAt, now) ? 'expiring' : 'active';
}

function showToken(row: TokenRow, now: Date): TokenView {
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

export async function listTokens(
  app: Application,
  owner: TokenOwner,
  page: PageRequest,
): Promise<Page<TokenView>> {
  requireIdKey(page.after, 'token');
  const rows = await selectTokens(app.store.db, owner, { ...page, limit: page.limit + 1 });
  return cutPage(
    rows,
    page.limit,
    (row) => showToken(row, app.clock.now()),
    (row) => row.id,
  );
}

export interface TokenRequest {
  readonly label: string;
  readonly expiresAt?: Date | undefined;
}

/** Keeps the SHA-256 of a token, which is never shown again. @throws LockstepError InvalidRequest for a moment that is past. */
export async function keepToken(
  app: Application,
  owner: TokenOwner,
  token: string,
  request: TokenRequest,
): Promise<TokenView> {
  const createdAt = app.clock.now();
  if (request.expiresAt !== undefined && request.expiresAt <= createdAt)
    throw new LockstepError('InvalidRequest', 'the token would have expired already', {
      field: 'expiresAt',
      remedy: 'Give a time to come.',
    });
  const made = {
    id: newId('token', createdAt.getTime()),
    label: request.label,
    createdAt,
    expiresAt: request.expiresAt ?? null,
  };
  await insertToken(app.store.db, owner, { ...made, hash: tokenHash(token) });
  return showToken({ ...made, lastUsedAt: null, revokedAt: null }, createdAt);
}

/** Ends a token for good. Revoking twice is no error. @throws LockstepError NotFound. */
export async function revokeToken(
  app: Application,
  owner: TokenOwner,
  name: string,
  token: string,
): Promise<void> {
  if (await revokeTokenRow(app.store.db, owner, token, app.clock.now())) return;
  throw new LockstepError(
    'NotFound',
    `${owner.type} ${JSON.stringify(name)} has no token ${JSON.stringify(token)}`,
    { remedy: `\`lockstep ${owner.type}s token list ${name}\` shows those there are.` },
  );
}
