import type { AccountView, CreatedToken, Role } from '@lockstep/contract/account.ts';
import type { Page } from '@lockstep/contract/page.ts';
import type { TokenView } from '@lockstep/contract/token.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { lockActionBatchesOf } from '../../store/queries/action-batches.ts';
import {
  deleteAccountRow,
  findAccountByName,
  hasOtherAdministrator,
  selectAccounts,
  updateAccountRole,
  type AccountRow,
} from '../../store/queries/accounts.ts';
import { insertAccount } from '../../store/queries/installation.ts';
import { lockTenant } from '../../store/queries/tenant.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { newApiToken } from '../installation.ts';
import { cutPage, requireIdKey, type PageRequest } from '../page.ts';
import { keepToken, listTokens, revokeToken, type TokenRequest } from '../tokens.ts';
import { applicationWithin } from '../transaction-application.ts';

function showAccount(row: AccountRow): AccountView {
  return { id: row.id, name: row.name, role: row.role, createdAt: row.createdAt.toISOString() };
}

/** @throws LockstepError NotFound. */
export async function getAccountRow(
  executor: Executor,
  actor: Actor,
  name: string,
  field?: string,
): Promise<AccountRow> {
  const row = await findAccountByName(executor, actor.tenantId, name);
  if (row !== undefined) return row;
  throw new LockstepError('NotFound', `there is no account ${JSON.stringify(name)}`, {
    field,
    remedy: '`lockstep accounts list` shows those there are; `lockstep accounts put` makes one.',
  });
}

export async function listAccounts(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<AccountView>> {
  requireRole(actor, 'administrator');
  requireIdKey(page.after, 'account');
  const rows = await selectAccounts(app.store.db, actor.tenantId, { ...page, limit: page.limit + 1 });
  return cutPage(rows, page.limit, showAccount, (row) => row.id);
}

/** @throws LockstepError NotFound. */
export async function getAccount(app: Application, actor: Actor, name: string): Promise<AccountView> {
  requireRole(actor, 'administrator');
  return showAccount(await getAccountRow(app.store.db, actor, name));
}

/** Nobody else could let anybody in again. Call under the lock of the tenant. @throws LockstepError Conflict. */
async function requireOtherAdministrator(trx: Executor, actor: Actor, row: AccountRow): Promise<void> {
  if (row.role !== 'administrator' || (await hasOtherAdministrator(trx, actor.tenantId, row.id))) return;
  throw new LockstepError('Conflict', `${row.name} is the only administrator of the tenant`, {
    remedy: 'Make another account an administrator first.',
  });
}

/**
 * Makes an account, or gives it another role, with which its tokens, keys and clients act from then on.
 * @throws LockstepError Conflict for the only administrator, who stays one.
 */
export async function putAccount(
  app: Application,
  actor: Actor,
  name: string,
  { role }: { readonly role: Role },
): Promise<AccountView> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const row = await findAccountByName(trx, actor.tenantId, name);
    if (row === undefined) {
      const id = newId('account', app.clock.now().getTime());
      await insertAccount(trx, { id, tenantId: actor.tenantId, name, role });
    } else if (role !== row.role) {
      await requireOtherAdministrator(trx, actor, row);
      await updateAccountRole(trx, row.id, role);
    }
    return showAccount(await getAccountRow(trx, actor, name));
  });
}

/**
 * Ends an account with all that it was given: tokens, access keys, OAuth clients and grants. Jobs that it started keep
 * its name.
 * @throws LockstepError NotFound; Conflict for the only administrator.
 */
export async function deleteAccount(app: Application, actor: Actor, name: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    // Before the tenant, as a batch does: its row is locked while what it does may lock the tenant.
    await lockActionBatchesOf(trx, (await getAccountRow(trx, actor, name)).id);
    await lockTenant(trx, actor.tenantId);
    const row = await getAccountRow(trx, actor, name);
    await requireOtherAdministrator(trx, actor, row);
    await deleteAccountRow(trx, row.id);
  });
}

export async function listAccountTokens(
  app: Application,
  actor: Actor,
  name: string,
  page: PageRequest,
): Promise<Page<TokenView>> {
  requireRole(actor, 'administrator');
  const { id } = await getAccountRow(app.store.db, actor, name);
  return listTokens(app, { type: 'account', id }, page);
}

/**
 * Makes a bearer token that acts for an account. It is in the answer and is never shown again.
 * @throws LockstepError NotFound; InvalidRequest for a moment that is past.
 */
export async function createAccountToken(
  app: Application,
  actor: Actor,
  name: string,
  request: TokenRequest,
): Promise<CreatedToken> {
  requireRole(actor, 'administrator');
  const token = newApiToken();
  return app.store.transaction(async (trx) => {
    // Until the token is there nobody deletes whom it is for.
    await lockTenant(trx, actor.tenantId);
    const { id } = await getAccountRow(trx, actor, name);
    return {
      ...(await keepToken(applicationWithin(app, trx), { type: 'account', id }, token, request)),
      token,
    };
  });
}

/** Ends a token for good. Revoking twice is no error. @throws LockstepError NotFound. */
export async function revokeAccountToken(
  app: Application,
  actor: Actor,
  name: string,
  token: string,
): Promise<void> {
  requireRole(actor, 'administrator');
  const { id } = await getAccountRow(app.store.db, actor, name);
  await revokeToken(app, { type: 'account', id }, name, token);
}
