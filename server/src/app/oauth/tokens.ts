import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { newId } from '../../kernel/ids.ts';
import { holdAccount } from '../../store/queries/accounts.ts';
import {
  deleteSpentGrants,
  findOauthBearer,
  holdOauthClient,
  insertOauthAccessToken,
  insertOauthCode,
  insertOauthGrant,
  insertOauthRefreshToken,
  lockOauthCode,
  lockOauthRefreshToken,
  markOauthCodeUsed,
  markOauthRefreshTokenUsed,
  revokeOauthGrant,
  touchOauthGrant,
} from '../../store/queries/oauth.ts';
import type { Actor } from '../actor.ts';
import type { Application, Transaction } from '../application.ts';
import { tokenHash } from '../installation.ts';
import type { PresentedClient } from './clients.ts';

/** Milliseconds that an authorization code may take to come back (RFC 6749 section 4.1.2 asks for 10 minutes at most). */
const codeLife = 60_000;
/** Seconds that an access token is good for. */
export const accessTokenLife = 3600;
/** Milliseconds after which a refresh token that nobody used is worth nothing: 90 days. */
const idleLife = 90 * 86_400_000;
/** Longer texts are no code or token of ours. */
const longestToken = 512;

/** Tokens as a client gets them. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly scopes: readonly string[];
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Until a grant is there nobody deletes whom it is of and for, the account first as where that is deleted. */
async function hold(trx: Transaction, accountId: string, clientId: string): Promise<boolean> {
  return (await holdAccount(trx, accountId)) && (await holdOauthClient(trx, clientId));
}

/**
 * What a person let a client do, as a code for the client to fetch tokens with.
 * @returns undefined when one of them was deleted meanwhile
 */
export async function issueCode(
  app: Application,
  actor: Actor,
  client: PresentedClient,
  request: { readonly redirectUri: string; readonly challenge: string; readonly scopes: readonly string[] },
): Promise<string | undefined> {
  const code = newToken();
  const at = app.clock.now();
  const grantId = newId('oauthGrant', at.getTime());
  return app.store.transaction(async (trx) => {
    const { accountId } = actor;
    if (!(await hold(trx, accountId, client.id))) return undefined;
    await insertOauthGrant(trx, { id: grantId, clientId: client.id, accountId, scopes: request.scopes, at });
    await insertOauthCode(trx, {
      hash: tokenHash(code),
      grantId,
      redirectUri: request.redirectUri,
      challenge: request.challenge,
      expiresAt: new Date(at.getTime() + codeLife),
    });
    return code;
  });
}

async function issueTokens(
  app: Application,
  trx: Transaction,
  grantId: string,
  scopes: readonly string[],
  refreshable: boolean,
): Promise<IssuedTokens> {
  const now = app.clock.now();
  const accessToken = newToken();
  const expiresAt = new Date(now.getTime() + accessTokenLife * 1000);
  await insertOauthAccessToken(trx, { hash: tokenHash(accessToken), grantId, scopes, expiresAt, now });
  await touchOauthGrant(trx, grantId, now);
  if (!refreshable) return { accessToken, refreshToken: undefined, scopes };
  const refreshToken = newToken();
  await insertOauthRefreshToken(trx, { hash: tokenHash(refreshToken), grantId, at: now });
  return { accessToken, refreshToken, scopes };
}

/** RFC 7636 section 4.6. */
function verifies(verifier: string, challenge: string): boolean {
  const computed = Buffer.from(createHash('sha256').update(verifier, 'ascii').digest('base64url'));
  const expected = Buffer.from(challenge);
  return computed.length === expected.length && timingSafeEqual(computed, expected);
}

/**
 * Tokens for a code. A code that comes twice was overheard: then the tokens that it gave end as well (RFC 6749
 * section 4.1.2).
 * @returns undefined for a code that is worth nothing to this client
 */
export async function redeemCode(
  app: Application,
  client: PresentedClient,
  request: { readonly code: string; readonly redirectUri: string; readonly verifier: string },
): Promise<IssuedTokens | undefined> {
  if (request.code.length > longestToken) return undefined;
  const hash = tokenHash(request.code);
  const now = app.clock.now();
  return app.store.transaction(async (trx) => {
    const found = await lockOauthCode(trx, hash);
    if (found === undefined || found.clientId !== client.id) return undefined;
    if (found.usedAt !== null) {
      await revokeOauthGrant(trx, found.id, now);
      return undefined;
    }
    await markOauthCodeUsed(trx, hash, now);
    const fits =
      found.expiresAt > now &&
      found.redirectUri === request.redirectUri &&
      verifies(request.verifier, found.challenge);
    if (!fits) return undefined;
    return issueTokens(app, trx, found.id, found.scopes, true);
  });
}

/**
 * New tokens for a refresh token, which is worth nothing after that. One that comes twice was stolen, from one side or
 * the other: the whole grant ends (RFC 9700 section 4.14.2).
 * @param wanted scopes, of those granted; undefined: all of them
 * @returns undefined for a token that is worth nothing to this client; 'scope' when more is wanted than was granted
 */
export async function redeemRefreshToken(
  app: Application,
  client: PresentedClient,
  token: string,
  wanted: readonly string[] | undefined,
): Promise<IssuedTokens | 'scope' | undefined> {
  if (token.length > longestToken) return undefined;
  const hash = tokenHash(token);
  const now = app.clock.now();
  return app.store.transaction(async (trx) => {
    const found = await lockOauthRefreshToken(trx, hash);
    if (found === undefined || found.clientId !== client.id) return undefined;
    if (found.usedAt !== null || now.getTime() - found.lastUsedAt.getTime() > idleLife) {
      await revokeOauthGrant(trx, found.id, now);
      return undefined;
    }
    if (wanted?.some((scope) => !found.scopes.includes(scope)) === true) return 'scope';
    await markOauthRefreshTokenUsed(trx, hash, now);
    return issueTokens(app, trx, found.id, wanted ?? found.scopes, true);
  });
}

/**
 * Tokens of the client's own, which act for the account that made the client (RFC 6749 section 4.4).
 * @returns undefined when one of them was deleted meanwhile
 */
export async function issueClientTokens(
  app: Application,
  client: PresentedClient,
  scopes: readonly string[],
): Promise<IssuedTokens | undefined> {
  const at = app.clock.now();
  const id = newId('oauthGrant', at.getTime());
  return app.store.transaction(async (trx) => {
    if (!(await hold(trx, client.accountId, client.id))) return undefined;
    await deleteSpentGrants(trx, client.id);
    await insertOauthGrant(trx, { id, clientId: client.id, accountId: client.accountId, scopes, at });
    return issueTokens(app, trx, id, scopes, false);
  });
}

/** Whom an access token acts for, and what it may do. */
export interface OauthBearer {
  readonly actor: Actor;
  readonly scopes: readonly string[];
}

/** @returns undefined for what is no access token, or none any more. */
export async function findBearer(app: Application, token: string): Promise<OauthBearer | undefined> {
  if (token.length === 0 || token.length > longestToken) return undefined;
  const hash = tokenHash(token);
  const found = await findOauthBearer(app.store.db, hash, app.clock.now());
  if (found === undefined || !timingSafeEqual(hash, found.hash)) return undefined;
  const { hash: _, scopes, ...actor } = found;
  return { actor, scopes };
}
