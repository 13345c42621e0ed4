import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LockstepError } from '../kernel/errors.ts';

const version = 1;
const keyIdLength = 4;
const nonceLength = 12;
const tagLength = 16;
const headerLength = 1 + keyIdLength;
const overhead = headerLength + nonceLength + tagLength;

function broken(text: string): LockstepError {
  return new LockstepError('InvalidConfiguration', text, {
    remedy: 'Start with the master key that the secret was sealed with, or enter the secret again.',
  });
}

/**
 * Seals secrets with AES-256-GCM (NIST SP 800-38D). Sealed: version (1 byte), key id (4), nonce (12), ciphertext,
 * tag (16). The header and the context are authenticated, so a sealed secret opens only where it belongs.
 */
export class SecretBox {
  readonly #key: Buffer;
  /** Tells keys apart without saying anything of them. */
  readonly keyId: Buffer;

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    this.#key = key;
    this.keyId = createHash('sha256').update('lockstep key id').update(key).digest().subarray(0, keyIdLength);
  }

  /** @param context what the secret belongs to, e.g. a connection's id; the same is needed to open it */
  seal(plain: string, context: string): Buffer {
    const header = Buffer.concat([Buffer.from([version]), this.keyId]);
    const nonce = randomBytes(nonceLength);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
    const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return Buffer.concat([header, nonce, text, cipher.getAuthTag()]);
  }

  /**
   * @param owner what errors call the resource
   * @throws LockstepError InvalidConfiguration for another key, another context, or changed bytes
   */
  open(sealed: Uint8Array, context: string, owner: string = context): string {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length < overhead || bytes[0] !== version) {
      throw broken(`The sealed secret of ${owner} has an unknown form`);
    }
    const header = bytes.subarray(0, headerLength);
    if (!header.subarray(1).equals(this.keyId)) {
      throw broken(`The secret of ${owner} was sealed with another master key than this process has`);
    }
    const nonce = bytes.subarray(headerLength, headerLength + nonceLength);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagLength });
    decipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
    decipher.setAuthTag(bytes.subarray(-tagLength));
    try {
      const text = decipher.update(bytes.subarray(headerLength + nonceLength, -tagLength));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      throw broken(`The sealed secret of ${owner} was changed, or belongs to something else`);
    }
  }
}

/** Compares in a time that does not depend on where texts differ, or on their lengths. */
export function equalInConstantTime(left: string | Uint8Array, right: string | Uint8Array): boolean {
  const [a, b] = [left, right].map((value) => createHash('sha256').update(value).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
