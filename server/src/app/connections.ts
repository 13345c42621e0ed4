import type { ConnectionTest, ConnectionView } from '@lockstep/contract/connection.ts';
import { resourceNameSchema, secretNames } from '@lockstep/contract/connection.ts';
import type { ConnectionConfiguration } from '@lockstep/contract/connection-configuration.ts';
import { connectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { partSecretFields } from '@lockstep/contract/secret-fields.ts';
import { connectionFaults } from '../config/connection-faults.ts';
import { LockstepError } from '../kernel/errors.ts';
import { explainIssue } from '../kernel/schema-issue.ts';
import { idPrefixes, newId } from '../kernel/ids.ts';
import {
  deleteConnectionRow,
  findConnection,
  insertConnection,
  selectConnections,
  selectSyncNamesOfConnection,
  updateConnection,
  type ConnectionRow,
} from '../store/queries/connections.ts';
import type { Connector, ConnectorContext } from '../sync/connector.ts';
import { StorePace } from '../store/store-pace.ts';
import { openReplica } from '../store/replica/replica.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor, Vault } from './application.ts';
import { cutPage, requireIdKey, type PageRequest } from './page.ts';
import { openSigner } from './signing-keys.ts';

/** Secrets of a connection by their name in its configuration. */
export type Secrets = Readonly<Record<string, string>>;

/** A connection's secrets, opened; they are sealed with the connection's id as context. */
export function openSecrets(
  vault: Vault,
  connection: Pick<ConnectionRow, 'id' | 'name' | 'sealedSecrets'>,
): Secrets {
  if (connection.sealedSecrets === null) return {};
  return JSON.parse(
    vault.open(connection.sealedSecrets, connection.id, `connection "${connection.name}"`),
  ) as Secrets;
}

/** A connection's secrets; undefined where they cannot be opened, since the master key is another one by now. */
export function readableSecrets(
  vault: Vault,
  connection: Pick<ConnectionRow, 'id' | 'name' | 'sealedSecrets'>,
): Secrets | undefined {
  try {
    return openSecrets(vault, connection);
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'InvalidConfiguration') return undefined;
    throw error;
  }
}

function sealSecrets(vault: Vault, connectionId: string, secrets: Secrets): Uint8Array | null {
  if (Object.keys(secrets).length === 0) return null;
  return vault.seal(JSON.stringify(secrets), connectionId);
}

/** @throws LockstepError ConnectorUnavailable when no connector of this type is installed. */
export function getConnector(app: Pick<Application, 'connectors'>, type: string): Connector {
  const connector = app.connectors.get(type);
  if (connector !== undefined) return connector;
  throw new LockstepError('ConnectorUnavailable', `no connector of type ${type} is installed`);
}

/** What a connector is given of a connection that is saved; `syncSerial` is the sync that it is opened for. */
export function connectorContext(
  app: Pick<Application, 'baseDirectory' | 'clock' | 'store' | 'vault'>,
  connection: Pick<ConnectionRow, 'id' | 'tenantId' | 'serial' | 'name' | 'sealedSecrets'>,
  syncSerial?: number,
): ConnectorContext {
  const secrets = openSecrets(app.vault, connection);
  return {
    baseDirectory: app.baseDirectory,
    secret: (name) => secrets[name],
    replica: openReplica(app.store, connection.serial, syncSerial),
    signer: openSigner(app, connection),
    pace: app.store.engine === 'server' ? (key, quotas) => new StorePace(app.store, key, quotas) : undefined,
  };
}

/** What a connector is given to try out settings that are not saved. */
export function trialContext(app: Pick<Application, 'baseDirectory'>, secrets: Secrets): ConnectorContext {
  return { baseDirectory: app.baseDirectory, secret: (name) => secrets[name] };
}

function showConnection(vault: Vault, row: ConnectionRow): ConnectionView {
  return {
    id: row.id,
    serial: row.serial,
    name: row.name,
    type: row.type,
    configuration: { ...row.settings, type: row.type } as ConnectionView['configuration'],
    secrets: Object.keys(readableSecrets(vault, row) ?? {}).sort(),
    revision: row.revision,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** @throws LockstepError NotFound. */
export async function getConnectionRow(
  executor: Executor,
  actor: Actor,
  idOrName: string,
): Promise<ConnectionRow> {
  const row = await findConnection(executor, actor.tenantId, idOrName);
  if (row === undefined)
    throw new LockstepError('NotFound', `there is no connection ${JSON.stringify(idOrName)}`, {
      remedy:
        '`lockstep connections list` shows those there are; `lockstep apply -f FILE` makes those of a file.',
    });
  return row;
}

export async function listConnections(
  app: Application,
  actor: Actor,
  page: PageRequest,
): Promise<Page<ConnectionView>> {
  requireIdKey(page.after, 'connection');
  const rows = await selectConnections(app.store.db, actor.tenantId, { ...page, limit: page.limit + 1 });
  return cutPage(
    rows,
    page.limit,
    (row) => showConnection(app.vault, row),
    (row) => row.id,
  );
}

export async function getConnection(
  app: Application,
  actor: Actor,
  idOrName: string,
): Promise<ConnectionView> {
  return showConnection(app.vault, await getConnectionRow(app.store.db, actor, idOrName));
}

/** A name must not look like an id, since addresses take either. @throws LockstepError InvalidRequest. */
export function checkName(name: string): void {
  const looksLikeId = Object.values(idPrefixes).some((prefix) =>
    new RegExp(`^${prefix}_[a-z2-7]{26}$`).test(name),
  );
  if (resourceNameSchema.safeParse(name).success && !looksLikeId) return;
  throw new LockstepError(
    'InvalidRequest',
    `${JSON.stringify(name)} cannot be the name of a connection or sync`,
    {
      field: 'name',
      remedy: 'Use 1 to 200 characters without slashes and control characters, and not the form of an id.',
    },
  );
}

/** What a configuration says, parted into what is shown and what is sealed. */
export interface PartedConnection {
  readonly type: string;
  readonly settings: Record<string, unknown>;
  readonly secrets: Secrets;
}

/**
 * Parts the secrets from the rest. A reference to a file is for configuration files only: over the API it would let
 * its caller read files of the server.
 * @throws LockstepError InvalidConfiguration.
 */
export function partConnection(configuration: ConnectionConfiguration): PartedConnection {
  const secrets: Record<string, string> = {};
  const { settings, secrets: given } = partSecretFields(configuration, secretNames[configuration.type] ?? []);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string') {
      throw new LockstepError('InvalidConfiguration', `${name} must be given as text here`, {
        field: name,
        remedy: 'Read the file on your side, or use `lockstep apply` with a configuration file.',
      });
    }
    secrets[name] = value;
  }
  return { type: configuration.type, settings, secrets };
}

