import { isIP } from 'node:net';
import { LockstepError } from '../../../../kernel/errors.ts';

/** Where a server listens. */
export type LdapAddress =
  | { readonly scheme: 'ldap' | 'ldaps'; readonly host: string; readonly port: number }
  | { readonly scheme: 'ldapi'; readonly path: string };

/** An LDAP URL (RFC 4516); what it leaves out is undefined. */
export interface LdapUrl {
  readonly address: LdapAddress;
  /** DN, decoded; undefined: the one of the original request. */
  readonly dn: string | undefined;
  readonly attributes: readonly string[] | undefined;
  readonly scope: 'base' | 'one' | 'sub' | undefined;
  readonly filter: string | undefined;
  /** Extensions that must be understood (marked by `!`); none is known here. */
  readonly criticalExtensions: readonly string[];
}

/** @throws LockstepError InvalidConfiguration */
export function parseLdapUrl(url: string): LdapUrl {
  const match =
    /^(ldaps?|ldapi):\/\/([^/?]*)(?:\/([^?]*)(?:\?([^?]*))?(?:\?([^?]*))?(?:\?([^?]*))?(?:\?([^?]*))?)?$/i.exec(
      url,
    );
  if (!match) throw invalidUrl(url);
  const [, scheme = '', authority = '', dn, attributes, scope, filter, extensions] = match;
  try {
    return {
      address: parseAddress(scheme.toLowerCase() as LdapAddress['scheme'], authority, url),
      dn: decode(dn),
      attributes: attributes ? attributes.split(',').map(decodeURIComponent) : undefined,
      scope: parseScope(scope, url),
      filter: decode(filter),
      criticalExtensions: (extensions ?? '').split(',').filter((extension) => extension.startsWith('!')),
    };
  } catch (error) {
    throw error instanceof URIError ? invalidUrl(url) : error;
  }
}

function decode(part: string | undefined): string | undefined {
  return part ? decodeURIComponent(part) : undefined;
}

function parseScope(scope: string | undefined, url: string): LdapUrl['scope'] {
  const name = scope?.toLowerCase();
  if (!name) return undefined;
  if (name === 'base' || name === 'one' || name === 'sub') return name;
  throw invalidUrl(url);
}

/** Labels with a dot between them (RFC 1123 section 2.1), in any script, and with underscores, which servers do have. */
const hostName = /^(?=.{1,253}$)[\p{L}\p{M}\p{N}_-]{1,63}(?:\.[\p{L}\p{M}\p{N}_-]{1,63})*\.?$/u;

function parseAddress(scheme: LdapAddress['scheme'], authority: string, url: string): LdapAddress {
  if (scheme === 'ldapi') {
    return { scheme, path: decodeURIComponent(authority) || '/var/run/slapd/ldapi' };
  }
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1] ?? decodeURIComponent(match?.[2] ?? '');
  const port = match?.[3] === undefined ? (scheme === 'ldaps' ? 636 : 389) : Number(match[3]);
  const isHost = match?.[1] === undefined ? host === '' || hostName.test(host) : isIP(host) === 6;
  const valid = match && port >= 1 && port <= 65_535 && isHost;
  if (!valid) throw invalidUrl(url);
  return { scheme, host: host || 'localhost', port };
}

function invalidUrl(url: string): LockstepError {
  if (/^[a-z]+:\/\/[^/?]*@/i.test(url))
    return new LockstepError('InvalidConfiguration', 'an LDAP URL names no account before the host', {
      remedy: 'Leave it out, and give bindDn and password.',
    });
  return new LockstepError('InvalidConfiguration', `"${url}" is no LDAP URL`, {
    remedy: 'Write it as ldap://HOST:PORT, ldaps://HOST:PORT or ldapi://%2Fpath%2Fof%2Fsocket.',
  });
}

export function renderAddress(address: LdapAddress): string {
  if (address.scheme === 'ldapi') return `ldapi://${encodeURIComponent(address.path)}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.scheme}://${host}:${address.port}`;
}
