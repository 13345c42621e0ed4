import { createPrivateKey, type KeyObject, randomUUID, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { LockstepError } from '../kernel/errors.ts';

/** How a client proves who it is to a token endpoint. */
export type ClientCredential =
  | { readonly kind: 'secret'; readonly secret: string; readonly method?: 'post' | 'basic' | undefined }
  /** A certificate and its private key, both in one PEM text. */
  | { readonly kind: 'certificate'; readonly pem: string }
  /** A token that another issuer signed (workload identity federation); read anew each time, since it is replaced. */
  | { readonly kind: 'federated'; readonly read: () => Promise<string> };

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** The server compares clocks: long enough for some difference, short enough to be useless when it leaks. */
const lifetimeSeconds = 300;

export interface AssertionAudience {
  readonly clientId: string;
  readonly tokenUrl: string;
}

/**
 * What a token request carries to authenticate its client: RFC 6749 section 2.3.1 for a secret, RFC 7523 section 2.2 for
 * an assertion.
 * @throws LockstepError InvalidConfiguration for a PEM text without certificate and key.
 */
export async function authenticateClient(
  credential: ClientCredential,
  { clientId, tokenUrl }: AssertionAudience,
): Promise<{ form: Record<string, string>; headers: Record<string, string> }> {
  if (credential.kind === 'secret' && credential.method === 'basic') {
    const pair = [clientId, credential.secret].map(formEncoded).join(':');
    return { form: {}, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
  }
  if (credential.kind === 'secret')
    return { form: { client_id: clientId, client_secret: credential.secret }, headers: {} };
  const assertion =
    credential.kind === 'federated'
      ? (await credential.read()).trim()
      : await signAssertion(credential.pem, { clientId, tokenUrl });
  return {
    form: { client_id: clientId, client_assertion_type: assertionType, client_assertion: assertion },
    headers: {},
  };
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function readPem(pem: string): { certificate: X509Certificate; key: KeyObject } {
  const begin = pem.indexOf('-----BEGIN CERTIFICATE-----');
  try {
    if (begin < 0) throw new Error('there is no certificate in it');
    return { certificate: new X509Certificate(pem.slice(begin)), key: createPrivateKey(pem) };
  } catch (cause) {
    throw new LockstepError(
      'InvalidConfiguration',
      `certificate: it cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        field: 'certificate',
        remedy: 'Name a PEM file with the certificate and its private key without a password.',
        cause,
      },
    );
  }
}

/** RFC 7523 section 3; `x5t#S256` (RFC 7515 section 4.1.8) says which certificate. */
async function signAssertion(pem: string, { clientId, tokenUrl }: AssertionAudience): Promise<string> {
  const { certificate, key } = readPem(pem);
  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({})
    .setProtectedHeader({
      alg: key.asymmetricKeyType === 'ec' ? 'ES256' : 'PS256',
      typ: 'JWT',
      'x5t#S256': thumbprint,
    })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(tokenUrl)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + lifetimeSeconds)
    .sign(key);
}
