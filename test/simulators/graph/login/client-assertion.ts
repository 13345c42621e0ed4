import { createHash, X509Certificate } from 'node:crypto';
import type { Application, FederatedCredential } from './applications.ts';
import { hasSignature, parseJwt, type Jwt } from './jwt.ts';
import { LoginError } from './login-error.ts';

const refuse = (number: number, message: string): LoginError =>
  new LoginError('invalid_client', number, message);

/** Where the assertion came to, and when. */
export interface AssertionPlace {
  /** URLs that `aud` may be: the token endpoint, and the issuer. */
  readonly audiences: readonly string[];
  readonly now: number;
}

/**
 * Checks a client assertion (RFC 7523 section 3): the application's own, signed with a registered certificate, or a
 * token of an issuer that the application trusts.
 * @throws LoginError AADSTS50027, 700021, 700023, 700024, 700027, 700211, 700212, 700213
 */
export function checkAssertion(application: Application, text: string, place: AssertionPlace): void {
  const jwt = parseJwt(text);
  if (!jwt) throw refuse(50_027, 'JWT token is invalid or malformed.');
  const { clientId } = application;
  if (
    jwt.payload['iss'] === clientId ||
    jwt.header['x5t'] !== undefined ||
    jwt.header['x5t#S256'] !== undefined
  )
    checkCertificateAssertion(application, jwt, place);
  else checkFederatedToken(application, jwt, place);
}

function checkCertificateAssertion(application: Application, jwt: Jwt, place: AssertionPlace): void {
  const certificate = (application.certificates ?? [])
    .map((pem) => new X509Certificate(pem))
    .find((candidate) => isNamed(candidate, jwt));
  if (!certificate)
    throw refuse(
      700_027,
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${String(jwt.header['x5t'] ?? jwt.header['x5t#S256'])}']`,
    );
  if (!hasSignature(jwt, certificate.publicKey))
    throw refuse(
      700_027,
      'Client assertion failed signature validation. [Reason - The key was found, but use of the key to verify the signature failed.]',
    );
  if (Date.parse(certificate.validTo) < place.now)
    throw refuse(
      700_027,
      'Client assertion failed signature validation. [Reason - The key used is expired.]',
    );
  if (jwt.payload['iss'] !== application.clientId || jwt.payload['sub'] !== application.clientId)
    throw refuse(700_021, "Client assertion application identifier doesn't match 'client_id' parameter.");
  if (!place.audiences.includes(String(jwt.payload['aud'])))
    throw refuse(
      700_023,
      `Client assertion audience claim does not match Realm issuer. The audience is '${String(jwt.payload['aud'])}'.`,
    );
  checkTimes(jwt, place.now);
}

/** x5t is the SHA-1, x5t#S256 the SHA-256 of the certificate (RFC 7515 section 4.1.7). */
function isNamed(certificate: X509Certificate, { header }: Jwt): boolean {
  const thumbprint = (algorithm: string): string =>
    createHash(algorithm).update(certificate.raw).digest('base64url');
  return header['x5t'] === thumbprint('sha1') || header['x5t#S256'] === thumbprint('sha256');
}

function checkFederatedToken(application: Application, jwt: Jwt, place: AssertionPlace): void {
  const { iss, sub, aud } = jwt.payload;
  const ofIssuer = (application.federated ?? []).filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0)
    throw refuse(
      700_211,
      `No matching federated identity record found for presented assertion issuer '${String(iss)}'.`,
    );
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0)
    throw refuse(
      700_213,
      `No matching federated identity record found for presented assertion subject '${String(sub)}'.`,
    );
  const credential = ofSubject.find(
    (candidate) =>
      audienceOf(candidate) === aud || (Array.isArray(aud) && aud.includes(audienceOf(candidate))),
  );
  if (!credential)
    throw refuse(
      700_212,
      `No matching federated identity record found for presented assertion audience '${String(aud)}'.`,
    );
  if (!hasSignature(jwt, credential.publicKey))
    throw refuse(700_027, 'Client assertion failed signature validation.');
  checkTimes(jwt, place.now);
}

const audienceOf = ({ audience }: FederatedCredential): string => audience ?? 'api://AzureADTokenExchange';

function checkTimes({ payload }: Jwt, now: number): void {
  const seconds = now / 1000;
  const skew = 300;
  const { exp, nbf } = payload;
  if (typeof exp === 'number' && exp + skew > seconds && (typeof nbf !== 'number' || nbf - skew < seconds))
    return;
  throw refuse(
    700_024,
    `Client assertion is not within its valid time range. Current time: ${new Date(now).toISOString()}.`,
  );
}
