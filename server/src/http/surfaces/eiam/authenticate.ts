import { findSigner, takeNonce, type Signer } from '../../../app/access/signer.ts';
import type { Application } from '../../../app/application.ts';
import { EiamError } from './errors.ts';
import { readSignatureV1 } from './signature-v1.ts';
import { readSignatureV3 } from './signature-v3.ts';
import {
  checkNonce,
  checkTimestamp,
  incompleteSignature,
  mandatory,
  timeWindow,
  type SignedRequest,
} from './signed-request.ts';
import type { WireRequest } from './wire.ts';

function readSignature(request: WireRequest, parameters: ReadonlyMap<string, string>): SignedRequest {
  const authorization = request.headers.get('authorization')?.[0];
  if (authorization?.trimStart().startsWith('ACS3-') === true) return readSignatureV3(request);
  if (parameters.has('Signature') || parameters.has('AccessKeyId')) {
    return readSignatureV1(request, parameters);
  }
  throw incompleteSignature('The request is not signed.');
}

function unknownKey(): EiamError {
  return new EiamError(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
}

function invalidToken(reason: 'Expired' | 'Malformed', message: string): EiamError {
  return new EiamError(400, `InvalidSecurityToken.${reason}`, message);
}

/** After the signature, so that nobody without the secret learns what state a key is in. */
function requireUsable(signer: Signer, signed: SignedRequest): void {
  const { temporary } = signer;
  if (temporary === undefined) {
    if (signed.securityToken) throw invalidToken('Malformed', 'Specified SecurityToken is malformed.');
  } else {
    if (!signed.securityToken) throw mandatory('SecurityToken');
    if (!temporary.acceptsToken(signed.securityToken)) {
      throw invalidToken('Malformed', 'Specified SecurityToken is malformed.');
    }
    if (temporary.expired) throw invalidToken('Expired', 'Specified SecurityToken is expired.');
  }
  if (!signer.active) {
    throw new EiamError(400, 'InvalidAccessKeyId.Inactive', 'Specified access key is disabled.');
  }
}

/**
 * Whose request this is: its time is near, its key is known and usable, its signature is right, and it was not sent
 * before.
 * @throws EiamError with the code of the first of these that is not so.
 */
export async function authenticateSigned(
  app: Application,
  request: WireRequest,
  parameters: ReadonlyMap<string, string>,
): Promise<Signer> {
  const signed = readSignature(request, parameters);
  const time = checkTimestamp(signed.timestamp, app.clock.now());
  checkNonce(signed.nonce);
  const signer = await findSigner(app, signed.accessKeyId);
  if (signer === undefined) throw unknownKey();
  signed.verify(signer.secret);
  requireUsable(signer, signed);
  // One second more than the window: the request's time has no fractions.
  const tooOldAt = new Date(time.getTime() + timeWindow + 1000);
  if (await takeNonce(app, signer, signed.nonce, tooOldAt)) return signer;
  throw new EiamError(400, 'SignatureNonceUsed', 'Specified signature nonce was used already.');
}
