import { createHash, randomBytes } from 'node:crypto';
import { newId } from '../kernel/ids.ts';
import {
  findInstalledTenant,
  insertAccessKey,
  insertAccount,
  insertApiToken,
  insertTenant,
  lockInstallation,
} from '../store/queries/installation.ts';
import { accessKeyContext, newAccessKey } from './access/key-material.ts';
import type { Application } from './application.ts';

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

function newCredentials(): AdministratorCredentials {
  return {
    tenantId: newId('tenant'),
    accountId: newId('account'),
    ...newAccessKey(),
    apiToken: randomBytes(20).toString('hex'),
  };
}

/** Whether a store has an installation, and with it secrets that are sealed. */
export async function isInstalled(store: Application['store']): Promise<boolean> {
  return (await findInstalledTenant(store.db)) !== undefined;
}

/**
 * On a store without an administrator: makes tenant `default` and account `administrator` with an API token and an
 * access key. Of several processes that start together on one database, one does it.
 * @param keep keeps the credentials, which cannot be shown again; called before the transaction commits, so that there
 * is no moment at which an administrator exists whose credentials nobody has.
 * @returns the credentials, once; undefined when the installation exists already.
 */
export async function bootstrapInstallation(
  app: Pick<Application, 'store' | 'vault'>,
  keep?: (credentials: AdministratorCredentials) => Promise<void>,
): Promise<AdministratorCredentials | undefined> {
  return app.store.transaction(async (trx) => {
    await lockInstallation(trx);
    if ((await findInstalledTenant(trx)) !== undefined) return undefined;
    const made = newCredentials();
    const owner = { tenantId: made.tenantId, accountId: made.accountId };
    await insertTenant(trx, { id: made.tenantId, name: 'default' });
    await insertAccount(trx, {
      id: made.accountId,
      tenantId: made.tenantId,
      name: 'administrator',
      role: 'administrator',
    });
    await insertApiToken(trx, { id: newId('token'), ...owner, hash: tokenHash(made.apiToken) });
    const sealedSecret = app.vault.seal(made.accessKeySecret, accessKeyContext(made.accessKeyId));
    await insertAccessKey(trx, { id: made.accessKeyId, ...owner, sealedSecret });
    await keep?.(made);
    return made;
  });
}
