import { ldapConnectionSchema, type LdapConnection } from '../../../contract/src/connection-configuration.ts';
import { ldapConnector } from '../../../server/src/connectors/ldap/connector.ts';
import type { ConnectorRegistry } from '../../../server/src/app/application.ts';
import type { Connector } from '../../../server/src/sync/connector.ts';
import type { Slapd } from '../../servers/slapd.ts';

/** What the providers of a test write to in place of Entra ID: people and groups below one node of an LDAP server. */
export const targetNode = 'ou=target';

function settingsOf(slapd: Slapd): LdapConnection {
  return ldapConnectionSchema.parse({
    type: 'ldap',
    url: slapd.url,
    bindDn: slapd.adminDn,
    baseDn: `${targetNode},${slapd.suffix}`,
  });
}

/** The installed connectors, with connections of type `entra_id` leading to an LDAP server. */
export function connectorsWithStandIn(slapd: Slapd): ConnectorRegistry {
  const settings = settingsOf(slapd);
  const standIn: Connector = {
    type: 'entra_id',
    defaultMapping: (direction) => ldapConnector.defaultMapping(direction, settings),
    defaultMatch: ldapConnector.defaultMatch,
    rootNode: () => ldapConnector.rootNode(settings),
    open: async (_settings, context) =>
      ldapConnector.open(settings, { ...context, secret: () => slapd.password }),
    test: (_settings, context) => ldapConnector.test(settings, context),
  };
  return new Map<string, Connector>([
    ['ldap', ldapConnector],
    ['entra_id', standIn],
  ]);
}
