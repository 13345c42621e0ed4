import {
  updateConnectionProfile,
  type ConnectionProfile,
  type ConnectionRow,
} from '../store/queries/connections.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';
import { getConnectionRow } from './connections.ts';

/**
 * Says what people call a connection, and keeps what an API has to show of it and the engine does not read
 * (`annotations`, by the name of the API; those of other APIs stay).
 * @throws LockstepError NotFound, Forbidden.
 */
export async function describeConnection(
  app: Application,
  actor: Actor,
  idOrName: string,
  profile: ConnectionProfile,
): Promise<ConnectionRow> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const { id } = await getConnectionRow(trx, actor, idOrName);
    await updateConnectionProfile(trx, id, profile);
    return getConnectionRow(trx, actor, id);
  });
}
