import { timingSafeEqual } from 'node:crypto';
import type { ScimServerConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { getScimProfile, type ScimProfile } from '../../scim/profile.ts';
import { findPresentedToken, type PresentedToken } from '../../store/queries/scim-tokens.ts';
import { markTokenUsed } from '../../store/queries/tokens.ts';
import type { Application } from '../application.ts';
import { parseSettings } from '../connections.ts';
import { tokenHash } from '../installation.ts';
import { endsSoon, isUsedAnew } from '../tokens.ts';
import { presentedTokensOf } from './presented-tokens.ts';

/** A connection that somebody pushes to, with the token that they showed. */
export interface PushedConnection {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly tenantId: string;
  readonly profile: ScimProfile;
  readonly requestsPerSecond: number;
  readonly tokenId: string;
  /** When the token ends, if that is soon; undefined: nothing to warn of. */
  readonly expiresSoon: Date | undefined;
}

/** Longer texts are no token of ours and are not hashed. */
const longestToken = 512;
/** So long a token that was found is believed, in milliseconds: as long as a revocation elsewhere may take to be seen. */
const believedFor = 1000;

function connectionOf(found: PresentedToken, now: Date): PushedConnection {
  const settings = parseSettings('scim_server', { ...found.settings }, 'settings') as ScimServerConnection;
  const { profile, requestsPerSecond } = settings;
  return {
    id: found.connectionId,
    serial: found.connectionSerial,
    name: found.connectionName,
    tenantId: found.tenantId,
    profile: getScimProfile(profile === 'auto' ? 'lenient' : profile),
    requestsPerSecond,
    tokenId: found.id,
    expiresSoon: endsSoon(found.expiresAt, now) ? (found.expiresAt ?? undefined) : undefined,
  };
}

/** For whoever shows no token, or one of a connection that is gone since it was believed. */
export function rejected(): LockstepError {
  return new LockstepError('Unauthenticated', 'The request carries no token that is good for this address.');
}

/**
 * The connection that a bearer token opens. Which part was wrong is not told: a connection that does not exist, one of
 * somebody else and a wrong token are answered alike.
 * @param connection name or id, as in the address
 * @throws LockstepError Unauthenticated.
 */
export async function authenticatePush(
  app: Application,
  connection: string,
  token: string,
): Promise<PushedConnection> {
  if (token.length === 0 || token.length > longestToken || connection.includes('\u0000')) throw rejected();
  const hash = tokenHash(token);
  const now = app.clock.now();
  const believed = presentedTokensOf(app);
  const key = `${hash.toString('base64')} ${connection}`;
  const known = believed.get(key);
  if (known !== undefined && known.until > now.getTime()) return known.connection;
  believed.delete(key);
  const found = await findPresentedToken(app.store.db, hash, connection, now);
  if (found === undefined || !timingSafeEqual(hash, found.hash)) throw rejected();
  if (isUsedAnew(found.lastUsedAt, now)) await markTokenUsed(app.store.db, 'connection', found.id, now);
  const opened = connectionOf(found, now);
  const end = found.expiresAt?.getTime() ?? Infinity;
  believed.set(key, { connection: opened, until: Math.min(end, now.getTime() + believedFor) });
  return opened;
}
