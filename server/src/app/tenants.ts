import type { Page } from '@lockstep/contract/page.ts';
import type { CreatedTenant, TenantView } from '@lockstep/contract/tenant.ts';
import { LockstepError } from '../kernel/errors.ts';
import {
  findTenant,
  selectTenants,
  updateTenantDescription,
  type TenantRow,
} from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';
import { makeTenant, requireInstallationAdministrator } from './installation.ts';
import { cutPage, requireIdKey, type PageRequest } from './page.ts';

/** Says what a tenant is. */
export async function describeTenant(app: Application, actor: Actor, description: string): Promise<void> {
  requireRole(actor, 'administrator');
  await updateTenantDescription(app.store.db, actor.tenantId, description);
}

function showTenant({ id, name, createdAt }: Pick<TenantRow, 'id' | 'name' | 'createdAt'>): TenantView {
  return { id, name, createdAt: createdAt.toISOString() };
}

/** All tenants of the installation. @throws LockstepError Forbidden outside its first tenant. */
export async function listTenants(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<TenantView>> {
  await requireInstallationAdministrator(app, actor, 'the list of tenants');
  requireIdKey(page.after, 'tenant');
  const rows = await selectTenants(app.store.db, { ...page, limit: page.limit + 1 });
  return cutPage(rows, page.limit, showTenant, (row) => row.id);
}

/**
 * Makes a tenant with an empty directory and an administrator, whose credentials are in the answer and never shown
 * again. @throws LockstepError Forbidden outside the installation's first tenant; Conflict when the name is taken.
 */
export async function createTenant(app: Application, actor: Actor, name: string): Promise<CreatedTenant> {
  await requireInstallationAdministrator(app, actor, 'making tenants');
  return app.store.transaction(async (trx) => {
    const made = await makeTenant(app, trx, name);
    if (made === undefined)
      throw new LockstepError('Conflict', `another tenant has the name ${JSON.stringify(name)}`, {
        field: 'name',
      });
    const { tenantId, ...administrator } = made;
    const row = await findTenant(trx, tenantId);
    if (row === undefined) throw new Error('a tenant that was just made is gone');
    return { ...showTenant(row), administrator };
  });
}
