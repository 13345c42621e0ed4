import type { Direction } from '@lockstep/contract/vocabulary.ts';
import type { Provider } from '../../../app/providers.ts';
import type { LdapConfig, PullConfiguration, PushConfiguration } from './provider-parameters.ts';

const prefix = 'urn:alibaba:idaas:idp:';
/** The identity providers that can be made here. */
export const providerTypes = [
  `${prefix}unknown:ldap:pull`,
  `${prefix}unknown:ldap:push`,
  `${prefix}microsoft:ad:pull`,
  `${prefix}microsoft:ad:push`,
] as const;

/**
 * What this API keeps of an identity provider, in its own words: the connection and the sync are made out of it, and
 * what was said is shown again. It has no secrets.
 */
export interface ProviderRecord {
  /** One of the types above, or a name for one that was made elsewhere. */
  readonly type: string;
  readonly ldap: Omit<LdapConfig, 'AdministratorPassword'>;
  readonly pull: PullConfiguration;
  readonly push: PushConfiguration;
  /** Whether pulling is switched on, as long as there is no sync that says so. */
  readonly enabled: boolean;
  readonly login: Readonly<Record<string, unknown>>;
  readonly logoUrl?: string | undefined;
  readonly networkAccessEndpointId?: string | undefined;
}

export function directionOf(type: string): Direction {
  return type.endsWith(':push') ? 'egress' : 'ingress';
}

export function isActiveDirectory(type: string): boolean {
  return type.startsWith(`${prefix}microsoft:ad:`);
}

/** The product that an identity provider stands for: its type without the direction. */
export function supplierOf(type: string): string {
  return type.replace(/:(pull|push)$/, '');
}

const foreignNames: Readonly<Record<string, string>> = {
  ldap: 'unknown:ldap',
  entra_id: 'microsoft:aad',
  google_workspace: 'google:workspace',
  file: 'unknown:file',
};

/** How a connection reaches its server, in this API's words. */
export function readAddress(settings: Readonly<Record<string, unknown>>): ProviderRecord['ldap'] {
  const url = typeof settings['url'] === 'string' ? settings['url'] : '';
  const [, protocol, host = '', port] = /^(ldaps?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?/.exec(url) ?? [];
  const secure = protocol === 'ldaps';
  return {
    AdministratorUsername: typeof settings['bindDn'] === 'string' ? settings['bindDn'] : undefined,
    LdapProtocol: secure ? 'ldaps' : 'ldap',
    LdapServerHost: host.replaceAll(/[[\]]/g, ''),
    LdapServerPort: port === undefined ? (secure ? 636 : 389) : Number(port),
    StartTlsStatus: settings['startTls'] === true ? 'enabled' : 'disabled',
  };
}

/** What can be said in this API's words of a connection that was made through another one. */
function describeForeign({ connection, sync }: Provider): ProviderRecord {
  const direction = sync?.direction === 'egress' ? 'push' : 'pull';
  return {
    type: `${prefix}${foreignNames[connection.type] ?? `unknown:${connection.type}`}:${direction}`,
    ldap: connection.type === 'ldap' ? readAddress(connection.settings) : {},
    pull: {},
    push: {},
    enabled: sync?.enabled ?? false,
    login: {},
  };
}

/** The name under which the record is kept with the connection. */
export const annotationName = 'eiam';

export function readRecord(provider: Provider): ProviderRecord {
  const kept = provider.connection.annotations[annotationName];
  const isRecord = kept !== undefined && typeof kept['type'] === 'string' && 'ldap' in kept;
  return isRecord ? (kept as unknown as ProviderRecord) : describeForeign(provider);
}

/** Whether the provider is switched on: pulling or pushing happens when it is asked for or its time comes. */
export function isEnabled(provider: Provider): boolean {
  return provider.sync?.enabled ?? readRecord(provider).enabled;
}
