import type {
  ConfigurationChange,
  ConfigurationDifference,
  ResolvedConfiguration,
} from '@lockstep/contract/installationConfiguration.ts';
import { isDeepStrictEqual } from 'node:util';
import { LockstepError } from '../kernel/errors.ts';
import {
  deleteConnectionRow,
  renameConnection,
  selectConnections,
  type ConnectionRow,
} from '../store/queries/connections.ts';
import { selectSyncs, type SyncRow } from '../store/queries/syncs.ts';
import { deleteZoneRow, selectZonesById, type ZoneRow } from '../store/queries/zones.ts';
import { findTenantPrecedence, lockTenant, updateTenantPrecedence } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor } from './application.ts';
import { checkName, parseSettings, readableSecrets, refuseUnusable, saveConnection } from './connections.ts';
import { removeSync, saveSync } from './syncs.ts';
import { saveZone, zoneConfiguration } from './zones/zones.ts';
type Field = ConfigurationChange['fields'][number];

/** More than any tenant has: the whole of a configuration is compared at once. */
const everything = 100_000;

interface Current {
  readonly connections: readonly ConnectionRow[];
  readonly syncs: readonly SyncRow[];
  readonly precedence: Record<string, string[]>;
  readonly zones: readonly ZoneRow[];
}

async function loadCurrent(executor: Executor, tenantId: string): Promise<Current> {
  return {
    connections: await selectConnections(executor, tenantId, { limit: everything }),
    syncs: await selectSyncs(executor, tenantId, { limit: everything }),
    precedence: await findTenantPrecedence(executor, tenantId),
    zones: await selectZonesById(executor, tenantId, { limit: everything }),
  };
}

/** Members that differ, with what they are and shall be. */
function differingFields(before: Record<string, unknown>, after: Record<string, unknown>): Field[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => ({
      field: name,
      ...(before[name] === undefined ? {} : { before: before[name] as NonNullable<Field['before']> }),
      ...(after[name] === undefined ? {} : { after: after[name] as NonNullable<Field['after']> }),
    }));
}

