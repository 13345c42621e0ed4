import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { LdapConnection } from '@lockstep/contract/connection-configuration.ts';
import { ldapConnector } from '../../server/src/connectors/ldap/connector.ts';
import type { Endpoint } from '../../server/src/sync/connector.ts';
import type { Slapd } from './slapd.ts';

/** Settings of a connection to a server as its administrator; `more` adds to them. */
export function settingsOf(server: Slapd, more: object = {}): LdapConnection {
  const { url, adminDn: bindDn, password, suffix: baseDn } = server;
  return ldapConnectionSchema.parse({ type: 'ldap', url, bindDn, password, baseDn, ...more });
}

/** The connector's end of a connection with these settings. */
export function openLdap(settings: LdapConnection): Promise<Endpoint> {
  return ldapConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
}
