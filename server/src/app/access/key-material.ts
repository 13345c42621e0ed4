import { randomBytes } from 'node:crypto';

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Letters and digits, each as likely as any other. */
export function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
      if (byte < 248 && text.length < length) text += alphanumeric[byte % 62];
    }
  }
  return text;
}

export interface KeyMaterial {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** A new access key in the shape that clients know: 24 and 30 letters and digits. */
export function newAccessKey(): KeyMaterial {
  return { accessKeyId: `LTAI5t${randomText(18)}`, accessKeySecret: randomText(30) };
}

/** A new temporary key; requests signed with it carry the token. */
export function newTemporaryKey(): KeyMaterial & { readonly securityToken: string } {
  return {
    accessKeyId: `STS.N${randomText(23)}`,
    accessKeySecret: randomText(44),
    securityToken: `CAIS${randomText(124)}`,
  };
}

/** What a key's secret is sealed with as context. */
export function accessKeyContext(accessKeyId: string): string {
  return `access-key:${accessKeyId}`;
}
