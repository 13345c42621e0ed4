import type { IncomingMessage } from 'node:http';
import type { GraphResponse } from '../exchange.ts';
import type { Fault } from '../faults/faults.ts';
import type { Authority } from './authority.ts';
import { LoginError, renderLoginError } from './login-error.ts';

/** Answers what comes to the authority's address; `body` is the form of a POST. */
export function answerLogin(
  authority: Authority,
  now: number,
  request: IncomingMessage,
  body: string,
): GraphResponse {
  const url = new URL(request.url ?? '/', 'https://authority.invalid');
  const [tenant = '', ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  try {
    switch (`${request.method} ${rest.join('/')}`) {
      case 'GET v2.0/.well-known/openid-configuration':
        return { status: 200, body: authority.discovery(tenant) };
      case 'GET discovery/v2.0/keys':
        return { status: 200, body: authority.keys() };
      case 'POST oauth2/v2.0/token':
        return {
          status: 200,
          headers: { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' },
          body: authority.token(tenant, new URLSearchParams(body), basicOf(request.headers.authorization)),
        };
      default:
        return {
          status: 404,
          headers: { 'content-type': 'text/html' },
          body: '<html><body>Not found</body></html>',
        };
    }
  } catch (error) {
    if (!(error instanceof LoginError)) throw error;
    const correlation = request.headers['client-request-id'];
    return {
      status: error.status,
      body: renderLoginError(error, now, typeof correlation === 'string' ? correlation : undefined),
    };
  }
}

/** Id and secret of an Authorization header (RFC 6749 section 2.3.1). */
function basicOf(header: string | undefined): { id: string; secret: string } | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64')
    .toString('utf8')
    .split(':')
    .map(decodeURIComponent);
  return { id, secret };
}

/** What the authority answers when it is out of order; undefined for faults of the connection. */
export function loginFault(fault: Fault): GraphResponse | undefined {
  if (fault.kind !== 'status' && fault.kind !== 'html') return undefined;
  const headers: Record<string, string> = { 'content-type': 'text/html' };
  if (fault.kind === 'status' && fault.retryAfter !== undefined)
    headers['retry-after'] = String(fault.retryAfter);
  return { status: fault.status, headers, body: `<html><body>${fault.status}</body></html>` };
}
