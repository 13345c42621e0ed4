import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { isJsonObject } from '../json.ts';
import type { ObjectType } from '../state/directory-object.ts';

/** What the first request of a delta query asked for: it holds for all later ones. */
export interface DeltaScope {
  readonly type: ObjectType;
  readonly select: readonly string[] | undefined;
  /** Only these objects. */
  readonly ids: readonly string[] | undefined;
}

/** A delta link: changes after `since` are new to its holder. */
export interface DeltaToken extends DeltaScope {
  readonly kind: 'delta';
  readonly since: number;
  /** Where the round before began, for replays. */
  readonly before: number;
  readonly issuedAt: number;
  /** Tokens of an earlier generation were killed. */
  readonly generation: number;
}

/** A next link: a position in the rows of a round. */
export interface SkipToken {
  readonly kind: 'skip';
  readonly type: ObjectType;
  readonly round: string;
  readonly page: number;
}

/** Seals tokens, so that nobody can read or make one. */
export class TokenSealer {
  readonly #key = randomBytes(32);

  seal(token: DeltaToken | SkipToken): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(token), 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Undefined for what this sealer has not sealed. */
  open(text: string): DeltaToken | SkipToken | undefined {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length < 29) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      const json: unknown = JSON.parse(
        Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8'),
      );
      return isJsonObject(json) ? (json as unknown as DeltaToken | SkipToken) : undefined;
    } catch {
      return undefined;
    }
  }
}
