import { timingSafeEqual } from 'node:crypto';
import { deleteExpiredAccess, findSignerRow, takeNonceRow } from '../../store/queries/access.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { tokenHash } from '../installation.ts';
import { evaluatePolicies, type AccessRequest, type Decision } from './evaluate-policies.ts';
import { accessKeyContext } from './key-material.ts';
import { parsePolicy, type Policy } from './policy-document.ts';

/** Who signs with an access key or a temporary one, and what bounds them. */
export interface Signer {
  /** The id that the request names. */
  readonly keyId: string;
  /** The same, or the access key that a temporary key comes from. */
  readonly accessKeyId: string;
  readonly actor: Actor;
  readonly secret: string;
  /** Revoked or expired. */
  readonly active: boolean;
  /** Undefined: the account's role decides alone. */
  readonly policies: readonly Policy[] | undefined;
  readonly temporary: TemporaryKey | undefined;
}

interface TemporaryKey {
  readonly expired: boolean;
  readonly sessionPolicy: Policy | undefined;
  acceptsToken(token: string): boolean;
}

/** Longer texts are no token of ours and are not hashed. */
const longestToken = 4096;
const longestKeyId = 128;

/** The signer with this key id, of any tenant; the request is believed only when the secret verifies it. */
export async function findSigner(app: Application, keyId: string): Promise<Signer | undefined> {
  if (keyId.length > longestKeyId) return undefined;
  const row = await findSignerRow(app.store.db, keyId);
  if (row === undefined) return undefined;
  const now = app.clock.now();
  const { tenantId, tenantName, accountId, accountName, role, tokenHash: hash, tokenExpiresAt } = row;
  return {
    keyId,
    accessKeyId: row.accessKeyId,
    actor: { tenantId, tenantName, accountId, accountName, role },
    secret: app.vault.open(row.sealedSecret, accessKeyContext(keyId), `access key ${keyId}`),
    active: row.revokedAt === null && (row.expiresAt === null || row.expiresAt > now),
    policies: row.policies.length === 0 ? undefined : row.policies.map((document) => parsePolicy(document)),
    temporary:
      hash === null
        ? undefined
        : {
            expired: tokenExpiresAt === null || tokenExpiresAt <= now,
            sessionPolicy: row.sessionPolicy === null ? undefined : parsePolicy(row.sessionPolicy),
            acceptsToken: (token) =>
              token.length <= longestToken && timingSafeEqual(tokenHash(token), Buffer.from(hash)),
          },
  };
}

/**
 * What the policies of a signer say. Without policies everything is allowed: the role of the account is looked at
 * elsewhere, and bounds a key with policies just the same. A session policy narrows either.
 */
export function decideAccess(signer: Signer, request: AccessRequest): Decision {
  const sets = [signer.policies, signer.temporary?.sessionPolicy && [signer.temporary.sessionPolicy]];
  const decisions = sets.filter((set) => set !== undefined).map((set) => evaluatePolicies(set, request));
  return (
    decisions.find((decision) => decision === 'explicitDeny') ??
    decisions.find((decision) => decision !== 'allow') ??
    'allow'
  );
}

/**
 * Takes the nonce of a verified request.
 * @param expiresAt when the request becomes too old to be taken anyway
 * @returns false when a request with it was taken before, by whichever process.
 */
export async function takeNonce(
  app: Application,
  signer: Signer,
  nonce: string,
  expiresAt: Date,
): Promise<boolean> {
  const { keyId, accessKeyId } = signer;
  const now = app.clock.now();
  return takeNonceRow(app.store.db, { accessKeyId: keyId, parentKeyId: accessKeyId, nonce, now, expiresAt });
}

/** How long the answer to an idempotent request is kept. */
const answersKept = 24 * 60 * 60_000;

/** Drops nonces, temporary keys and kept answers whose time is over; now and then is enough. */
export async function purgeExpiredAccess(app: Application): Promise<void> {
  const now = app.clock.now();
  await deleteExpiredAccess(app.store.db, now, new Date(now.getTime() - answersKept));
}
