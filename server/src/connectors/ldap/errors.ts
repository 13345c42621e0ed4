import { LockstepError, type ErrorCode } from '../../kernel/errors.ts';
import { isLdapError, resultCodes, resultName, type LdapResult } from './protocol/messages/result.ts';

/** What was asked of the server, for messages. */
export interface Operation {
  readonly name: 'add' | 'modify' | 'rename' | 'delete' | 'search' | 'password change';
  readonly dn: string;
  /** The attributes that the operation writes. */
  readonly attributes?: readonly string[];
}

const rejected: Readonly<Record<number, ErrorCode>> = {
  [resultCodes.protocolError]: 'ProtocolError',
  [resultCodes.timeLimitExceeded]: 'LimitExceeded',
  [resultCodes.sizeLimitExceeded]: 'LimitExceeded',
  [resultCodes.adminLimitExceeded]: 'LimitExceeded',
  [resultCodes.strongerAuthRequired]: 'AuthenticationRejected',
  [resultCodes.confidentialityRequired]: 'AuthenticationRejected',
  [resultCodes.invalidCredentials]: 'AuthenticationRejected',
  [resultCodes.attributeOrValueExists]: 'Conflict',
  [resultCodes.noSuchAttribute]: 'NotFound',
  [resultCodes.noSuchObject]: 'NotFound',
  [resultCodes.entryAlreadyExists]: 'NameTaken',
  [resultCodes.assertionFailed]: 'RevisionMoved',
  [resultCodes.busy]: 'ConnectionFailed',
  [resultCodes.unavailable]: 'ConnectionFailed',
};

const shownAttributes = 8;

/**
 * The error for an answer that is no success: it names the operation, the entry, the attributes that were written, the
 * result (RFC 4511 section 4.1.9) and what the server says about it. `code` overrides the usual one.
 * ConnectionFailed (busy, unavailable) means the server as a whole: the batch is worth another try.
 */
export function resultFailure(result: LdapResult, operation: Operation, code?: ErrorCode): LockstepError {
  const { name, dn, attributes = [] } = operation;
  const shown = attributes.slice(0, shownAttributes).join(', ');
  const more = attributes.length > shownAttributes ? ` and ${attributes.length - shownAttributes} more` : '';
  const written = shown === '' ? '' : ` (attributes: ${shown}${more})`;
  const said = result.message === '' ? '' : `: ${result.message}`;
  const elsewhere =
    result.referrals.length === 0 ? '' : `; the server refers to ${result.referrals.join(', ')}`;
  return new LockstepError(
    code ?? rejected[result.code] ?? 'TargetRejected',
    `${name} of "${dn}"${written}: ${resultName(result.code)} (${result.code})${said}${elsewhere}`,
  );
}

/** Whether the entry was not where it was looked for: nothing there, or (RFC 4528) another entry. */
export function isElsewhere(result: LdapResult): boolean {
  return result.code === resultCodes.noSuchObject || result.code === resultCodes.assertionFailed;
}

/** The result code that an error carries, or undefined when no server's answer caused it. */
export function resultCodeOf(error: unknown): number | undefined {
  return isLdapError(error) ? error.resultCode : undefined;
}
