import { syncSchema, type ActionsConfiguration } from '@lockstep/contract/configuration.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { ApplicationRow } from '../store/queries/applications.ts';
import { findConnection, updateConnectionProfile, type ConnectionRow } from '../store/queries/connections.ts';
import { selectUnitsAbove } from '../store/queries/directory-search.ts';
import { selectSyncsOfConnection } from '../store/queries/sync-targets.ts';
import { findTenant } from '../store/queries/tenant.ts';
import type { Actor } from './actor.ts';
import type { Application, Executor, Transaction } from './application.ts';
import type { ApplicationChange } from './applications.ts';
import { parseSettings, saveConnection } from './connections.ts';
import { unitPaths } from './directory-path.ts';
import { getFoundObject, getTenant } from './directory-search.ts';
import { freeName } from './identity-providers.ts';
import { rememberScopeUnits } from './scope-units.ts';
import { saveSync } from './syncs.ts';

/** How an application is provisioned, in the words of the API that says so; only these members are read here. */
export interface Provisioning {
  readonly [member: string]: unknown;
  /** Whether it is provided with accounts. */
  readonly enabled?: boolean | undefined;
  /** Units whose users it gets, by the ids that APIs use. */
  readonly organizationalUnitIds?: readonly string[] | undefined;
  /** What may be done in it, by kind; without it everything. */
  readonly actions?: ActionsConfiguration | undefined;
  /** Whether it takes users only. */
  readonly usersOnly?: boolean | undefined;
}

async function writeConnection(
  app: Application,
  trx: Transaction,
  actor: Actor,
  application: ApplicationRow,
  given: NonNullable<ApplicationChange['connection']>,
): Promise<ConnectionRow> {
  const { connectionId } = application;
  const existing =
    connectionId === null ? undefined : await findConnection(trx, actor.tenantId, connectionId);
  const name = existing?.name ?? (await freeName(trx, actor.tenantId, application.name));
  // What the API that gives them does not know stays as it is.
  const known = existing?.type === given.type ? existing.settings : {};
  const settings = parseSettings(given.type, { ...known, ...given.settings }, 'connection');
  await saveConnection(app, trx, actor, name, { ...given, settings }, true, application.id);
  const connection = await findConnection(trx, actor.tenantId, name);
  if (connection === undefined) throw new LockstepError('Internal', `connection ${name} was not saved`);
  if (existing === undefined)
    await updateConnectionProfile(trx, connection.id, { displayName: application.name });
  return connection;
}

interface ScopeUnit {
  /** As APIs call it: the root has an id too. */
  readonly id: string;
  readonly path: string;
}

/** Of units that lie in one another the outer ones. */
async function scopeUnits(
  executor: Executor,
  tenantId: string,
  rootId: string,
  unitIds: readonly string[],
): Promise<ScopeUnit[]> {
  if (unitIds.includes(rootId)) return [{ id: rootId, path: '/' }];
  const outer: string[] = [];
  for (const id of new Set(unitIds)) {
    const above = await selectUnitsAbove(executor, tenantId, id);
    if (!above.some((unit) => unitIds.includes(unit.id))) outer.push(id);
  }
  const paths = await unitPaths(executor, tenantId, outer);
  return outer.flatMap((id) => {
    const path = paths(id);
    // A unit that was deleted has nobody in it.
    return path === undefined ? [] : [{ id, path }];
  });
}

/** Where a unit's people lie in the application: those that are told of units know it by its id, others have no tree. */
function nodeOf(connection: ConnectionRow, unit: ScopeUnit): string {
  return connection.type === 'event_callback' ? unit.id : '';
}

async function writeSync(
  app: Application,
  trx: Transaction,
  actor: Actor,
  application: ApplicationRow & { readonly provisioning: Provisioning },
  connection: ConnectionRow,
  rootId: string,
): Promise<void> {
  const { provisioning } = application;
  const units = await scopeUnits(trx, actor.tenantId, rootId, provisioning.organizationalUnitIds ?? []);
  if (units.length === 0) return;
  const [existing] = await selectSyncsOfConnection(trx, actor.tenantId, connection.id);
  const configuration = syncSchema.parse({
    ...existing?.settings,
    connection: connection.name,
    direction: 'egress',
    scopes: units.map((unit) => ({ source: unit.path, target: nodeOf(connection, unit) })),
    kinds: provisioning.usersOnly === true ? ['user'] : undefined,
    actions: provisioning.actions,
    onMissing: 'delete',
    enabled: application.enabled && provisioning.enabled === true,
    continuous: true,
  });
  const name = existing?.name ?? connection.name;
  await saveSync(app, trx, actor, name, configuration, existing?.position);
  await rememberScopeUnits(trx, actor, name, new Map(units.map(({ id, path }) => [id, path])));
}

/**
 * Makes the connection and the sync that an application's provisioning says, inside the caller's transaction.
 * @param given settings of the connection; undefined: as they are
 * @returns the connection's id, null as long as there is none
 */
export async function writeProvisioning(
  app: Application,
  trx: Transaction,
  actor: Actor,
  application: ApplicationRow & { readonly provisioning: Provisioning },
  given: ApplicationChange['connection'],
): Promise<string | null> {
  const connection =
    given === undefined
      ? await findConnection(trx, actor.tenantId, application.connectionId ?? '')
      : await writeConnection(app, trx, actor, application, given);
  if (connection === undefined) return null;
  const rootId = (await findTenant(trx, actor.tenantId))?.rootId ?? '';
  // What was made elsewhere keeps its own sync until this side says what it shall be.
  if (application.provisioning.organizationalUnitIds !== undefined)
    await writeSync(app, trx, actor, application, connection, rootId);
  return connection.id;
}

/** Whether a unit lies in what an application is provided with. @throws LockstepError NotFound for the unit. */
export async function isProvisioned(
  app: Application,
  actor: Actor,
  provisioning: Provisioning,
  unitId: string,
): Promise<boolean> {
  const { rootId } = await getTenant(app, actor);
  const scope = provisioning.organizationalUnitIds ?? [];
  if (unitId !== rootId) await getFoundObject(app, actor, 'organizationalUnit', unitId);
  if (scope.includes(rootId) || scope.includes(unitId)) return true;
  if (unitId === rootId) return false;
  const above = await selectUnitsAbove(app.store.db, actor.tenantId, unitId);
  return above.some(({ id }) => scope.includes(id));
}
