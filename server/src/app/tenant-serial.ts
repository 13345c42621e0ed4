import { LockstepError } from '../kernel/errors.ts';
import { findTenantSerial } from '../store/queries/tenant.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';

/** The number that some APIs call the actor's tenant by. */
export async function getTenantSerial(app: Application, actor: Actor): Promise<number> {
  const serial = await findTenantSerial(app.store.db, actor.tenantId);
  if (serial === undefined) throw new LockstepError('NotFound', 'there is no such tenant');
  return serial;
}