/** Settings as the connection's schema parses them, with defaults. @throws LockstepError InvalidConfiguration. */
export function parseSettings(
  type: string,
  settings: Record<string, unknown>,
  field: string,
): Record<string, unknown> {
  const parsed = connectionSchema.safeParse({ ...settings, type });
  if (parsed.success) return parsed.data;
  const { path, message, remedy } = explainIssue(parsed.error, { ...settings, type });
  const at = [field, ...path].join('.');
  throw new LockstepError('InvalidConfiguration', `${at}: ${message}`, { field: at, remedy });
}

/**
 * Refuses what a schema cannot say of a connection.
 * @param kept secrets that are there already: they count where they are needed, and stand in nobody's way
 * @throws LockstepError InvalidConfiguration.
 */
export function refuseUnusable(
  { type, settings, secrets }: PartedConnection,
  kept: Secrets = {},
  ...at: string[]
): void {
  const [withoutKept] = connectionFaults({ ...settings, ...secrets, type });
  if (withoutKept === undefined) return;
  const [fault] = connectionFaults({ ...settings, ...kept, ...secrets, type });
  if (fault === undefined) return;
  const field = [...at, ...fault.path].join('.');
  throw new LockstepError(fault.code, `${field}: ${fault.message}`, { field, remedy: fault.remedy });
}

/**
 * Saves a connection under a name inside the caller's transaction.
 * @param keepSecrets a secret that is not given keeps its value, else it is dropped.
 * @param newConnectionId the id of one that is new
 */
export async function saveConnection(
  app: Application,
  trx: Executor,
  actor: Actor,
  name: string,
  parted: PartedConnection,
  keepSecrets: boolean,
  newConnectionId = newId('connection', app.clock.now().getTime()),
): Promise<void> {
  const existing = await findConnection(trx, actor.tenantId, name);
  if (existing === undefined) {
    checkName(name);
    const id = newConnectionId;
    const sealedSecrets = sealSecrets(app.vault, id, parted.secrets);
    await insertConnection(trx, { ...parted, id, tenantId: actor.tenantId, name, sealedSecrets });
    return;
  }
  if (existing.type !== parted.type && (await selectSyncNamesOfConnection(trx, existing.id)).length > 0) {
    throw new LockstepError('Conflict', `connection ${name} is in use and cannot change its type`, {
      field: 'type',
      remedy: 'Make a new connection, or delete the syncs of this one first.',
    });
  }
  // What cannot be opened any more can be entered again.
  const open = Object.keys(parted.secrets).length > 0 ? readableSecrets : openSecrets;
  const kept = keepSecrets && existing.type === parted.type ? open(app.vault, existing) : {};
  const sealedSecrets = sealSecrets(app.vault, existing.id, { ...kept, ...parted.secrets });
  await updateConnection(trx, existing.id, { ...parted, sealedSecrets });
}

/** Creates or replaces a connection; secrets that are left out keep their values. */
export async function putConnection(
  app: Application,
  actor: Actor,
  idOrName: string,
  configuration: ConnectionConfiguration,
): Promise<ConnectionView> {
  requireRole(actor, 'administrator');
  const parted = partConnection(configuration);
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await saveConnection(app, trx, actor, idOrName, parted, true);
    const row = await getConnectionRow(trx, actor, idOrName);
    refuseUnusable(parted, readableSecrets(app.vault, row));
    return showConnection(app.vault, row);
  });
}

/** @throws LockstepError Conflict while a sync uses it. */
export async function deleteConnection(app: Application, actor: Actor, idOrName: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const row = await getConnectionRow(trx, actor, idOrName);
    const syncs = await selectSyncNamesOfConnection(trx, row.id);
    if (syncs.length > 0) {
      throw new LockstepError('Conflict', `connection ${row.name} is used by ${syncs.join(', ')}`, {
        remedy: 'Delete these syncs first.',
      });
    }
    await deleteConnectionRow(trx, row.id);
  });
}

/** Tests a connection step by step, up to the first step that fails. */
export async function testConnection(
  app: Application,
  actor: Actor,
  idOrName: string,
): Promise<ConnectionTest> {
  requireRole(actor, 'operator');
  const row = await getConnectionRow(app.store.db, actor, idOrName);
  const connector = getConnector(app, row.type);
  const steps: ConnectionTest['steps'] = [];
  const context = connectorContext(app, row);
  for await (const { step, ok, detail, remedy } of connector.test(row.settings, context)) {
    steps.push({ step, ok, detail, ...(remedy === undefined ? {} : { remedy }) });
  }
  return { ok: steps.every((step) => step.ok), steps };
}
