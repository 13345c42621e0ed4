import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import type { Page } from '@lockstep/contract/page.ts';
import type { SyncView } from '@lockstep/contract/sync.ts';
import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { findConnection } from '../store/queries/connections.ts';
import { findUnfinishedJob } from '../store/queries/jobs.ts';
import { deletePasswordsOfSync } from '../store/queries/pending-passwords.ts';
import {
  deleteLinksOfSync,
  deleteSyncRow,
  findSync,
  insertSync,
  nextSyncPosition,
  selectSyncs,
  updateSync,
  type SyncRow,
} from '../store/queries/syncs.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor } from './application.ts';
import { checkName } from './connections.ts';
import { cutPage, decodeKey, encodeKey, numberOfKey, type PageRequest } from './page.ts';
import { firstRunAt } from './first-run.ts';
import { validateSync } from './sync-validation.ts';

function showSync(row: SyncRow): SyncView {
  return {
    id: row.id,
    serial: row.serial,
    name: row.name,
    connectionId: row.connectionId,
    direction: row.direction,
    position: row.position,
    enabled: row.enabled,
    configuration: { ...row.settings, connection: row.connection },
    nextRunAt: row.nextRunAt?.toISOString() ?? null,
    revision: row.revision,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** @throws LockstepError NotFound. */
export async function getSyncRow(executor: Executor, actor: Actor, idOrName: string): Promise<SyncRow> {
  const row = await findSync(executor, actor.tenantId, idOrName);
  if (row === undefined) {
    throw new LockstepError('NotFound', `there is no sync ${JSON.stringify(idOrName)}`, {
      remedy: '`lockstep syncs list` shows those there are; `lockstep apply -f FILE` makes those of a file.',
    });
  }
  return row;
}

/** What the store can count positions to. */
const highestPosition = 2 ** 31 - 1;

/** Syncs in the order of the configuration. */
export async function listSyncs(app: Application, actor: Actor, page: PageRequest): Promise<Page<SyncView>> {
  const key = decodeKey(page.after, 2);
  const after =
    key === undefined ? undefined : { position: numberOfKey(key[0], highestPosition), id: String(key[1]) };
  const rows = await selectSyncs(app.store.db, actor.tenantId, { after, limit: page.limit + 1 });
  return cutPage(rows, page.limit, showSync, (row) => encodeKey([row.position, row.id]));
}

export async function getSync(app: Application, actor: Actor, idOrName: string): Promise<SyncView> {
  return showSync(await getSyncRow(app.store.db, actor, idOrName));
}

/** The place of a sync that is saved: where it is, or behind the last one. */
async function positionOf(trx: Executor, actor: Actor, existing: SyncRow | undefined): Promise<number> {
  return existing?.position ?? (await nextSyncPosition(trx, actor.tenantId));
}

/**
 * Checks and saves a sync under a name inside the caller's transaction.
 * @param position its place in the order of the syncs; undefined: where it is, else last.
 * @throws LockstepError InvalidConfiguration, InvalidExpression, InvalidSchedule; Conflict.
 */
export async function saveSync(
  app: Application,
  trx: Executor,
  actor: Actor,
  name: string,
  configuration: SyncConfiguration,
  position?: number,
): Promise<void> {
  const existing = await findSync(trx, actor.tenantId, name);
  const connection = await findConnection(trx, actor.tenantId, configuration.connection);
  if (connection === undefined) {
    const field = `syncs.${name}.connection`;
    throw new LockstepError(
      'InvalidConfiguration',
      `${field}: there is no connection ${configuration.connection}`,
      {
        field,
        remedy: 'Add the connection first, or correct its name.',
      },
    );
  }
  await validateSync(app, name, configuration, connection);
  const id = existing?.id ?? newId('sync', app.clock.now().getTime());
  const write = {
    connectionId: connection.id,
    direction: configuration.direction,
    position: position ?? (await positionOf(trx, actor, existing)),
    settings: { ...configuration, connection: connection.name },
    enabled: configuration.enabled,
    nextRunAt: firstRunAt(app, id, configuration, existing),
  };
  if (existing === undefined) {
    checkName(name);
    await insertSync(trx, { ...write, id, tenantId: actor.tenantId, name });
    return;
  }
  await refuseWhileRunning(trx, existing, write);
  await updateSync(trx, existing.id, write);
  if (!configuration.enabled || configuration.passwords !== true)
    await deletePasswordsOfSync(trx, existing.serial);
}

/** Links belong to one direction of one connection: another one starts without them. */
async function refuseWhileRunning(
  trx: Executor,
  existing: SyncRow,
  write: { connectionId: string; direction: string },
): Promise<void> {
  if (existing.connectionId === write.connectionId && existing.direction === write.direction) return;
  await requireIdle(trx, existing);
  await deleteLinksOfSync(trx, existing.serial);
}

async function requireIdle(trx: Executor, sync: SyncRow): Promise<void> {
  const job = await findUnfinishedJob(trx, sync.id);
  if (job === undefined) return;
  throw new LockstepError('Conflict', `job ${job.id} of sync ${sync.name} has not ended`, {
    remedy: 'Wait for it or cancel it, and try again.',
  });
}

/** Creates or replaces a sync. */
export async function putSync(
  app: Application,
  actor: Actor,
  idOrName: string,
  configuration: SyncConfiguration,
): Promise<SyncView> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await saveSync(app, trx, actor, idOrName, configuration);
    return showSync(await getSyncRow(trx, actor, idOrName));
  });
}

/** Deletes inside the caller's transaction. Jobs and directory objects stay, links go. */
export async function removeSync(trx: Executor, sync: SyncRow): Promise<void> {
  await requireIdle(trx, sync);
  await deleteSyncRow(trx, sync);
}

/** @throws LockstepError Conflict while a job of it has not ended. */
export async function deleteSync(app: Application, actor: Actor, idOrName: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await removeSync(trx, await getSyncRow(trx, actor, idOrName));
  });
}
