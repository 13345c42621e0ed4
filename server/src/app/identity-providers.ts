import type { ConnectionTest } from '@lockstep/contract/connection.ts';
import type { ConnectionConfiguration } from '@lockstep/contract/connection-configuration.ts';
import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { syncSchema } from '@lockstep/contract/configuration.ts';
import { LockstepError } from '../kernel/errors.ts';
import {
  deleteConnectionRow,
  findConnection,
  updateConnectionProfile,
} from '../store/queries/connections.ts';
import {
  findConnectionId,
  findIdentityProvider,
  selectConnectionSerials,
  selectIdentityProviders,
  selectLatestIngressJobs,
  selectTakenNames,
  type IdentityProviderFilter,
  type IdentityProviderRow,
} from '../store/queries/identity-providers.ts';
import { selectSyncs } from '../store/queries/syncs.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Transaction } from './application.ts';
import {
  getConnector,
  openSecrets,
  trialContext,
  parseSettings,
  partConnection,
  saveConnection,
  type Secrets,
} from './connections.ts';
import { showSlice, type ListPage, type SliceView } from './slice-view.ts';
import { removeSync, saveSync } from './syncs.ts';

/** A connection with an ingress sync, as APIs see it that call it an identity provider. */
export type IdentityProvider = IdentityProviderRow;

/** How often an identity provider runs that is to be kept up to date by itself: hourly, each at a minute of its own. */
const hourly = { hours: Array.from({ length: 24 }, (_, hour) => hour), timeZone: 'UTC' };

const everySync = 100_000;

export async function listIdentityProviders(
  app: Application,
  actor: Actor,
  filter: IdentityProviderFilter,
  page: ListPage,
): Promise<SliceView<IdentityProvider>> {
  return showSlice(await selectIdentityProviders(app.store.db, actor.tenantId, filter, page), (row) => row);
}

/** @throws LockstepError NotFound. */
export async function getIdentityProvider(
  app: Application,
  actor: Actor,
  serial: number,
): Promise<IdentityProvider> {
  const row = await findIdentityProvider(app.store.db, actor.tenantId, serial);
  if (row === undefined) throw new LockstepError('NotFound', `there is no identity provider ${serial}`);
  return row;
}

/** The newest job of each of these connections that is no preview, by connection id. */
export async function latestIngressJobs(
  app: Application,
  actor: Actor,
  connectionIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await selectLatestIngressJobs(app.store.db, actor.tenantId, connectionIds);
  return new Map(rows.map(({ connectionId, jobId }) => [connectionId, jobId]));
}

/** Serials of connections by id, also of those that are gone. */
export async function connectionSerials(
  app: Application,
  actor: Actor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await selectConnectionSerials(app.store.db, actor.tenantId, [...new Set(ids)]);
  return new Map(rows.map(({ id, serial }) => [id, serial]));
}

/** The id of the connection with a serial, also of one that is gone. */
export async function findConnectionBySerial(
  app: Application,
  actor: Actor,
  serial: number,
): Promise<string | undefined> {
  return findConnectionId(app.store.db, actor.tenantId, serial);
}

/** A name fit for a configuration, out of what people call the thing, that nothing of the tenant has yet. */
export async function freeName(
  trx: Transaction,
  tenantId: string,
  displayName: string,
  nameless = 'identity-provider',
): Promise<string> {
  const taken = await selectTakenNames(trx, tenantId);
  const plain = displayName
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  const base = plain === '' ? nameless : plain;
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(name)) return name;
  }
}

/** What an identity provider shall be. */
export interface NewIdentityProvider {
  readonly displayName: string;
  readonly description?: string | undefined;
  readonly configuration: ConnectionConfiguration;
  /** Whether it runs by itself, every hour. */
  readonly scheduled: boolean;
}

/** Makes a connection with an ingress sync, which starts nothing yet. @throws LockstepError InvalidConfiguration. */
export async function createIdentityProvider(
  app: Application,
  actor: Actor,
  wanted: NewIdentityProvider,
): Promise<IdentityProvider> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const name = await freeName(trx, actor.tenantId, wanted.displayName);
    await saveConnection(app, trx, actor, name, partConnection(wanted.configuration), false);
    const connection = await findConnection(trx, actor.tenantId, name);
    if (connection === undefined) throw new LockstepError('Internal', `connection ${name} was not saved`);
    const { displayName, description } = wanted;
    await updateConnectionProfile(trx, connection.id, {
      displayName,
      ...(description === undefined ? {} : { description }),
    });
    const schedule = wanted.scheduled ? { schedule: hourly } : {};
    const sync = syncSchema.parse({ connection: name, direction: 'ingress', ...schedule });
    await saveSync(app, trx, actor, name, sync);
    return getInside(trx, actor, connection.serial);
  });
}

