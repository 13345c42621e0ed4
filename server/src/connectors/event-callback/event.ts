import { createHash } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { LockstepError } from '../../kernel/errors.ts';
import type { Signer } from '../../sync/connector.ts';
import { issuer } from './event-types.ts';

/** One event, as the application is to understand it. */
export interface Event {
  /** The same in every try, also in those after a crash: an application that knows it already need do nothing. */
  readonly id: string;
  readonly type: string;
  /** The object that it is about. */
  readonly objectId: string;
  readonly data: object;
}

/** An id that the parts alone decide. */
export function eventId(...parts: readonly (string | number)[]): string {
  return `evnt_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40)}`;
}

/** Seconds for which a signature is good. */
const lifetime = 1800;
const version = 'V1.0';

/** 64 hexadecimal digits as the 32 bytes of an AES-256 key. @throws LockstepError InvalidConfiguration */
export function parseEncryptKey(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw new LockstepError('InvalidConfiguration', 'encryptKey is not 64 hexadecimal digits', {
    field: 'encryptKey',
    remedy: 'Make one with: openssl rand -hex 32',
  });
}

/** The event within its envelope; JSON in JSON texts, as Alibaba Cloud IDaaS sends it. */
function envelope(event: Event, signer: Signer): object {
  const data = {
    eventId: event.id,
    eventTime: String(signer.now().getTime()),
    eventType: event.type,
    bizId: event.objectId,
    bizData: JSON.stringify(event.data),
  };
  return { instanceId: signer.tenantId, eventVersion: version, eventData: JSON.stringify([data]) };
}

/** Encrypted with the application's key itself (RFC 7516; `dir` and `A256GCM` of RFC 7518). */
async function encrypt(content: object, key: Uint8Array): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(key);
}

/** The body of the request that tells of an event, signed anew for each try. */
export async function renderRequest(
  event: Event,
  signer: Signer,
  encryptKey: Uint8Array | undefined,
): Promise<{ readonly event: string }> {
  const issuedAt = Math.floor(signer.now().getTime() / 1000);
  const content = envelope(event, signer);
  const isEncrypted = encryptKey !== undefined;
  const claims = {
    iss: issuer,
    sub: signer.tenantId,
    aud: signer.connectionId,
    exp: issuedAt + lifetime,
    iat: issuedAt,
    jti: eventId(event.id, issuedAt),
    dataEncrypted: isEncrypted,
    cipherData: isEncrypted ? await encrypt(content, encryptKey) : '',
    plainData: isEncrypted ? '' : content,
  };
  return { event: await signer.sign(claims) };
}
