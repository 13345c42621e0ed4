import { LockstepError, type ErrorCode } from '../../../kernel/errors.ts';

/** An error in the words of this API: an HTTP status, a code and a message that its clients show. */
export class EiamError extends Error {
  readonly status: number;
  readonly code: string;
  /** Only on 403. */
  readonly accessDenied: Readonly<Record<string, string>> | undefined;
  /** Milliseconds after which a throttled caller may come again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    detail: { accessDenied?: Readonly<Record<string, string>>; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: detail.cause });
    this.name = 'EiamError';
    this.status = status;
    this.code = code;
    this.accessDenied = detail.accessDenied;
    this.retryAfter = detail.retryAfter;
  }
}

export function missingParameter(name: string): EiamError {
  return new EiamError(400, `MissingParameter.${name}`, `The specified parameter ${name} is required!`);
}

export function invalidParameter(name: string, reason?: string): EiamError {
  const tail = reason === undefined ? '' : ` ${reason}`;
  return new EiamError(400, `InvalidParameter.${name}`, `Specified parameter ${name} is not valid.${tail}`);
}

/** Of an application of which nothing says how it is provisioned. */
export function provisioningConfigMissing(): EiamError {
  return new EiamError(
    409,
    'OperationDenied.ProvisioningConfigMissing',
    'Set the provisioning configuration of the application first.',
  );
}

/** @param type `User`, `IdentityProvider`; the same answer for an id of another tenant. */
export function resourceNotFound(type: string, id?: string): EiamError {
  const which = id === undefined ? '' : ` ${id}`;
  return new EiamError(
    404,
    `ResourceNotFound.${type}`,
    `The specified resource ${type}${which} is not found.`,
  );
}

export function unknownOperation(): EiamError {
  return new EiamError(
    404,
    'InvalidAction.NotFound',
    'Specified api is not found, please check your url and method.',
  );
}

const alreadyThere: ReadonlySet<ErrorCode> = new Set(['UsernameTaken', 'NameTaken']);

function ofConflict(error: LockstepError, subject: string): EiamError {
  return alreadyThere.has(error.code)
    ? new EiamError(409, `ResourceAlreadyExists.${subject}`, error.message)
    : new EiamError(409, 'OperationDenied.Conflict', error.message);
}

/** A use case's error in this dialect. What is no error of ours is a defect, and its text is not shown. */
export function toEiamError(error: unknown, subject = 'Resource'): EiamError {
  if (error instanceof EiamError) return error;
  if (!(error instanceof LockstepError)) return internalError(error);
  switch (error.kind) {
    case 'invalid':
      return invalidParameter(error.field ?? 'Request', error.message);
    case 'not_found':
      return resourceNotFound(subject);
    case 'conflict':
      return ofConflict(error, subject);
    case 'unauthenticated':
      return new EiamError(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
    case 'forbidden':
      return new EiamError(403, 'NoPermission', 'You are not authorized to do this action.');
    case 'rate_limited':
      return new EiamError(429, 'Throttling.User', 'Request was denied due to user flow control.');
    case 'unavailable':
      return new EiamError(503, 'ServiceUnavailable', error.message);
    case 'refused':
    case 'guarded':
    case 'cancelled':
      return new EiamError(409, `OperationDenied.${error.code}`, error.message);
    case 'bug':
    default:
      return internalError(error);
  }
}

function internalError(cause: unknown): EiamError {
  return new EiamError(
    500,
    'InternalError',
    'The request processing has failed due to some unknown error, exception or failure.',
    { cause },
  );
}
