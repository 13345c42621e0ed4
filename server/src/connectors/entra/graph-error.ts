import { type ErrorCode, LockstepError } from '../../kernel/errors.ts';

/** An error as Graph tells it: `{error: {code, message, innerError, details}}`. */
export interface GraphFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The property that is at fault, where Graph names one. */
  readonly target: string | undefined;
  /** Names of what went wrong: `code`, those of inner errors and details, in lower case. */
  readonly codes: readonly string[];
}

interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly innerError?: ErrorBody;
  readonly innererror?: ErrorBody;
  readonly details?: readonly { readonly code?: unknown; readonly target?: unknown }[];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Reads the error of an answer; one without the envelope has its status only. */
export function parseFault(status: number, body: unknown): GraphFault {
  const error = (body as { error?: ErrorBody } | undefined)?.error ?? {};
  const details = Array.isArray(error.details) ? (error.details as NonNullable<ErrorBody['details']>) : [];
  const inner = error.innerError ?? error.innererror;
  const message = text(error.message);
  const named = /value for property (\w+)/i.exec(message)?.[1];
  return {
    status,
    code: text(error.code),
    message,
    target: details.map((detail) => text(detail.target)).find((target) => target !== '') ?? named,
    codes: [error.code, inner?.code, inner?.innerError?.code, ...details.map(({ code }) => code)]
      .map((code) => text(code).toLowerCase())
      .filter((code) => code !== ''),
  };
}

/** The object, or a reference, is there already. */
export function isAlreadyThere({ status, codes, message }: GraphFault): boolean {
  if (status === 409) return true;
  return status === 400 && (codes.includes('objectconflict') || /already exist/i.test(message));
}

/** The object is not there, or not yet everywhere. */
export function isNotThere({ status, codes }: GraphFault): boolean {
  return status === 404 || (status === 400 && codes.includes('request_resourcenotfound'));
}

const resyncCodes = [
  'syncstatenotfound',
  'syncstateinvalid',
  'resyncrequired',
  'directory_expiredpagetoken',
  'invalidpagetoken',
  'badpagetoken',
];

/**
 * The answer to a link that Graph gave says that it is no longer good: everything has to be read again. Graph has many
 * codes for that; a link of its own that it does not find or does not understand is as bad as one that it calls expired.
 */
export function demandsResync({ status, codes }: GraphFault): boolean {
  if (status === 400 || status === 404 || status === 410) return true;
  return status >= 400 && status < 500 && codes.some((code) => resyncCodes.includes(code));
}

/** Graph or what lies behind it is not there for the moment. */
export function isPassing({ status }: GraphFault): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

const forbiddenRemedy =
  'Grant the application User.Read.All, Group.Read.All and Domain.Read.All (to write User.ReadWrite.All, Group.ReadWrite.All and, for disabling accounts, User.EnableDisableAccount.All) as application permissions, and give the consent of an administrator.';

/** The error that a fault is to Lockstep. `what` says what was tried: `reading users`. */
export function faultError(fault: GraphFault, what: string): LockstepError {
  const { status, code, message } = fault;
  const said = [code, message].filter((part) => part !== '').join(': ');
  const full = `Microsoft Graph: ${what}: ${said === '' ? `it answered ${status}` : said} (${status})`;
  const remedy = status === 403 ? forbiddenRemedy : undefined;
  return new LockstepError(codeOf(fault), full, { remedy });
}

function codeOf(fault: GraphFault): ErrorCode {
  if (isPassing(fault)) return 'ConnectionFailed';
  if (fault.status === 401 || fault.status === 403) return 'AuthenticationRejected';
  if (isAlreadyThere(fault)) return 'NameTaken';
  if (isNotThere(fault)) return 'NotFound';
  return fault.status >= 500 ? 'ProtocolError' : 'TargetRejected';
}
