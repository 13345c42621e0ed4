import type { AccessKeyView, CreatedAccessKey } from '@lockstep/contract/access.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  findAccessKey,
  insertNamedAccessKey,
  revokeAccessKeyRow,
  selectAccessKeys,
  type AccessKeyRow,
} from '../../store/queries/access.ts';
import { attachPolicyRow } from '../../store/queries/policies.ts';
import { lockTenant } from '../../store/queries/tenant.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { holdCaller } from '../authentication.ts';
import { cutPage, type PageRequest } from '../page.ts';
import { getAccountRow } from './accounts.ts';
import { accessKeyContext, newAccessKey } from './key-material.ts';
import { getPolicyRow } from './policies.ts';

function statusOf(row: AccessKeyRow, now: Date): AccessKeyView['status'] {
  if (row.revokedAt !== null) return 'revoked';
  return row.expiresAt !== null && row.expiresAt <= now ? 'expired' : 'active';
}

function showAccessKey(row: AccessKeyRow, now: Date): AccessKeyView {
  return {
    id: row.id,
    name: row.name,
    account: row.accountName,
    role: row.role,
    policies: [...row.policies],
    status: statusOf(row, now),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

/** @throws LockstepError NotFound. */
export async function getAccessKeyRow(executor: Executor, actor: Actor, id: string): Promise<AccessKeyRow> {
  const row = await findAccessKey(executor, actor.tenantId, id);
  if (row === undefined) {
    throw new LockstepError('NotFound', `there is no access key ${JSON.stringify(id)}`, {
      remedy: '`lockstep keys list` shows those there are.',
    });
  }
  return row;
}

/** Keys of the tenant, revoked ones too, without their secrets. */
export async function listAccessKeys(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<AccessKeyView>> {
  requireRole(actor, 'administrator');
  const rows = await selectAccessKeys(app.store.db, actor.tenantId, { ...page, limit: page.limit + 1 });
  return cutPage(
    rows,
    page.limit,
    (row) => showAccessKey(row, app.clock.now()),
    (row) => row.id,
  );
}

export interface AccessKeyRequest {
  readonly name: string;
  /** The name of the account that it acts for; the actor's own when not given. */
  readonly account?: string | undefined;
  readonly expiresAt?: Date | undefined;
  /** Names of policies to attach; without any the key may do what its account may. */
  readonly policies?: readonly string[] | undefined;
}

/**
 * Makes an access key. Its secret is in the answer and is never shown again.
 * @throws LockstepError NotFound for an unknown account or policy; InvalidRequest for a moment that is past.
 */
export async function createAccessKey(
  app: Application,
  actor: Actor,
  request: AccessKeyRequest,
): Promise<CreatedAccessKey> {
  requireRole(actor, 'administrator');
  const createdAt = app.clock.now();
  if (request.expiresAt !== undefined && request.expiresAt <= createdAt) {
    throw new LockstepError('InvalidRequest', 'the key would have expired already', {
      field: 'expiresAt',
      remedy: 'Give a time to come.',
    });
  }
  const { accessKeyId, accessKeySecret } = newAccessKey();
  const sealedSecret = app.vault.seal(accessKeySecret, accessKeyContext(accessKeyId));
  return app.store.transaction(async (trx) => {
    // Until the key is there nobody deletes whom it is for.
    await lockTenant(trx, actor.tenantId);
    await holdCaller(trx, actor);
    const accountId =
      request.account === undefined
        ? actor.accountId
        : (await getAccountRow(trx, actor, request.account, 'account')).id;
    const { tenantId } = actor;
    await insertNamedAccessKey(trx, {
      id: accessKeyId,
      tenantId,
      accountId,
      sealedSecret,
      name: request.name,
      createdAt,
      expiresAt: request.expiresAt ?? null,
    });
    for (const name of request.policies ?? []) {
      await getPolicyRow(trx, actor, name);
      await attachPolicyRow(trx, tenantId, accessKeyId, name);
    }
    const view = showAccessKey(await getAccessKeyRow(trx, actor, accessKeyId), createdAt);
    return { ...view, secret: accessKeySecret };
  });
}

/** Ends a key and the temporary keys that come from it, for good. Revoking twice is no error. */
export async function revokeAccessKey(app: Application, actor: Actor, id: string): Promise<void> {
  requireRole(actor, 'administrator');
  await getAccessKeyRow(app.store.db, actor, id);
  await revokeAccessKeyRow(app.store.db, actor.tenantId, id, app.clock.now());
}
