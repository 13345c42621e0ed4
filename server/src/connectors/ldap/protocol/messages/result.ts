import type { Control } from '../controls/control.ts';
import type { BerReader } from '../ber/reader.ts';
import { tags } from '../ber/reader.ts';
import { type ErrorCode, LockstepError } from '../../../../kernel/errors.ts';

/** Result codes by name (RFC 4511 section 4.1.9; 118 to 122 from RFC 3909 and 4528; 4096 from RFC 4533). */
export const resultCodes = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  compareFalse: 5,
  compareTrue: 6,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  saslBindInProgress: 14,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  inappropriateMatching: 18,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  aliasProblem: 33,
  invalidDNSyntax: 34,
  aliasDereferencingProblem: 36,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  loopDetect: 54,
  namingViolation: 64,
  objectClassViolation: 65,
  notAllowedOnNonLeaf: 66,
  notAllowedOnRDN: 67,
  entryAlreadyExists: 68,
  objectClassModsProhibited: 69,
  affectsMultipleDSAs: 71,
  other: 80,
  canceled: 118,
  noSuchOperation: 119,
  tooLate: 120,
  cannotCancel: 121,
  assertionFailed: 122,
  authorizationDenied: 123,
  syncRefreshRequired: 4096,
} as const;

const names = new Map<number, string>(Object.entries(resultCodes).map(([name, code]) => [code, name]));

/** The name of a result code, or its number as text. */
export function resultName(code: number): string {
  return names.get(code) ?? String(code);
}

/** LDAPResult with the controls of its message. */
export interface LdapResult {
  readonly code: number;
  readonly matchedDn: string;
  /** diagnosticMessage: for people, not stable. */
  readonly message: string;
  /** URIs of a `referral` result. */
  readonly referrals: readonly string[];
  readonly controls: readonly Control[];
}

/** A result that says nothing but its code: what a server would answer that was not asked. */
export function resultOf(code: number): LdapResult {
  return { code, matchedDn: '', message: '', referrals: [], controls: [] };
}

/** Reads the components of LDAPResult; those of the operation's own response may follow in the reader. */
export function readResult(reader: BerReader, controls: readonly Control[]): LdapResult {
  const code = reader.integer(tags.enumerated);
  const matchedDn = reader.text();
  // Active Directory ends what it says with a NUL.
  const message = reader.text().replaceAll('\0', '');
  const referrals: string[] = [];
  if (reader.peek() === 0xa3) {
    const list = reader.inner(0xa3);
    while (!list.done) referrals.push(list.text());
  }
  return { code, matchedDn, message, referrals, controls };
}

/** An error that a server answered with. */
export type LdapError = LockstepError & { readonly resultCode: number; readonly result: LdapResult };

const errorCodes = new Map<number, ErrorCode>([
  [resultCodes.protocolError, 'ProtocolError'],
  [resultCodes.timeLimitExceeded, 'LimitExceeded'],
  [resultCodes.sizeLimitExceeded, 'LimitExceeded'],
  [resultCodes.adminLimitExceeded, 'LimitExceeded'],
  [resultCodes.authMethodNotSupported, 'AuthenticationRejected'],
  [resultCodes.strongerAuthRequired, 'AuthenticationRejected'],
  [resultCodes.confidentialityRequired, 'AuthenticationRejected'],
  [resultCodes.inappropriateAuthentication, 'AuthenticationRejected'],
  [resultCodes.invalidCredentials, 'AuthenticationRejected'],
  [resultCodes.authorizationDenied, 'AuthenticationRejected'],
  [resultCodes.noSuchObject, 'NotFound'],
  [resultCodes.attributeOrValueExists, 'Conflict'],
  [resultCodes.entryAlreadyExists, 'Conflict'],
  [resultCodes.busy, 'ConnectionFailed'],
  [resultCodes.unavailable, 'ConnectionFailed'],
  [resultCodes.canceled, 'Cancelled'],
]);

/** The error for a result that is no success; `context` says what was asked for. */
export function ldapResultError(result: LdapResult, context: string): LdapError {
  const code = errorCodes.get(result.code) ?? 'TargetRejected';
  const detail = result.message === '' ? '' : `: ${result.message}`;
  const remedy =
    result.code === resultCodes.insufficientAccessRights
      ? 'Give the bind DN the right to it; where the server wants its password changed first, change that.'
      : undefined;
  const message = `${context}: ${resultName(result.code)} (${result.code})${detail}`;
  const error = new LockstepError(code, message, { remedy });
  return Object.assign(error, { resultCode: result.code, result });
}

/** Whether an error is a server's answer, which it then carries as `result`. */
export function isLdapError(error: unknown): error is LdapError {
  return error instanceof LockstepError && 'resultCode' in error && 'result' in error;
}
