import { canonicalPairs, equalTexts, hmacSha1Base64, percentEncode } from './canonical.ts';
import {
  incompleteSignature,
  mandatory,
  signatureMismatch,
  unknownSignatureMethod,
  type SignedRequest,
} from './signed-request.ts';
import type { WireRequest } from './wire.ts';

const commonParameters = [
  'AccessKeyId',
  'Timestamp',
  'SignatureNonce',
  'SignatureMethod',
  'SignatureVersion',
];

/**
 * Signature V1, HMAC-SHA1: over the method and all parameters of query and form but the signature itself, with the
 * secret and `&` as the key. Headers are not signed.
 * @throws EiamError MissingX, InvalidSignatureMethod, IncompleteSignature.
 */
export function readSignatureV1(
  request: WireRequest,
  parameters: ReadonlyMap<string, string>,
): SignedRequest {
  const signature = parameters.get('Signature');
  if (!signature) throw mandatory('Signature');
  for (const name of commonParameters) {
    if (!parameters.get(name)) throw mandatory(name);
  }
  if (parameters.get('SignatureMethod') !== 'HMAC-SHA1') throw unknownSignatureMethod();
  if (parameters.get('SignatureVersion') !== '1.0')
    throw incompleteSignature('SignatureVersion must be 1.0.');
  return {
    accessKeyId: parameters.get('AccessKeyId') ?? '',
    securityToken: parameters.get('SecurityToken'),
    timestamp: parameters.get('Timestamp') ?? '',
    nonce: parameters.get('SignatureNonce') ?? '',
    verify: (secret) => {
      const signed = [...parameters].filter(([name]) => name !== 'Signature');
      const stringToSign = `${request.method}&%2F&${percentEncode(canonicalPairs(signed))}`;
      if (!equalTexts(signature, hmacSha1Base64(`${secret}&`, stringToSign))) {
        throw signatureMismatch(stringToSign);
      }
    },
  };
}
