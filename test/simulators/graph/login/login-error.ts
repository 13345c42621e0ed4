import { randomUUID } from 'node:crypto';

/** OAuth errors (RFC 6749 section 5.2) that the authority gives. */
type OAuthError =
  | 'invalid_client'
  | 'invalid_request'
  | 'invalid_resource'
  | 'invalid_scope'
  | 'invalid_tenant'
  | 'unauthorized_client'
  | 'unsupported_grant_type';

/** A token request that the authority refuses: `AADSTS` and a number. */
export class LoginError extends Error {
  readonly status: number;
  readonly error: OAuthError;
  readonly number: number;

  constructor(error: OAuthError, number: number, message: string) {
    super(message);
    this.status = error === 'invalid_client' ? 401 : 400;
    this.error = error;
    this.number = number;
  }
}

/** The documented JSON shape of an error. `correlationId` is the client's `client-request-id`. */
export function renderLoginError(
  error: LoginError,
  now: number,
  correlationId: string = randomUUID(),
): object {
  const traceId = randomUUID();
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    error: error.error,
    error_description: `AADSTS${error.number}: ${error.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [error.number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${error.number}`,
  };
}
