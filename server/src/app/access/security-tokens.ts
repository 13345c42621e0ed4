import type { SecurityTokenView } from '@lockstep/contract/access.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { insertSecurityToken } from '../../store/queries/access.ts';
import { lockTenant } from '../../store/queries/tenant.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { tokenHash } from '../installation.ts';
import { accessKeyContext, newTemporaryKey } from './key-material.ts';
import { getAccessKeyRow } from './keys.ts';
import { parsePolicy } from './policy-document.ts';

/**
 * Makes a temporary key out of an access key, for at most 12 hours. It may do what its parent may, and with a session
 * policy only that part of it. It ends with its parent.
 * @throws LockstepError NotFound; Conflict when the key is revoked or expired.
 */
export async function issueSecurityToken(
  app: Application,
  actor: Actor,
  parentKeyId: string,
  request: { readonly durationSeconds: number; readonly policy?: unknown },
): Promise<SecurityTokenView> {
  requireRole(actor, 'administrator');
  const { policy } = request;
  if (policy !== undefined) parsePolicy(policy, 'policy');
  return app.store.transaction(async (trx) => {
    // Until it is there nobody deletes the account of the key that it comes from.
    await lockTenant(trx, actor.tenantId);
    const parent = await getAccessKeyRow(trx, actor, parentKeyId);
    const createdAt = app.clock.now();
    if (parent.revokedAt !== null || (parent.expiresAt !== null && parent.expiresAt <= createdAt)) {
      throw new LockstepError('Conflict', `access key ${parentKeyId} is revoked or expired`);
    }
    const made = newTemporaryKey();
    const expiresAt = new Date(createdAt.getTime() + request.durationSeconds * 1000);
    await insertSecurityToken(trx, {
      id: made.accessKeyId,
      tenantId: actor.tenantId,
      accessKeyId: parentKeyId,
      sealedSecret: app.vault.seal(made.accessKeySecret, accessKeyContext(made.accessKeyId)),
      tokenHash: tokenHash(made.securityToken),
      sessionPolicy: policy,
      createdAt,
      expiresAt,
    });
    return { ...made, expiresAt: expiresAt.toISOString() };
  });
}
