import { timingSafeEqual } from 'node:crypto';
import type { Identity } from '@lockstep/contract/account.ts';
import { LockstepError } from '../kernel/errors.ts';
import { findAccount, findInstalledTenant, findToken } from '../store/queries/installation.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { tokenHash } from './installation.ts';

/** Longer texts are no token of ours and are not hashed. */
const longestToken = 512;

function rejected(): LockstepError {
  return new LockstepError('Unauthenticated', 'the request carries no valid token', {
    remedy: 'Send `Authorization: Bearer TOKEN`; the first token is in admin.json in the data directory.',
  });
}

/**
 * The account that a bearer token stands for. The token is looked up by its hash, so that no comparison can leak how
 * much of it was right.
 * @throws LockstepError Unauthenticated.
 */
export async function authenticateToken(app: Application, token: string): Promise<Actor> {
  if (token.length === 0 || token.length > longestToken) throw rejected();
  const hash = tokenHash(token);
  const found = await findToken(app.store.db, hash, app.clock.now());
  if (found === undefined || !timingSafeEqual(hash, found.hash)) throw rejected();
  const { hash: _, ...actor } = found;
  return actor;
}

/**
 * The administrator of the installation's first tenant: whom the machine's own user acts as.
 * @throws LockstepError Unauthenticated on a store that has none yet.
 */
export async function localAdministrator(app: Application): Promise<Actor> {
  const installed = await findInstalledTenant(app.store.db);
  const actor = installed && (await findAccount(app.store.db, installed.accountId));
  if (actor === undefined) throw rejected();
  return actor;
}

export function showIdentity(actor: Actor): Identity {
  return {
    tenantId: actor.tenantId,
    tenantName: actor.tenantName,
    accountId: actor.accountId,
    role: actor.role,
  };
}