/** Names of secrets that differ; their values are never shown. */
function differingSecrets(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Field[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter((name) => before[name] !== after[name])
    .map((name) => ({ field: name, secret: after[name] === undefined ? 'removed' : 'given' }));
}

/** What a JSON document makes of a value: undefined members are gone. */
function plain(value: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

type WantedConnection = ResolvedConfiguration['connections'][number];

/** What differs between a connection that is there and one of the configuration; undefined: nothing. */
function differenceOf(
  app: Application,
  existing: ConnectionRow | undefined,
  connection: WantedConnection,
): Field[] | undefined {
  const settings = plain(
    parseSettings(connection.type, connection.settings, `connections.${connection.name}`),
  );
  const before = existing ? { ...existing.settings, type: existing.type } : {};
  // What cannot be opened any more is entered again.
  const secrets = existing ? readableSecrets(app.vault, existing) : {};
  const fields = [
    ...differingFields(before, settings),
    ...differingSecrets(secrets ?? {}, connection.secrets),
  ];
  return existing !== undefined && secrets !== undefined && fields.length === 0 ? undefined : fields;
}

function compareConnections(
  app: Application,
  current: Current,
  wanted: ResolvedConfiguration,
): ConfigurationChange[] {
  const changes: ConfigurationChange[] = [];
  for (const connection of wanted.connections) {
    const existing = current.connections.find((row) => row.name === connection.name);
    const fields = differenceOf(app, existing, connection);
    if (fields === undefined) continue;
    const action = existing === undefined ? ('create' as const) : ('update' as const);
    changes.push({ action, resource: 'connection', name: connection.name, fields });
  }
  return changes;
}

const has = (list: readonly { name: string }[], name: string): boolean =>
  list.some((one) => one.name === name);

/**
 * A connection that only has another name now, in its syncs too, stays the one it was: they know the objects that they
 * have linked.
 */
async function renameConnections(
  app: Application,
  trx: Executor,
  current: Current,
  wanted: ResolvedConfiguration,
): Promise<ConfigurationChange[]> {
  const changes: ConfigurationChange[] = [];
  const given = current.connections.filter(({ name }) => !has(wanted.connections, name));
  const follows = (from: string, to: string) =>
    current.syncs.some(
      ({ name, connection }) =>
        connection === from &&
        wanted.syncs.some((sync) => sync.name === name && sync.settings.connection === to),
    );
  for (const connection of wanted.connections.filter(({ name }) => !has(current.connections, name))) {
    const former = given.find(
      (row) => follows(row.name, connection.name) && differenceOf(app, row, connection) === undefined,
    );
    if (former === undefined) continue;
    given.splice(given.indexOf(former), 1);
    checkName(connection.name);
    await renameConnection(trx, former.id, connection.name);
    const fields = [{ field: 'name', before: former.name, after: connection.name }];
    changes.push({ action: 'update', resource: 'connection', name: connection.name, fields });
  }
  return changes;
}

function compareSyncs(current: Current, wanted: ResolvedConfiguration): ConfigurationChange[] {
  const changes: ConfigurationChange[] = [];
  for (const [position, sync] of wanted.syncs.entries()) {
    const existing = current.syncs.find((row) => row.name === sync.name);
    const before = existing ? { ...plain(existing.settings), position: existing.position } : {};
    const fields = differingFields(before, { ...plain(sync.settings), position });
    if (existing !== undefined && fields.length === 0) continue;
    const action = existing === undefined ? ('create' as const) : ('update' as const);
    changes.push({ action, resource: 'sync', name: sync.name, fields });
  }
  return changes;
}

function compareZones(current: Current, wanted: ResolvedConfiguration): ConfigurationChange[] {
  return wanted.authZones.flatMap((zone): ConfigurationChange[] => {
    const existing = current.zones.find((row) => row.name === zone.name);
    const after = { ...plain(zone.settings), connections: [...new Set(zone.settings.connections)].sort() };
    const fields = differingFields(existing === undefined ? {} : plain(zoneConfiguration(existing)), after);
    if (existing !== undefined && fields.length === 0) return [];
    return [
      { action: existing === undefined ? 'create' : 'update', resource: 'authZone', name: zone.name, fields },
    ];
  });
}

function deletions(
  resource: 'sync' | 'connection' | 'authZone',
  rows: readonly { name: string }[],
  kept: readonly { name: string }[],
): ConfigurationChange[] {
  return rows
    .filter((row) => !kept.some((one) => one.name === row.name))
    .map((row) => ({ action: 'delete', resource, name: row.name, fields: [] }));
}

function comparePrecedence(current: Current, wanted: ResolvedConfiguration): ConfigurationChange[] {
  const fields = differingFields(current.precedence, wanted.precedence);
  return fields.length === 0
    ? []
    : [{ action: 'update', resource: 'precedence', name: 'precedence', fields }];
}

function refuseUnknownSyncs(wanted: ResolvedConfiguration): void {
  for (const [attribute, names] of Object.entries(wanted.precedence)) {
    for (const name of names) {
      if (wanted.syncs.some((sync) => sync.name === name && sync.settings.direction === 'ingress')) continue;
      const field = `precedence.${attribute}`;
      throw new LockstepError('InvalidConfiguration', `${field}: ${name} is no ingress sync`, { field });
    }
  }
}

function refuseUnknownConnections(wanted: ResolvedConfiguration): void {
  for (const { name, settings } of wanted.authZones) {
    const field = `authZones.${name}.connections`;
    const unknown = settings.connections.find(
      (one) => !wanted.connections.some((known) => known.name === one),
    );
    if (unknown === undefined) continue;
    throw new LockstepError('InvalidConfiguration', `${field}: there is no connection ${unknown}`, { field });
  }
}

function refuseDuplicates(items: readonly { name: string }[], resource: string): void {
  const seen = new Set<string>();
  for (const { name } of items) {
    if (seen.has(name)) {
      throw new LockstepError('InvalidConfiguration', `${resource}.${name} is given twice`, {
        field: `${resource}.${name}`,
      });
    }
    seen.add(name);
  }
}

function compare(app: Application, current: Current, wanted: ResolvedConfiguration): ConfigurationChange[] {
  refuseDuplicates(wanted.syncs, 'syncs');
  refuseDuplicates(wanted.authZones, 'authZones');
  refuseUnknownSyncs(wanted);
  refuseUnknownConnections(wanted);
  return [
    ...compareConnections(app, current, wanted),
    ...compareSyncs(current, wanted),
    ...comparePrecedence(current, wanted),
    ...compareZones(current, wanted),
    ...deletions('authZone', current.zones, wanted.authZones),
    ...deletions('sync', current.syncs, wanted.syncs),
    ...deletions('connection', current.connections, wanted.connections),
  ];
}

async function carryOut(
  app: Application,
  trx: Executor,
  actor: Actor,
  wanted: ResolvedConfiguration,
  current: Current,
  changes: readonly ConfigurationChange[],
): Promise<void> {
  const touched = (resource: string, name: string): boolean =>
    changes.some((change) => change.resource === resource && change.name === name);
  for (const connection of wanted.connections.filter(({ name }) => touched('connection', name))) {
    const settings = parseSettings(connection.type, connection.settings, `connections.${connection.name}`);
    refuseUnusable({ ...connection, settings }, {}, 'connections', connection.name);
    await saveConnection(app, trx, actor, connection.name, { ...connection, settings }, false);
  }
  for (const [position, sync] of wanted.syncs.entries()) {
    const changed = touched('sync', sync.name) || touched('connection', sync.settings.connection);
    if (changed) await saveSync(app, trx, actor, sync.name, sync.settings, position);
  }
  for (const { resource, name } of changes.filter(({ action }) => action === 'delete')) {
    const sync = resource === 'sync' && current.syncs.find((row) => row.name === name);
    if (sync) await removeSync(trx, sync);
  }
  for (const { resource, name } of changes.filter(({ action }) => action === 'delete')) {
    const connection = resource === 'connection' && current.connections.find((row) => row.name === name);
    if (connection) await deleteConnectionRow(trx, connection.id);
  }
  for (const zone of wanted.authZones.filter(({ name }) => touched('authZone', name)))
    await saveZone(app, trx, actor, zone.name, zone.settings);
  for (const { resource, name } of changes.filter(({ action }) => action === 'delete')) {
    const zone = resource === 'authZone' && current.zones.find((row) => row.name === name);
    if (zone) await deleteZoneRow(trx, zone.id);
  }
  await updateTenantPrecedence(trx, actor.tenantId, wanted.precedence);
}

/** Undoes a transaction that was only a trial. */
class TrialOver extends Error {}

async function changeAll(
  app: Application,
  actor: Actor,
  wanted: ResolvedConfiguration,
  trial: boolean,
): Promise<ConfigurationDifference> {
  requireRole(actor, 'administrator');
  let changes: ConfigurationChange[] = [];
  try {
    await app.store.transaction(async (trx) => {
      await lockTenant(trx, actor.tenantId);
      refuseDuplicates(wanted.connections, 'connections');
      const before = await loadCurrent(trx, actor.tenantId);
      const renamed = await renameConnections(app, trx, before, wanted);
      const current = renamed.length === 0 ? before : await loadCurrent(trx, actor.tenantId);
      changes = [...renamed, ...compare(app, current, wanted)];
      if (changes.length > 0) await carryOut(app, trx, actor, wanted, current, changes);
      if (trial) throw new TrialOver();
    });
  } catch (error) {
    if (!(error instanceof TrialOver)) throw error;
  }
  return { changes };
}

/**
 * What applying a configuration would change, found by doing it and undoing it, so that it fails for the same reasons.
 * For administrators only: whether a secret differs tells something of the secret.
 */
export async function compareConfiguration(
  app: Application,
  actor: Actor,
  wanted: ResolvedConfiguration,
): Promise<ConfigurationDifference> {
  return changeAll(app, actor, wanted, true);
}

/**
 * Brings connections and syncs of the tenant to what a configuration says, all of it or nothing: those that it does
 * not name are removed.
 * @returns what was changed.
 * @throws LockstepError InvalidConfiguration, InvalidExpression, InvalidSchedule; Conflict while a job of a sync that
 * is to go has not ended.
 */
export async function applyConfiguration(
  app: Application,
  actor: Actor,
  wanted: ResolvedConfiguration,
): Promise<ConfigurationDifference> {
  return changeAll(app, actor, wanted, false);
}
