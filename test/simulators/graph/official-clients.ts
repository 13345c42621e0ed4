import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ClientSecretCredential, type TokenCredential } from '@azure/identity';
import { Client } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import type { GraphSimulator } from './simulator.ts';

/** Lets this process trust the simulator's test authority: fetch and Microsoft's clients take no certificates of their own. */
export function trust(simulator: GraphSimulator): void {
  setDefaultCACertificates([...getCACertificates('default'), simulator.caPem]);
}

/** Where @azure/identity finds the simulated authority; it is in no list of known clouds. */
export const authorityOf = (
  simulator: GraphSimulator,
): { authorityHost: string; disableInstanceDiscovery: true } => ({
  authorityHost: simulator.authorityUrl,
  disableInstanceDiscovery: true,
});

/** Microsoft's credential with the simulator's own secret. */
export const secretCredential = (simulator: GraphSimulator): TokenCredential =>
  new ClientSecretCredential(
    simulator.tenantId,
    simulator.clientId,
    simulator.clientSecret,
    authorityOf(simulator),
  );

/** Microsoft's Graph client, pointed at the simulator; tokens are sent to custom hosts only. */
export function officialClient(simulator: GraphSimulator, credential = secretCredential(simulator)): Client {
  const authProvider = new TokenCredentialAuthenticationProvider(credential, {
    scopes: [`${simulator.graphUrl}/.default`],
  });
  return Client.initWithMiddleware({
    authProvider,
    baseUrl: simulator.graphUrl,
    customHosts: new Set([new URL(simulator.graphUrl).hostname]),
  });
}
