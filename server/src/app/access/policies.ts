import type { PolicyView } from '@lockstep/contract/access.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  attachPolicyRow,
  deletePolicyRow,
  detachPolicyRow,
  findPolicy,
  selectPolicies,
  upsertPolicy,
  type PolicyRow,
} from '../../store/queries/policies.ts';
import { findAccessKey } from '../../store/queries/access.ts';
import { lockTenant } from '../../store/queries/tenant.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { cutPage, type PageRequest } from '../page.ts';
import { parsePolicy } from './policy-document.ts';

function showPolicy(row: PolicyRow): PolicyView {
  return {
    name: row.name,
    description: row.description,
    document: row.document,
    accessKeys: [...row.accessKeys],
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** @throws LockstepError NotFound. */
export async function getPolicyRow(executor: Executor, actor: Actor, name: string): Promise<PolicyRow> {
  const row = await findPolicy(executor, actor.tenantId, name);
  if (row === undefined) {
    throw new LockstepError('NotFound', `there is no policy ${JSON.stringify(name)}`, {
      remedy: '`lockstep policies list` shows those there are; `lockstep policies put` makes one.',
    });
  }
  return row;
}

export async function listPolicies(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<PolicyView>> {
  requireRole(actor, 'administrator');
  const rows = await selectPolicies(app.store.db, actor.tenantId, { ...page, limit: page.limit + 1 });
  return cutPage(rows, page.limit, showPolicy, (row) => row.name);
}

export async function getPolicy(app: Application, actor: Actor, name: string): Promise<PolicyView> {
  requireRole(actor, 'administrator');
  return showPolicy(await getPolicyRow(app.store.db, actor, name));
}

/** Creates or replaces a policy; keys that have it go by the new document at once. */
export async function putPolicy(
  app: Application,
  actor: Actor,
  name: string,
  policy: { readonly document: unknown; readonly description?: string | undefined },
): Promise<PolicyView> {
  requireRole(actor, 'administrator');
  parsePolicy(policy.document);
  const { document, description = '' } = policy;
  await upsertPolicy(app.store.db, actor.tenantId, { name, description, document });
  return getPolicy(app, actor, name);
}

/** @throws LockstepError Conflict while a key has it: without its last policy a key could do more than with it. */
export async function deletePolicy(app: Application, actor: Actor, name: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const { accessKeys } = await getPolicyRow(trx, actor, name);
    if (accessKeys.length > 0) {
      throw new LockstepError('Conflict', `policy ${name} is attached to ${accessKeys.join(', ')}`, {
        remedy: 'Detach it first. A key without any policy may do what its account may.',
      });
    }
    await deletePolicyRow(trx, actor.tenantId, name);
  });
}

async function requireKey(trx: Executor, actor: Actor, accessKeyId: string): Promise<void> {
  if ((await findAccessKey(trx, actor.tenantId, accessKeyId)) !== undefined) return;
  throw new LockstepError('NotFound', `there is no access key ${JSON.stringify(accessKeyId)}`);
}

/** From now on the key may do only what its policies allow. Attaching twice is no error. */
export async function attachPolicy(
  app: Application,
  actor: Actor,
  accessKeyId: string,
  name: string,
): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await requireKey(trx, actor, accessKeyId);
    await getPolicyRow(trx, actor, name);
    await attachPolicyRow(trx, actor.tenantId, accessKeyId, name);
  });
}

/** Takes a policy from a key; without any it may do what its account may. @throws LockstepError NotFound. */
export async function detachPolicy(
  app: Application,
  actor: Actor,
  accessKeyId: string,
  name: string,
): Promise<void> {
  requireRole(actor, 'administrator');
  await requireKey(app.store.db, actor, accessKeyId);
  if (await detachPolicyRow(app.store.db, actor.tenantId, accessKeyId, name)) return;
  throw new LockstepError('NotFound', `the key has no policy ${JSON.stringify(name)}`);
}
