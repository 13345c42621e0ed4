import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ClientCredential } from '../../http-client/client-assertion.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext } from '../../sync/connector.ts';

/** Addresses of one cloud, without a slash at the end. */
export interface CloudAddresses {
  /** Of Microsoft Graph, without the version. */
  readonly graphUrl: string;
  /** Of the token service, without the tenant. */
  readonly authorityUrl: string;
}

/** National clouds keep their tenants apart: a tenant is known in one of them only. */
const clouds: Readonly<Record<EntraConnection['cloud'], CloudAddresses>> = {
  global: {
    graphUrl: 'https://graph.microsoft.com',
    authorityUrl: 'https://login.microsoftonline.com',
  },
  usGov: { graphUrl: 'https://graph.microsoft.us', authorityUrl: 'https://login.microsoftonline.us' },
  usGovDoD: {
    graphUrl: 'https://dod-graph.microsoft.us',
    authorityUrl: 'https://login.microsoftonline.us',
  },
  china: {
    graphUrl: 'https://microsoftgraph.chinacloudapi.cn',
    authorityUrl: 'https://login.chinacloudapi.cn',
  },
};

const trimmed = (url: string): string => url.replace(/\/+$/, '');

/**
 * Where Graph and tokens are. A Graph of another address needs its own authority, unless it is that of a known cloud.
 * @throws LockstepError InvalidConfiguration
 */
export function resolveAddresses(settings: EntraConnection): CloudAddresses {
  const { graphUrl, authorityUrl } = settings;
  const byName = clouds[settings.cloud];
  if (graphUrl === undefined)
    return { ...byName, ...(authorityUrl && { authorityUrl: trimmed(authorityUrl) }) };
  const graph = trimmed(graphUrl);
  if (/\/(v1\.0|beta)$/.test(graph))
    throw new LockstepError('InvalidConfiguration', `graphUrl: ${graph} names a version of the API`, {
      field: 'graphUrl',
      remedy: 'Leave /v1.0 out of it.',
    });
  if (authorityUrl !== undefined) return { graphUrl: graph, authorityUrl: trimmed(authorityUrl) };
  const known = Object.values(clouds).find((cloud) => cloud.graphUrl === graph);
  if (known !== undefined) return known;
  throw new LockstepError('InvalidConfiguration', `graphUrl ${graph} is of no known cloud`, {
    field: 'authorityUrl',
    remedy: 'Say by authorityUrl where its tokens are given.',
  });
}

export function tokenUrl(addresses: CloudAddresses, settings: EntraConnection): string {
  return `${addresses.authorityUrl}/${encodeURIComponent(settings.tenantId)}/oauth2/v2.0/token`;
}

/** @throws LockstepError SecretNotFound */
async function readNamedFile(context: ConnectorContext, path: string, field: string): Promise<string> {
  try {
    return await readFile(resolve(context.baseDirectory, path), 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LockstepError('SecretNotFound', `${field}: cannot read ${path} (${code})`, {
      field,
      remedy: 'Check the path, and whether the account that Lockstep runs as may read the file.',
      cause,
    });
  }
}

/** The authorities to trust; undefined: those of the system. */
export async function readAuthorities(
  settings: EntraConnection,
  context: ConnectorContext,
): Promise<string | undefined> {
  return settings.caFile === undefined ? undefined : await readNamedFile(context, settings.caFile, 'caFile');
}

async function readSecret(settings: EntraConnection, context: ConnectorContext): Promise<string | undefined> {
  const sealed = context.secret('clientSecret');
  if (sealed !== undefined || settings.clientSecret === undefined) return sealed;
  if (typeof settings.clientSecret === 'string') return settings.clientSecret;
  const text = await readNamedFile(context, settings.clientSecret.file, 'clientSecret');
  return text.replace(/\r?\n$/, '');
}

/**
 * A token goes to an address that the connection names: whatever else of the server's files is named here does not.
 * @throws LockstepError SecretNotFound
 */
async function readFederatedToken(context: ConnectorContext, path: string): Promise<string> {
  const text = await readNamedFile(context, path, 'federatedToken');
  // RFC 7515 section 7.1
  if (/^\s*[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(text)) return text;
  throw new LockstepError('SecretNotFound', `federatedToken: ${path} holds something else than a token`, {
    field: 'federatedToken',
    remedy: 'Name a file with one signed JSON Web Token and nothing else.',
  });
}

/**
 * How the application proves who it is: the one of certificate, federated token and secret that is set, in this order.
 * @throws LockstepError SecretNotFound
 */
export async function readCredential(
  settings: EntraConnection,
  context: ConnectorContext,
): Promise<ClientCredential> {
  const { certificate, federatedToken } = settings;
  if (certificate !== undefined)
    return { kind: 'certificate', pem: await readNamedFile(context, certificate.file, 'certificate') };
  if (federatedToken !== undefined)
    return {
      kind: 'federated',
      read: () => readFederatedToken(context, federatedToken.file),
    };
  const secret = await readSecret(settings, context);
  if (secret !== undefined && secret !== '') return { kind: 'secret', secret };
  throw new LockstepError('SecretNotFound', `no credential for the application ${settings.clientId}`, {
    field: 'clientSecret',
    remedy: 'Give the connection clientSecret, certificate or federatedToken.',
  });
}
