import { constants, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../json.ts';

/** A token taken apart (RFC 7519); its signature is not checked yet. */
export interface Jwt {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly signed: string;
  readonly signature: Buffer;
}

/** Undefined for text that is no signed token. */
export function parseJwt(text: string): Jwt | undefined {
  const [head = '', body = '', signature = '', ...rest] = text.split('.');
  if (rest.length > 0 || signature === '') return undefined;
  const header = parsePart(head);
  const payload = parsePart(body);
  if (!header || !payload) return undefined;
  return { header, payload, signed: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') };
}

/** RS256, PS256 and ES256 (RFC 7518 section 3); others are never right. */
export function hasSignature(jwt: Jwt, key: KeyObject | string): boolean {
  const publicKey = typeof key === 'string' ? createPublicKey(key) : key;
  const data = Buffer.from(jwt.signed);
  const kind = publicKey.asymmetricKeyType;
  switch (jwt.header['alg']) {
    case 'RS256':
      return kind === 'rsa' && verify('sha256', data, publicKey, jwt.signature);
    case 'PS256':
      return kind === 'rsa' && verify('sha256', data, { key: publicKey, ...pss }, jwt.signature);
    case 'ES256':
      return (
        kind === 'ec' && verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, jwt.signature)
      );
    default:
      return false;
  }
}

/** A token signed RS256. */
export function makeJwt(header: JsonObject, payload: JsonObject, key: KeyObject): string {
  const signed = [{ typ: 'JWT', alg: 'RS256', ...header }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

function parsePart(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
