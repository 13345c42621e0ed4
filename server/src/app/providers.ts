import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { syncSchema } from '@lockstep/contract/configuration.ts';
import type { Direction } from '@lockstep/contract/vocabulary.ts';
import type { z } from 'zod';
import { LockstepError } from '../kernel/errors.ts';
import { explainIssue } from '../kernel/schema-issue.ts';
import {
  deleteConnectionRow,
  findConnection,
  selectConnections,
  updateConnectionProfile,
  type ConnectionRow,
} from '../store/queries/connections.ts';
import { selectSyncsOfConnection } from '../store/queries/sync-targets.ts';
import { passOverChanges, selectSyncs, type SyncRow } from '../store/queries/syncs.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor, Transaction } from './application.ts';
import { parseSettings, saveConnection, type Secrets } from './connections.ts';
import { freeName } from './identity-providers.ts';
import { rememberScopeUnits } from './scope-units.ts';
import { applicationTypes } from './sync-targets.ts';
import { getSyncRow, removeSync, saveSync } from './syncs.ts';

/** A connection with one sync, as APIs see it that keep both in one resource. */
export interface Provider {
  readonly connection: ConnectionRow;
  /** The first of its syncs; undefined as long as nobody has said what is to be synchronized. */
  readonly sync: SyncRow | undefined;
}

/** What is written of a provider; undefined members stay as they are. */
export interface ProviderChange {
  readonly displayName?: string | undefined;
  /** Members of the connection's configuration, laid over those that it has. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  readonly secrets?: Secrets | undefined;
  /** Members of the sync's configuration, laid over those that it has; undefined ones are dropped. */
  readonly sync?: (Omit<z.input<typeof syncSchema>, 'connection'> & { direction: Direction }) | undefined;
  /** Paths of the organizational units that the scopes name, by id: the scopes follow them. */
  readonly scopeUnits?: ReadonlyMap<string, string> | undefined;
  /** What the engine does not read, by the name of the API. */
  readonly annotations: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const everything = 100_000;

/** Providers of a tenant, oldest first. Connections that stand for applications are none. */
export async function listProviders(
  app: Application,
  actor: Actor,
  isWanted: (provider: Provider) => boolean,
  slice: { readonly offset: number; readonly limit: number },
): Promise<{ readonly items: readonly Provider[]; readonly total: number }> {
  const connections = await selectConnections(app.store.db, actor.tenantId, { limit: everything });
  const syncs = Map.groupBy(
    await selectSyncs(app.store.db, actor.tenantId, { limit: everything }),
    ({ connectionId }) => connectionId,
  );
  const wanted = connections
    .filter(({ type }) => !applicationTypes.includes(type))
    .map((connection) => ({ connection, sync: syncs.get(connection.id)?.[0] }))
    .filter(isWanted);
  return { items: wanted.slice(slice.offset, slice.offset + slice.limit), total: wanted.length };
}

/** @throws LockstepError NotFound; by id alone. */
export async function getProvider(app: Application, actor: Actor, id: string): Promise<Provider> {
  return getInside(app.store.db, actor, id);
}

async function getInside(executor: Executor, actor: Actor, id: string): Promise<Provider> {
  const connection = await findConnection(executor, actor.tenantId, id);
  if (connection?.id !== id || applicationTypes.includes(connection.type)) {
    throw new LockstepError('NotFound', `there is no identity provider ${JSON.stringify(id)}`);
  }
  const [sync] = await selectSyncsOfConnection(executor, actor.tenantId, id);
  return { connection, sync };
}

/** What a connection's configuration is when some of its members change. */
function mergeSettings(
  type: string,
  current: Readonly<Record<string, unknown>>,
  change: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return parseSettings(type, { ...current, ...given }, 'settings');
}

async function writeInside(
  app: Application,
  trx: Transaction,
  actor: Actor,
  name: string,
  type: string,
  current: Partial<Provider>,
  change: ProviderChange,
): Promise<string> {
  if (change.settings !== undefined || change.secrets !== undefined) {
    const settings = mergeSettings(type, current.connection?.settings ?? {}, change.settings ?? {});
    await saveConnection(app, trx, actor, name, { type, settings, secrets: change.secrets ?? {} }, true);
  }
  const connection = await findConnection(trx, actor.tenantId, name);
  if (connection === undefined) throw new LockstepError('Internal', `connection ${name} was not saved`);
  const { displayName, annotations } = change;
  await updateConnectionProfile(trx, connection.id, {
    annotations,
    ...(displayName === undefined ? {} : { displayName }),
  });
  if (change.sync !== undefined) {
    const syncName = await writeSync(app, trx, actor, name, current.sync, change.sync);
    if (change.scopeUnits !== undefined) await rememberScopeUnits(trx, actor, syncName, change.scopeUnits);
  }
  return connection.id;
}

/** @returns the name of the sync. */
async function writeSync(
  app: Application,
  trx: Transaction,
  actor: Actor,
  connection: string,
  current: SyncRow | undefined,
  change: NonNullable<ProviderChange['sync']>,
): Promise<string> {
  const merged = { ...current?.settings, ...change, connection };
  const given = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
  const parsed = syncSchema.safeParse(given);
  if (!parsed.success) {
    const { path, message, remedy } = explainIssue(parsed.error, given);
    const field = ['sync', ...path].join('.');
    throw new LockstepError('InvalidConfiguration', `${field}: ${message}`, { field, remedy });
  }
  const configuration: SyncConfiguration = parsed.data;
  const name = current?.name ?? connection;
  await saveSync(app, trx, actor, name, configuration, current?.position);
  const followed = current?.enabled === true && current.settings.continuous;
  // Saying that changes be followed starts nothing yet: the next change does.
  if (configuration.continuous && !followed)
    await passOverChanges(trx, (await getSyncRow(trx, actor, name)).id);
  return name;
}

/**
 * Makes a connection, and its sync if the change has one. Nothing runs before it is asked for.
 * @throws LockstepError InvalidConfiguration, InvalidSchedule.
 */
export async function createProvider(
  app: Application,
  actor: Actor,
  type: string,
  change: ProviderChange & {
    readonly displayName: string;
    readonly settings: Readonly<Record<string, unknown>>;
  },
): Promise<Provider> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const name = await freeName(trx, actor.tenantId, change.displayName);
    const id = await writeInside(app, trx, actor, name, type, {}, change);
    return getInside(trx, actor, id);
  });
}

/**
 * Changes a provider that the caller has read.
 * @throws LockstepError NotFound; RevisionMoved when it is not what the caller read; InvalidConfiguration.
 */
export async function changeProvider(
  app: Application,
  actor: Actor,
  read: Provider,
  change: ProviderChange,
): Promise<Provider> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const current = await getInside(trx, actor, read.connection.id);
    if (
      current.connection.updatedAt.getTime() !== read.connection.updatedAt.getTime() ||
      current.sync?.revision !== read.sync?.revision
    ) {
      throw new LockstepError('RevisionMoved', 'the identity provider was changed by another request');
    }
    const { name, type, id } = current.connection;
    await writeInside(app, trx, actor, name, type, current, change);
    return getInside(trx, actor, id);
  });
}

/**
 * Deletes the connection with all its syncs and links; jobs and the objects of the directory stay.
 * @throws LockstepError NotFound; Conflict while a job has not ended.
 */
export async function deleteProvider(app: Application, actor: Actor, id: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const { connection } = await getInside(trx, actor, id);
    for (const sync of await selectSyncsOfConnection(trx, actor.tenantId, connection.id)) {
      await removeSync(trx, sync);
    }
    await deleteConnectionRow(trx, connection.id);
  });
}
