import type { IncomingHttpHeaders } from 'node:http';

/** A host with an optional port (RFC 3986 section 3.2), and nothing that could end a header or begin a path. */
const host = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i;

function firstOf(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text?.split(',')[0]?.trim();
}

/**
 * Where the client reached this server, as it and the proxies before it say: `https://host:port`.
 * @param configured what the operator says; then nobody else is asked
 * @param encrypted whether the connection itself is TLS
 */
export function findBaseUrl(
  headers: IncomingHttpHeaders,
  encrypted: boolean,
  configured: string | undefined,
): string {
  if (configured !== undefined) return configured.replace(/\/+$/, '');
  const forwarded = firstOf(headers['x-forwarded-host']);
  const name = [forwarded, headers.host].find((text) => text !== undefined && host.test(text));
  const scheme = firstOf(headers['x-forwarded-proto']);
  const secure = scheme === undefined ? encrypted : scheme === 'https';
  return `${secure ? 'https' : 'http'}://${name ?? 'localhost'}`;
}
