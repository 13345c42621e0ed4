import type { ConnectionConfiguration } from '@lockstep/contract/connection-configuration.ts';
import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { syncSchema } from '@lockstep/contract/configuration.ts';
import { objectKinds, type OnMissing } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../kernel/errors.ts';
import {
  deleteConnectionRow,
  selectConnections,
  updateConnectionProfile,
  type ConnectionRow,
} from '../store/queries/connections.ts';
import {
  replaceMappingsOfSync,
  selectMappingsOfSyncs,
  type SyncMappingRow,
} from '../store/queries/property-mappings.ts';
import { selectSyncs, type SyncRow } from '../store/queries/syncs.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor, type Surface } from './actor.ts';
import type { Application, Executor, Transaction } from './application.ts';
import { cancelAndWait } from './await-job.ts';
import {
  getConnectionRow,
  openSecrets,
  parseSettings,
  partConnection,
  saveConnection,
  type Secrets,
} from './connections.ts';
import { freeName } from './identity-providers.ts';
import { addJob } from './jobs.ts';
import { mapOfPropertyMappings } from './sync-property-mappings.ts';
import { getSyncRow, removeSync, saveSync } from './syncs.ts';

/** A connection with an egress sync, as APIs see it that call the two together a provider. */
export interface EgressProvider {
  readonly connection: ConnectionRow;
  readonly sync: SyncRow;
  /** Property mappings in their order. */
  readonly mappings: readonly SyncMappingRow[];
}

/** More than any tenant has. */
const everything = 100_000;
const everyFourHours = { hours: [0, 4, 8, 12, 16, 20], timeZone: 'UTC' };

/** What people call a provider. */
export function nameOfProvider({ connection }: Pick<EgressProvider, 'connection'>): string {
  return connection.displayName ?? connection.name;
}

/** Providers to systems of these types, in the order of their making. Of several egress syncs the first counts. */
async function loadProviders(
  executor: Executor,
  actor: Actor,
  types: readonly string[],
): Promise<EgressProvider[]> {
  const connections = await selectConnections(executor, actor.tenantId, { limit: everything });
  const syncs = await selectSyncs(executor, actor.tenantId, { limit: everything });
  const egress = new Map<string, SyncRow>();
  for (const sync of syncs) {
    if (sync.direction === 'egress' && !egress.has(sync.connectionId)) egress.set(sync.connectionId, sync);
  }
  const found = connections.flatMap((connection) => {
    const sync = types.includes(connection.type) ? egress.get(connection.id) : undefined;
    return sync === undefined ? [] : [{ connection, sync }];
  });
  const mappings = await selectMappingsOfSyncs(
    executor,
    found.map(({ sync }) => sync.id),
  );
  return found.map((provider) => ({
    ...provider,
    mappings: mappings.filter(({ syncId }) => syncId === provider.sync.id),
  }));
}

export async function listEgressProviders(
  app: Application,
  actor: Actor,
  types: readonly string[],
): Promise<EgressProvider[]> {
  return loadProviders(app.store.db, actor, types);
}

async function getInside(
  executor: Executor,
  actor: Actor,
  type: string,
  serial: number,
): Promise<EgressProvider> {
  const provider = (await loadProviders(executor, actor, [type])).find(
    ({ connection }) => connection.serial === serial,
  );
  if (provider === undefined) throw new LockstepError('NotFound', `there is no ${type} provider ${serial}`);
  return provider;
}

/** @param serial of the connection. @throws LockstepError NotFound. */
export async function getEgressProvider(
  app: Application,
  actor: Actor,
  type: string,
  serial: number,
): Promise<EgressProvider> {
  return getInside(app.store.db, actor, type, serial);
}

/** What a provider shall be; undefined: as it is. */
export interface EgressProviderChange {
  readonly displayName?: string | undefined;
  /** Members of the connection's settings. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  readonly secrets?: Secrets | undefined;
  /** What the API that asks keeps here, under its name. */
  readonly annotations: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly onMissing?: OnMissing | undefined;
  /** CEL condition on users and groups of the directory; null: all of them. */
  readonly filter?: string | null | undefined;
  /** Ids of property mappings by kind. */
  readonly mappings?: { readonly user?: readonly string[]; readonly group?: readonly string[] };
  /** Whether objects of the system that no link ties are looked for by match rules; false: each is made anew. */
  readonly discovers?: boolean | undefined;
  /** Whether the run that saving starts only plans. */
  readonly previewOnly: boolean;
  /** Whether it runs every four hours and soon after changes, or only when asked to. */
  readonly runsByItself?: boolean | undefined;
  readonly startedThrough: Surface;
}

async function refuseTakenName(
  trx: Executor,
  actor: Actor,
  types: readonly string[],
  name: string,
  own?: EgressProvider,
): Promise<void> {
  const others = (await loadProviders(trx, actor, types)).filter(
    ({ connection }) => connection.id !== own?.connection.id,
  );
  if (!others.some((other) => nameOfProvider(other) === name)) return;
  throw new LockstepError('NameTaken', `another provider is called ${JSON.stringify(name)}`, {
    field: 'name',
  });
}

async function writeConnection(
  app: Application,
  trx: Transaction,
  actor: Actor,
  target: { readonly type: string; readonly name: string; readonly before: ConnectionRow | undefined },
  change: EgressProviderChange,
): Promise<ConnectionRow> {
  const { type, name, before } = target;
  const merged = parseSettings(type, { ...before?.settings, ...change.settings, type }, 'settings');
  const parted = partConnection(merged as ConnectionConfiguration);
  const secrets = { ...(before && openSecrets(app.vault, before)), ...change.secrets };
  await saveConnection(app, trx, actor, name, { ...parted, secrets }, false);
  const saved = await getConnectionRow(trx, actor, name);
  await updateConnectionProfile(trx, saved.id, {
    ...(change.displayName === undefined ? {} : { displayName: change.displayName }),
    annotations: change.annotations,
  });
  return getConnectionRow(trx, actor, saved.id);
}

