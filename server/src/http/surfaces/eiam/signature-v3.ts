import { canonicalPairs, equalTexts, hmacSha256Hex, percentEncode, sha256Hex } from './canonical.ts';
import {
  incompleteSignature,
  mandatory,
  signatureMismatch,
  unknownSignatureMethod,
  type SignedRequest,
} from './signed-request.ts';
import { singleHeader, type WireRequest } from './wire.ts';

const algorithm = 'ACS3-HMAC-SHA256';

interface Authorization {
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** `ACS3-HMAC-SHA256 Credential=ID,SignedHeaders=a;b,Signature=HEX`; blanks around the commas do not count. */
function parseAuthorization(header: string): Authorization {
  const [scheme = '', ...rest] = header.trim().split(/\s+/);
  if (scheme !== algorithm) throw unknownSignatureMethod();
  const parts = new Map<string, string>();
  for (const part of rest.join('').split(',')) {
    const cut = part.indexOf('=');
    const name = part.slice(0, cut);
    if (cut < 0 || parts.has(name)) throw incompleteSignature('Authorization cannot be parsed.');
    parts.set(name, part.slice(cut + 1));
  }
  const [accessKeyId, signed, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) =>
    parts.get(name),
  );
  if (!accessKeyId || !signed || !signature || parts.size > 3) {
    throw incompleteSignature('Authorization must have Credential, SignedHeaders and Signature.');
  }
  return { accessKeyId, signedHeaders: signed.split(';'), signature };
}

/** Headers that must be there, and the parameter that their absence is called by. */
const requiredHeaders = [
  ['x-acs-date', 'Timestamp'],
  ['x-acs-signature-nonce', 'SignatureNonce'],
] as const;

function requireHeaders(request: WireRequest): void {
  for (const [header, parameter] of requiredHeaders) {
    if (!singleHeader(request, header)) throw mandatory(parameter);
  }
  for (const header of ['host', 'x-acs-action', 'x-acs-version', 'x-acs-content-sha256']) {
    if (!singleHeader(request, header)) throw incompleteSignature(`Header ${header} is missing.`);
  }
}

/** What must be signed: the host, all of the API's own headers, and how a body is to be read. */
function requireCoverage(request: WireRequest, signedHeaders: readonly string[]): void {
  const signed = new Set(signedHeaders);
  const isCanonical = signedHeaders.every(
    (name, index) => /^[a-z0-9-]+$/.test(name) && (index === 0 || (signedHeaders[index - 1] ?? '') < name),
  );
  if (!isCanonical) throw incompleteSignature('SignedHeaders must be lowercase, sorted and without repeats.');
  const uncovered = [...request.headers.keys()].find(
    (name) =>
      !signed.has(name) &&
      (name === 'host' || name.startsWith('x-acs-') || (name === 'content-type' && request.body.length > 0)),
  );
  if (uncovered !== undefined) throw incompleteSignature(`Header ${uncovered} is not signed.`);
}

/** Encoded in pieces, so that the slashes stay. */
function canonicalUri(path: string): string {
  return path
    .split('/')
    .map((segment) => percentEncode(decodeURIComponent(segment)))
    .join('/');
}

function canonicalRequest(request: WireRequest, signedHeaders: readonly string[]): string {
  const headers = signedHeaders.map((name) => {
    const values = (request.headers.get(name) ?? []).map((value) => value.trim());
    return `${name}:${values.toSorted().join(',')}\n`;
  });
  return [
    request.method,
    canonicalUri(request.path),
    canonicalPairs(request.query),
    headers.join(''),
    signedHeaders.join(';'),
    sha256Hex(request.body),
  ].join('\n');
}

/**
 * Signature V3, ACS3-HMAC-SHA256: over the method, the query, the signed headers and the hash of the received body, with
 * the plain secret as the key.
 * @throws EiamError IncompleteSignature, InvalidSignatureMethod, MissingTimestamp, MissingSignatureNonce.
 */
export function readSignatureV3(request: WireRequest): SignedRequest {
  const header = singleHeader(request, 'authorization');
  if (header === undefined) throw incompleteSignature('There must be one Authorization header.');
  const authorization = parseAuthorization(header);
  requireHeaders(request);
  requireCoverage(request, authorization.signedHeaders);
  return {
    accessKeyId: authorization.accessKeyId,
    securityToken: singleHeader(request, 'x-acs-security-token'),
    timestamp: singleHeader(request, 'x-acs-date') ?? '',
    nonce: singleHeader(request, 'x-acs-signature-nonce') ?? '',
    verify: (secret) => {
      const canonical = canonicalRequest(request, authorization.signedHeaders);
      const stringToSign = `${algorithm}\n${sha256Hex(canonical)}`;
      const claimedHash = singleHeader(request, 'x-acs-content-sha256') ?? '';
      const bodyIsWhole = equalTexts(claimedHash, sha256Hex(request.body));
      const isSigned = equalTexts(authorization.signature, hmacSha256Hex(secret, stringToSign));
      if (!bodyIsWhole || !isSigned) throw signatureMismatch(stringToSign);
    },
  };
}
