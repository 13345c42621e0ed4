import { updateTenantDescription } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';

/** Says what a tenant is. */
export async function describeTenant(app: Application, actor: Actor, description: string): Promise<void> {
  requireRole(actor, 'administrator');
  await updateTenantDescription(app.store.db, actor.tenantId, description);
}
