import type { SigningKeyView } from '@lockstep/contract/signing-key.ts';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, SignJWT, type JWK } from 'jose';
import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { findConnection } from '../store/queries/connections.ts';
import {
  deleteSigningKeys,
  findCurrentSigningKey,
  insertSigningKey,
  retireSigningKey,
  selectSigningKeys,
  type SigningKeyRow,
} from '../store/queries/signing-keys.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import type { Signer } from '../sync/connector.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor } from './application.ts';

/** RS256 (RFC 7518 section 3.3): what receivers of these events expect. */
const algorithm = 'RS256';
const modulusLength = 2048;
/** So long after it signed last a key is published: for events that are verified late, and for key sets kept by receivers. */
const publishedFor = 30 * 24 * 60 * 60_000;

type Keys = Pick<Application, 'store' | 'vault' | 'clock'>;
type NewKey = Parameters<typeof insertSigningKey>[1];

async function makeKey({ vault, clock }: Keys, tenantId: string): Promise<NewKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { modulusLength, extractable: true });
  const createdAt = clock.now();
  const id = newId('signingKey', createdAt.getTime());
  const sealedPrivateKey = vault.seal(await exportPKCS8(privateKey), id);
  const jwk = { ...(await exportJWK(publicKey)), use: 'sig', alg: algorithm, kid: id };
  return { id, tenantId, publicKey: jwk, sealedPrivateKey, createdAt };
}

/** The key that a tenant signs with; the first time one is asked for it is made, by one process alone. */
async function getCurrentKey(keys: Keys, tenantId: string): Promise<SigningKeyRow> {
  const found = await findCurrentSigningKey(keys.store.db, tenantId);
  if (found !== undefined) return found;
  const made = await makeKey(keys, tenantId);
  return keys.store.transaction(async (trx) => {
    await lockTenant(trx, tenantId);
    const others = await findCurrentSigningKey(trx, tenantId);
    if (others !== undefined) return others;
    await insertSigningKey(trx, made);
    return { ...made, retiredAt: null };
  });
}

/** Signs as a connection of a tenant. A signer keeps to the key that was the current one at its first use. */
export function openSigner(
  keys: Keys,
  connection: { readonly id: string; readonly tenantId: string },
): Signer {
  const { id: connectionId, tenantId } = connection;
  async function open() {
    const { id: kid, sealedPrivateKey } = await getCurrentKey(keys, tenantId);
    const pem = keys.vault.open(sealedPrivateKey, kid, `signing key ${kid}`);
    return { kid, key: await importPKCS8(pem, algorithm) };
  }
  let opening: ReturnType<typeof open> | undefined;
  return {
    tenantId,
    connectionId,
    now: () => keys.clock.now(),
    async sign(claims) {
      opening ??= open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      const { kid, key } = await opening;
      return new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: 'JWT', kid }).sign(key);
    },
  };
}

/**
 * The key set (RFC 7517) by which an application verifies what it is told; there is one for all of a tenant.
 * @throws LockstepError NotFound for an unknown tenant or application.
 */
export async function publishedKeys(
  app: Application,
  tenantId: string,
  applicationId: string,
): Promise<{ readonly keys: readonly JWK[] }> {
  const connection = await findConnection(app.store.db, tenantId, applicationId);
  if (connection?.id !== applicationId || connection.type !== 'event_callback')
    throw new LockstepError('NotFound', 'no application is told of events under this address');
  await getCurrentKey(app, tenantId);
  const rows = await selectPublished(app, app.store.db, tenantId);
  return { keys: rows.map(({ publicKey }) => publicKey as JWK) };
}

function selectPublished({ clock }: Keys, executor: Executor, tenantId: string): Promise<SigningKeyRow[]> {
  return selectSigningKeys(executor, tenantId, new Date(clock.now().getTime() - publishedFor));
}

function showKey({
  id,
  createdAt,
  retiredAt,
}: Pick<SigningKeyRow, 'id' | 'createdAt' | 'retiredAt'>): SigningKeyView {
  return {
    id,
    status: retiredAt === null ? 'current' : 'retired',
    createdAt: createdAt.toISOString(),
    retiredAt: retiredAt?.toISOString() ?? null,
    publishedUntil: retiredAt === null ? null : new Date(retiredAt.getTime() + publishedFor).toISOString(),
  };
}

export async function listSigningKeys(app: Application, actor: Actor): Promise<{ items: SigningKeyView[] }> {
  requireRole(actor, 'administrator');
  const rows = await selectPublished(app, app.store.db, actor.tenantId);
  return { items: rows.map(showKey) };
}

/** Signs with a new key from now on; jobs that run keep to the one before, which stays published for a while. */
export async function rotateSigningKey(app: Application, actor: Actor): Promise<SigningKeyView> {
  requireRole(actor, 'administrator');
  const { tenantId } = actor;
  const made = await makeKey(app, tenantId);
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, tenantId);
    const now = app.clock.now();
    const current = await findCurrentSigningKey(trx, tenantId);
    if (current !== undefined) await retireSigningKey(trx, current.id, now);
    await deleteSigningKeys(trx, tenantId, new Date(now.getTime() - publishedFor));
    await insertSigningKey(trx, made);
  });
  return showKey({ ...made, retiredAt: null });
}
