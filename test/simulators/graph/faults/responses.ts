import type { GraphRequest, GraphResponse } from '../exchange.ts';
import { GraphError } from '../graph-error.ts';
import type { GraphService } from '../service.ts';
import type { Fault } from './faults.ts';

const names: Readonly<Record<number, readonly [code: string, message: string]>> = {
  429: ['TooManyRequests', 'Too Many Requests'],
  500: ['InternalServerError', 'An error occurred on the server.'],
  502: ['BadGateway', 'Bad gateway.'],
  503: ['ServiceUnavailable', 'The service is temporarily unavailable. Please try again later.'],
  504: ['GatewayTimeout', 'The upstream server did not answer in time.'],
};

/** The answer that a fault gives instead of the service's; undefined for faults of the connection. */
export function faultResponse(
  service: GraphService,
  request: GraphRequest,
  fault: Fault,
): GraphResponse | undefined {
  if (fault.kind === 'expiredToken')
    return service.renderError(request, expiredToken(service.authorizationUri));
  if (fault.kind === 'html') {
    const body = `<html><head><title>${fault.status}</title></head><body>The page cannot be displayed.</body></html>`;
    return { status: fault.status, headers: { 'content-type': 'text/html' }, body };
  }
  if (fault.kind !== 'status') return undefined;
  const [code, message] = names[fault.status] ?? ['UnknownError', ''];
  const headers: Record<string, string> = {};
  if (fault.retryAfter !== undefined) headers['retry-after'] = String(fault.retryAfter);
  const error = new GraphError(fault.status, fault.code ?? code, fault.message ?? message, { headers });
  return service.renderError(request, error);
}

/** 401 with what a client needs to ask for a better token: a claims challenge (continuous access evaluation). */
export function expiredToken(authorizationUri: string): GraphError {
  const claims = Buffer.from('{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}').toString(
    'base64',
  );
  return unauthorized(
    authorizationUri,
    'Lifetime validation failed, the token is expired.',
    `, error="insufficient_claims", claims="${claims}"`,
  );
}

export function unauthorized(authorizationUri: string, message: string, more = ''): GraphError {
  const challenge = `Bearer realm="", authorization_uri="${authorizationUri}", client_id="00000003-0000-0000-c000-000000000000"${more}`;
  return new GraphError(401, 'InvalidAuthenticationToken', message, {
    headers: { 'www-authenticate': challenge },
  });
}
