import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import {
  deleteApplicationRow,
  insertApplication,
  selectApplications,
  updateApplication,
  type ApplicationFilter,
  type ApplicationRow,
} from '../store/queries/applications.ts';
import { deleteConnectionRow } from '../store/queries/connections.ts';
import { selectSyncsOfConnection } from '../store/queries/sync-targets.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor, Transaction } from './application.ts';
import { writeProvisioning, type Provisioning } from './application-provisioning.ts';
import { applicationTypes } from './sync-targets.ts';
import { removeSync } from './syncs.ts';

/** What users are given accounts in. */
export interface TargetApplication extends ApplicationRow {
  readonly provisioning: Provisioning;
}

export async function listApplications(
  app: Application,
  actor: Actor,
  filter: ApplicationFilter,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ items: TargetApplication[]; total: number }> {
  const { rows, total } = await selectApplications(
    app.store.db,
    actor.tenantId,
    applicationTypes,
    filter,
    page,
  );
  return { items: rows, total };
}

async function getInside(executor: Executor, actor: Actor, id: string): Promise<TargetApplication> {
  const page = { offset: 0, limit: 1 };
  const { rows } = await selectApplications(executor, actor.tenantId, applicationTypes, { ids: [id] }, page);
  const [row] = rows;
  if (row === undefined) throw new LockstepError('NotFound', `there is no application ${JSON.stringify(id)}`);
  return row;
}

/** @throws LockstepError NotFound. */
export async function getApplication(app: Application, actor: Actor, id: string): Promise<TargetApplication> {
  return getInside(app.store.db, actor, id);
}

/** Makes an application that is not provisioned yet. @returns its id */
export async function createApplication(
  app: Application,
  actor: Actor,
  application: Pick<ApplicationRow, 'name' | 'description' | 'profile'>,
): Promise<string> {
  requireRole(actor, 'administrator');
  const id = newId('application', app.clock.now().getTime());
  await insertApplication(app.store.db, actor.tenantId, { ...application, id, connectionId: null });
  return id;
}

/** Runs a change of one application while nobody else changes the configuration. */
async function changeInside<T>(
  app: Application,
  actor: Actor,
  id: string,
  work: (trx: Transaction, application: TargetApplication) => Promise<T>,
): Promise<T> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const application = await getInside(trx, actor, id);
    // One that was made elsewhere has no row of its own yet.
    await insertApplication(trx, actor.tenantId, application);
    return work(trx, application);
  });
}

/** What shall be otherwise; undefined: as it is. */
export interface ApplicationChange {
  readonly enabled?: boolean | undefined;
  readonly provisioning?: Provisioning | undefined;
  /** Settings and secrets of the connection, once they are known. */
  readonly connection?: {
    readonly type: string;
    readonly settings: Readonly<Record<string, unknown>>;
    readonly secrets: Readonly<Record<string, string>>;
  };
}

/**
 * Changes an application. Its connection is made as soon as its settings are known, its sync as soon as it is known
 * what to provide it with too; neither starts a job.
 * @throws LockstepError NotFound; InvalidConfiguration; Conflict for another protocol of one that has a sync.
 */
export async function changeApplication(
  app: Application,
  actor: Actor,
  id: string,
  change: ApplicationChange,
): Promise<void> {
  await changeInside(app, actor, id, async (trx, application) => {
    const next = {
      ...application,
      enabled: change.enabled ?? application.enabled,
      provisioning: { ...application.provisioning, ...change.provisioning },
    };
    const connectionId = await writeProvisioning(app, trx, actor, next, change.connection);
    await updateApplication(trx, id, { ...next, connectionId });
  });
}

/**
 * Deletes an application with its connection, its sync and the sync's links; jobs and the accounts that it has stay.
 * @throws LockstepError NotFound; Conflict while a job has not ended.
 */
export async function deleteApplication(app: Application, actor: Actor, id: string): Promise<void> {
  await changeInside(app, actor, id, async (trx, { connectionId }) => {
    if (connectionId !== null) {
      for (const sync of await selectSyncsOfConnection(trx, actor.tenantId, connectionId))
        await removeSync(trx, sync);
    }
    await deleteApplicationRow(trx, id);
    if (connectionId !== null) await deleteConnectionRow(trx, connectionId);
  });
}
