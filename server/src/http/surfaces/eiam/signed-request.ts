import { EiamError } from './errors.ts';

/** What a signed request claims, taken off either way of signing; nothing of it is believed before `verify`. */
export interface SignedRequest {
  readonly accessKeyId: string;
  readonly securityToken: string | undefined;
  /** As on the wire. */
  readonly timestamp: string;
  readonly nonce: string;
  /** @throws EiamError SignatureDoesNotMatch */
  verify(secret: string): void;
}

/** Minutes that a request's time may be off, either way. */
export const timeWindow = 15 * 60_000;
const longestNonce = 128;

/**
 * The time that a request names: `yyyy-MM-ddTHH:mm:ssZ`, in UTC.
 * @throws EiamError InvalidTimeStamp.Format, InvalidTimeStamp.Expired.
 */
export function checkTimestamp(timestamp: string, now: Date): Date {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(timestamp) ? new Date(timestamp) : undefined;
  // The 31st of February parses as a day of March.
  if (time === undefined || Number.isNaN(time.getTime()) || !sameText(time, timestamp)) {
    throw new EiamError(
      400,
      'InvalidTimeStamp.Format',
      'Specified time stamp or date value is not well formatted.',
    );
  }
  if (Math.abs(now.getTime() - time.getTime()) > timeWindow) {
    throw new EiamError(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.');
  }
  return time;
}

function sameText(time: Date, timestamp: string): boolean {
  return time.toISOString() === timestamp.replace('Z', '.000Z');
}

/** @throws EiamError InvalidSignatureNonce */
export function checkNonce(nonce: string): void {
  if (nonce.length <= longestNonce) return;
  throw new EiamError(400, 'InvalidSignatureNonce', 'Specified signature nonce is too long.');
}

export function mandatory(name: string): EiamError {
  return new EiamError(400, `Missing${name}`, `${name} is mandatory for this action.`);
}

export function incompleteSignature(reason: string): EiamError {
  return new EiamError(
    400,
    'IncompleteSignature',
    `The request signature does not conform to Aliyun standards. ${reason}`,
  );
}

export function unknownSignatureMethod(): EiamError {
  return new EiamError(400, 'InvalidSignatureMethod', 'Specified signature method is not valid.');
}

/** The text that was signed is shown: it holds nothing that the caller did not send, and shows what differs. */
export function signatureMismatch(stringToSign: string): EiamError {
  return new EiamError(
    400,
    'SignatureDoesNotMatch',
    `Specified signature is not matched with our calculation. server string to sign is:${stringToSign}`,
  );
}
