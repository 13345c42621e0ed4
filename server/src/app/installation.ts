import { createHash, randomBytes } from 'node:crypto';
import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import {
  findInstalledTenant,
  insertAccessKey,
  insertAccount,
  insertTenant,
  lockInstallation,
} from '../store/queries/installation.ts';
import { insertToken } from '../store/queries/tokens.ts';
import { accessKeyContext, newAccessKey } from './access/key-material.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor } from './application.ts';

/** The administrator's credentials. Shown once: the store keeps a hash of the token and the sealed key. */
export interface AdministratorCredentials {
  readonly tenantId: string;
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** 40 hexadecimal digits. */
  readonly apiToken: string;
}

/** How a bearer token is kept: its SHA-256. A token has 160 random bits, so that no slower hash is needed. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** 40 hexadecimal digits. */
export function newApiToken(): string {
  return randomBytes(20).toString('hex');
}

function newCredentials(): AdministratorCredentials {
  return {
    tenantId: newId('tenant'),
    accountId: newId('account'),
    ...newAccessKey(),
    apiToken: newApiToken(),
  };
}

/** Whether a store has an installation, and with it secrets that are sealed. */
export async function isInstalled(store: Application['store']): Promise<boolean> {
  return (await findInstalledTenant(store.db)) !== undefined;
}

/**
 * The first tenant's administrators keep the installation: what concerns all tenants is theirs alone.
 * @param what what is theirs, to begin a sentence with.
 * @throws LockstepError Forbidden.
 */
export async function requireInstallationAdministrator(
  app: Application,
  actor: Actor,
  what: string,
): Promise<void> {
  requireRole(actor, 'administrator');
  const installed = await findInstalledTenant(app.store.db);
  if (installed?.tenantId === actor.tenantId) return;
  throw new LockstepError('Forbidden', `${what} is for administrators of the first tenant of the store`, {
    remedy: 'Use a token of the administrator whose credentials the first start wrote to admin.json.',
  });
}

/**
 * Makes a tenant and its account `administrator` with an API token and an access key.
 * @returns the credentials, once; undefined when another tenant has the name.
 */
export async function makeTenant(
  app: Pick<Application, 'vault' | 'clock'>,
  trx: Executor,
  name: string,
): Promise<AdministratorCredentials | undefined> {
  const made = newCredentials();
  const { tenantId, accountId } = made;
  if (!(await insertTenant(trx, { id: tenantId, name }))) return undefined;
  await insertAccount(trx, { id: accountId, tenantId, name: 'administrator', role: 'administrator' });
  await insertToken(
    trx,
    { type: 'account', id: accountId },
    {
      id: newId('token'),
      hash: tokenHash(made.apiToken),
      label: 'first',
      createdAt: app.clock.now(),
      expiresAt: null,
    },
  );
  const sealedSecret = app.vault.seal(made.accessKeySecret, accessKeyContext(made.accessKeyId));
  await insertAccessKey(trx, { id: made.accessKeyId, tenantId, accountId, sealedSecret });
  return made;
}

/**
 * On a store without an administrator: makes tenant `default` and account `administrator` with an API token and an
 * access key. Of several processes that start together on one database, one does it.
 * @param keep keeps the credentials, which cannot be shown again; called before the transaction commits, so that there
 * is no moment at which an administrator exists whose credentials nobody has.
 * @returns the credentials, once; undefined when the installation exists already.
 */
export async function bootstrapInstallation(
  app: Pick<Application, 'store' | 'vault' | 'clock'>,
  keep?: (credentials: AdministratorCredentials) => Promise<void>,
): Promise<AdministratorCredentials | undefined> {
  return app.store.transaction(async (trx) => {
    await lockInstallation(trx);
    if ((await findInstalledTenant(trx)) !== undefined) return undefined;
    const made = await makeTenant(app, trx, 'default');
    if (made !== undefined) await keep?.(made);
    return made;
  });
}
