import type { AuthZoneView } from '@lockstep/contract/auth-zone.ts';
import type { AuthZoneConfiguration } from '@lockstep/contract/configuration.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { findConnection } from '../../store/queries/connections.ts';
import { lockTenant } from '../../store/queries/tenant.ts';
import {
  deleteZoneRow,
  findZone,
  findZoneBySerial,
  selectZones,
  selectZonesById,
  selectZonesOfConnection,
  writeZone,
  type ZoneRow,
} from '../../store/queries/zones.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { cutPage, type PageRequest } from '../page.ts';
import { showSlice, type ListPage, type SliceView } from '../slice-view.ts';

/** A zone that people may be let into. */
export type Zone = ZoneRow;

/** What a configuration says of a zone as it is. */
export function zoneConfiguration(row: ZoneRow): AuthZoneConfiguration {
  return {
    type: row.type as AuthZoneConfiguration['type'],
    connections: [...row.connections],
    ...(row.network === null ? {} : { network: { id: row.network.id, name: row.network.name } }),
  };
}

function showZone(row: ZoneRow): AuthZoneView {
  return {
    id: row.id,
    serial: row.serial,
    name: row.name,
    configuration: zoneConfiguration(row),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

async function getZoneRow(executor: Executor, actor: Actor, idOrName: string): Promise<ZoneRow> {
  const row = await findZone(executor, actor.tenantId, idOrName);
  if (row !== undefined) return row;
  throw new LockstepError('NotFound', `there is no authorization zone ${JSON.stringify(idOrName)}`);
}

export async function listZones(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<AuthZoneView>> {
  const rows = await selectZonesById(app.store.db, actor.tenantId, { ...page, limit: page.limit + 1 });
  return cutPage(rows, page.limit, showZone, (row) => row.id);
}

/** Zones oldest first, with counts of what lies around the page. */
export async function listZonesAround(
  app: Application,
  actor: Actor,
  page: ListPage,
): Promise<SliceView<Zone>> {
  return showSlice(await selectZones(app.store.db, actor.tenantId, page), (row) => row);
}

/** Zones that the people of a connection may be let into. */
export async function listZonesOfConnection(app: Application, connectionId: string): Promise<Zone[]> {
  return selectZonesOfConnection(app.store.db, connectionId);
}

export async function getZone(app: Application, actor: Actor, idOrName: string): Promise<AuthZoneView> {
  return showZone(await getZoneRow(app.store.db, actor, idOrName));
}

/** @throws LockstepError NotFound. */
export async function getZoneBySerial(executor: Executor, actor: Actor, serial: number): Promise<Zone> {
  const row = await findZoneBySerial(executor, actor.tenantId, serial);
  if (row === undefined) throw new LockstepError('NotFound', `there is no authorization zone ${serial}`);
  return row;
}

async function connectionIds(
  trx: Executor,
  actor: Actor,
  zone: string,
  names: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const name of new Set(names)) {
    const connection = await findConnection(trx, actor.tenantId, name);
    if (connection === undefined) {
      const field = `authZones.${zone}.connections`;
      throw new LockstepError('InvalidConfiguration', `${field}: there is no connection ${name}`, { field });
    }
    ids.push(connection.id);
  }
  return ids;
}

/** Saves a zone under a name inside the caller's transaction. @throws LockstepError InvalidConfiguration. */
export async function saveZone(
  app: Application,
  trx: Executor,
  actor: Actor,
  name: string,
  configuration: AuthZoneConfiguration,
): Promise<void> {
  const existing = await findZone(trx, actor.tenantId, name);
  await writeZone(trx, {
    id: existing?.id ?? newId('zone', app.clock.now().getTime()),
    tenantId: actor.tenantId,
    name: existing?.name ?? name,
    type: configuration.type,
    network: configuration.network ?? null,
    connectionIds: await connectionIds(trx, actor, name, configuration.connections),
  });
}

export async function putZone(
  app: Application,
  actor: Actor,
  idOrName: string,
  configuration: AuthZoneConfiguration,
): Promise<AuthZoneView> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await saveZone(app, trx, actor, idOrName, configuration);
    return showZone(await getZoneRow(trx, actor, idOrName));
  });
}

/** Deletes a zone; authorizations in it go with it. @throws LockstepError NotFound. */
export async function deleteZone(app: Application, actor: Actor, idOrName: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const { id } = await getZoneRow(trx, actor, idOrName);
    await deleteZoneRow(trx, id);
  });
}