function scopesWith(
  app: Application,
  connection: ConnectionRow,
  before: SyncConfiguration['scopes'],
  filter: string | null | undefined,
): SyncConfiguration['scopes'] {
  if (filter === undefined || (filter === null && before === undefined)) return before;
  const root = app.connectors.get(connection.type)?.rootNode(connection.settings) ?? '/';
  const scopes = before ?? [{ source: '/', target: root }];
  return scopes.map(({ source, target }) => ({ source, target, ...(filter !== null && { filter }) }));
}

function newSettings(name: string): SyncConfiguration {
  return syncSchema.parse({ connection: name, direction: 'egress' });
}

/** Whether a sync looks for objects of the connected system that no link ties. */
export function isDiscovering({ match }: SyncConfiguration): boolean {
  if (match === undefined || Array.isArray(match)) return true;
  return objectKinds.some((kind) => match[kind]?.length !== 0);
}

function withDiscovery(settings: SyncConfiguration, discovers: boolean | undefined): SyncConfiguration {
  if (discovers === undefined || discovers === isDiscovering(settings)) return settings;
  const { match: _, ...rest } = settings;
  return discovers ? rest : { ...rest, match: { user: [], organizationalUnit: [], group: [] } };
}

function withTriggers(settings: SyncConfiguration, runsByItself: boolean | undefined): SyncConfiguration {
  if (runsByItself === undefined) return settings;
  const { schedule: _, ...rest } = settings;
  return runsByItself
    ? { ...rest, schedule: everyFourHours, continuous: true }
    : { ...rest, continuous: false };
}

async function writeSync(
  app: Application,
  trx: Transaction,
  actor: Actor,
  connection: ConnectionRow,
  before: SyncRow | undefined,
  change: EgressProviderChange,
): Promise<SyncRow> {
  const name = before?.name ?? connection.name;
  const { scopes: scopesBefore, ...rest } = before?.settings ?? newSettings(connection.name);
  const scopes = scopesWith(app, connection, scopesBefore, change.filter);
  const settings = {
    ...rest,
    connection: connection.name,
    ...(scopes && { scopes }),
    ...(change.onMissing && { onMissing: change.onMissing }),
  };
  const found = withDiscovery(settings, change.discovers);
  await saveSync(app, trx, actor, name, withTriggers(found, change.runsByItself), before?.position);
  return getSyncRow(trx, actor, name);
}

async function writeMappings(
  app: Application,
  trx: Transaction,
  actor: Actor,
  sync: SyncRow,
  wanted: EgressProviderChange['mappings'],
): Promise<void> {
  if (wanted?.user === undefined && wanted?.group === undefined) return;
  const before = await selectMappingsOfSyncs(trx, [sync.id]);
  for (const kind of ['user', 'group'] as const) {
    const ids = wanted[kind];
    if (ids !== undefined) await replaceMappingsOfSync(trx, sync.id, kind, ids);
  }
  const after = await selectMappingsOfSyncs(trx, [sync.id]);
  if (before.length === 0 && after.length === 0) return;
  const { map: own, ...settings } = sync.settings;
  const map = mapOfPropertyMappings(own, after);
  await saveSync(app, trx, actor, sync.name, { ...settings, ...(map && { map }) }, sync.position);
}

/**
 * Creates a provider, or changes the one with this serial, and starts a whole run of it.
 * @param types of providers among which names are unique
 * @throws LockstepError NotFound; NameTaken; InvalidConfiguration; InvalidExpression.
 */
export async function saveEgressProvider(
  app: Application,
  actor: Actor,
  of: { readonly type: string; readonly types: readonly string[]; readonly serial?: number | undefined },
  change: EgressProviderChange,
): Promise<EgressProvider> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const before = of.serial === undefined ? undefined : await getInside(trx, actor, of.type, of.serial);
    const { displayName } = change;
    if (displayName !== undefined) await refuseTakenName(trx, actor, of.types, displayName, before);
    const name =
      before?.connection.name ?? (await freeName(trx, actor.tenantId, displayName ?? '', 'provider'));
    const target = { type: of.type, name, before: before?.connection };
    const connection = await writeConnection(app, trx, actor, target, change);
    const sync = await writeSync(app, trx, actor, connection, before?.sync, change);
    await writeMappings(app, trx, actor, sync, change.mappings);
    const saved = await getInside(trx, actor, of.type, connection.serial);
    const origin = { startedThrough: change.startedThrough, startedBy: actor.accountName };
    const mode = change.previewOnly ? 'dryRun' : 'apply';
    if (saved.sync.enabled) await addJob(app, trx, { sync: saved.sync, mode, origin });
    return saved;
  });
}

/**
 * Deletes a provider: its egress sync, and the connection unless other syncs use it. A job that has not ended is
 * cancelled first. Jobs and objects on both sides stay.
 * @throws LockstepError NotFound; Conflict when the job does not end in time.
 */
export async function deleteEgressProvider(
  app: Application,
  actor: Actor,
  type: string,
  serial: number,
): Promise<void> {
  requireRole(actor, 'administrator');
  const { sync } = await getEgressProvider(app, actor, type, serial);
  await cancelAndWait(app, actor, sync.id);
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const provider = await getInside(trx, actor, type, serial);
    await removeSync(trx, provider.sync);
    const others = await selectSyncs(trx, actor.tenantId, { limit: everything });
    if (others.some(({ connectionId }) => connectionId === provider.connection.id)) return;
    await deleteConnectionRow(trx, provider.connection.id);
  });
}
