import { timingSafeEqual } from 'node:crypto';
import type { Identity } from '@lockstep/contract/account.ts';
import { LockstepError } from '../kernel/errors.ts';
import {
  findAccount,
  findAdministrator,
  findInstalledTenant,
  findToken,
} from '../store/queries/installation.ts';
import { holdAccount } from '../store/queries/accounts.ts';
import { markTokenUsed } from '../store/queries/tokens.ts';
import type { Actor } from './actor.ts';
import type { Application, Transaction } from './application.ts';
import { tokenHash } from './installation.ts';
import { isUsedAnew } from './tokens.ts';

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
  const now = app.clock.now();
  const found = await findToken(app.store.db, hash, now);
  if (found === undefined || !timingSafeEqual(hash, found.hash)) throw rejected();
  if (isUsedAnew(found.lastUsedAt, now)) await markTokenUsed(app.store.db, 'account', found.id, now);
  return found.caller;
}

/**
 * Until what is made for the caller is there nobody deletes their account.
 * @throws LockstepError Unauthenticated when it was deleted since they were let in.
 */
export async function holdCaller(trx: Transaction, actor: Actor): Promise<void> {
  if (!(await holdAccount(trx, actor.accountId))) throw rejected();
}

/**
 * Whom the machine's own user acts as: the first administrator of a tenant, or of the installation's first one when
 * none is named.
 * @param tenant its id or name.
 * @throws LockstepError NotFound; Unauthenticated on a store that has none yet.
 */
export async function localAdministrator(app: Application, tenant?: string): Promise<Actor> {
  const { db } = app.store;
  if (tenant !== undefined) {
    const named = await findAdministrator(db, tenant);
    if (named !== undefined) return named;
    throw new LockstepError('NotFound', `there is no tenant ${JSON.stringify(tenant)}`, {
      remedy: 'See `bin/lockstep tenants list`; `bin/lockstep tenants create` makes one.',
    });
  }
  const installed = await findInstalledTenant(db);
  const actor = installed && (await findAccount(db, installed.accountId));
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
