import { isUtf8 } from 'node:buffer';
import type { AttributeValue } from './attributes.ts';
import { isBinaryAttribute } from './inet-org-person.ts';

/** Bytes as the directory keeps them: text when valid UTF-8 without NUL, unless the attribute holds bytes. */
export function decodeBytes(name: string, bytes: Buffer): AttributeValue {
  return isBinaryAttribute(name) || bytes.includes(0) || !isUtf8(bytes) ? bytes : bytes.toString('utf8');
}