async function getInside(trx: Transaction, actor: Actor, serial: number): Promise<IdentityProvider> {
  const row = await findIdentityProvider(trx, actor.tenantId, serial);
  if (row === undefined) throw new LockstepError('NotFound', `there is no identity provider ${serial}`);
  return row;
}

/** What shall be otherwise; undefined: as it is. */
export interface IdentityProviderChange {
  readonly displayName?: string | undefined;
  readonly description?: string | undefined;
  /** Members of the connection's settings. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  readonly secrets?: Secrets | undefined;
  readonly scheduled?: boolean | undefined;
}

async function changeSchedule(
  app: Application,
  trx: Transaction,
  actor: Actor,
  row: IdentityProvider,
  scheduled: boolean,
): Promise<void> {
  if (row.scheduled === scheduled) return;
  const syncs = await selectSyncs(trx, actor.tenantId, { limit: everySync });
  const sync = syncs.find(({ id }) => id === row.syncId);
  if (sync === undefined) return;
  const { schedule: _, ...rest } = sync.settings;
  const settings: SyncConfiguration = scheduled ? { ...rest, schedule: hourly } : rest;
  await saveSync(app, trx, actor, sync.name, settings, sync.position);
}

/** @throws LockstepError NotFound; InvalidConfiguration. */
export async function updateIdentityProvider(
  app: Application,
  actor: Actor,
  serial: number,
  change: IdentityProviderChange,
): Promise<IdentityProvider> {
  requireRole(actor, 'administrator');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const row = await getInside(trx, actor, serial);
    if (change.settings !== undefined || change.secrets !== undefined) {
      const merged = parseSettings(row.type, { ...row.settings, ...change.settings }, 'idpConfig');
      const { type: _, ...settings } = merged;
      const parted = {
        type: row.type,
        settings: { ...settings, type: row.type },
        secrets: change.secrets ?? {},
      };
      await saveConnection(app, trx, actor, row.name, parted, true);
    }
    const { displayName, description } = change;
    await updateConnectionProfile(trx, row.id, {
      ...(displayName === undefined ? {} : { displayName }),
      ...(description === undefined ? {} : { description }),
    });
    if (change.scheduled !== undefined) await changeSchedule(app, trx, actor, row, change.scheduled);
    return getInside(trx, actor, serial);
  });
}

/**
 * Deletes the connection with its ingress syncs. Jobs and people stay.
 * @throws LockstepError NotFound; Conflict while a job has not ended or an egress sync uses the connection.
 */
export async function deleteIdentityProvider(app: Application, actor: Actor, serial: number): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const row = await getInside(trx, actor, serial);
    const syncs = (await selectSyncs(trx, actor.tenantId, { limit: everySync })).filter(
      ({ connectionId }) => connectionId === row.id,
    );
    const egress = syncs.filter(({ direction }) => direction === 'egress').map(({ name }) => name);
    if (egress.length > 0) {
      throw new LockstepError('Conflict', `connection ${row.name} is used by ${egress.join(', ')}`, {
        remedy: 'Delete these syncs first.',
      });
    }
    for (const sync of syncs) await removeSync(trx, sync);
    await deleteConnectionRow(trx, row.id);
  });
}

/** What is tried instead of what is saved. */
export interface TrialSettings {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly secrets: Secrets;
}

/**
 * Tests an identity provider as it is saved, with other settings, or one that is not saved at all.
 * @param serial of the identity provider; undefined: one of type `type` with the settings given
 * @throws LockstepError NotFound; InvalidConfiguration; ConnectorUnavailable.
 */
export async function testIdentityProvider(
  app: Application,
  actor: Actor,
  serial: number | undefined,
  type: string,
  trial: TrialSettings,
): Promise<ConnectionTest> {
  requireRole(actor, 'operator');
  const row = serial === undefined ? undefined : await getIdentityProvider(app, actor, serial);
  const saved = row && (await findConnection(app.store.db, actor.tenantId, row.id));
  const typeTested = saved?.type ?? type;
  const settings = parseSettings(typeTested, { ...saved?.settings, ...trial.settings }, 'idpConfig');
  const secrets = { ...(saved === undefined ? {} : openSecrets(app.vault, saved)), ...trial.secrets };
  const connector = getConnector(app, typeTested);
  const steps: ConnectionTest['steps'] = [];
  for await (const step of connector.test(settings, trialContext(app, secrets))) {
    const { remedy, ...rest } = step;
    steps.push({ ...rest, ...(remedy === undefined ? {} : { remedy }) });
  }
  return { ok: steps.every((step) => step.ok), steps };
}
