import type { Provider } from '../../../app/providers.ts';
import {
  directionOf,
  isEnabled,
  readAddress,
  readRecord,
  supplierOf,
  type ProviderRecord,
} from './provider-model.ts';
import type { PeriodicSync } from './provider-parameters.ts';

function flag(enabled: boolean): 'enabled' | 'disabled' {
  return enabled ? 'enabled' : 'disabled';
}

/** What lists and single answers have in common. */
function showCommon(provider: Provider): Record<string, unknown> {
  const { connection, sync } = provider;
  const record = readRecord(provider);
  const pulls = directionOf(record.type) === 'ingress';
  const enabled = isEnabled(provider);
  const updated = Math.max(connection.updatedAt.getTime(), sync?.updatedAt.getTime() ?? 0);
  const login = record.login['AuthnConfig'] as { AuthnStatus?: string } | undefined;
  return {
    InstanceId: connection.tenantId,
    IdentityProviderId: connection.id,
    IdentityProviderName: connection.displayName ?? connection.name,
    IdentityProviderType: record.type,
    IdentityProviderExternalId: connection.id,
    AuthnSourceSupplier: supplierOf(record.type),
    AuthnStatus: login?.AuthnStatus ?? 'disabled',
    AdvancedStatus: 'disabled',
    UdPullStatus: flag(pulls && enabled),
    UdPushStatus: flag(!pulls && enabled),
    Description: connection.description === '' ? undefined : connection.description,
    LogoUrl: record.logoUrl,
    CreateTime: connection.createdAt.getTime(),
    UpdateTime: updated,
  };
}

export function showListedProvider(provider: Provider): Record<string, unknown> {
  const record = readRecord(provider);
  const pulls = directionOf(record.type) === 'ingress';
  const side = pulls ? record.pull : record.push;
  return {
    ...showCommon(provider),
    IncrementalCallbackStatus: side.IncrementalCallbackStatus ?? 'disabled',
    PeriodicSyncStatus: side.PeriodicSyncStatus ?? 'disabled',
    UdPullTargetScope: pulls ? record.pull.UdSyncScopeConfig?.TargetScope : undefined,
  };
}

/** Host and port as they are in use, whoever set them; the password is never shown. */
function showLdapConfig({ connection }: Provider, { ldap }: ProviderRecord): unknown {
  if (connection.type !== 'ldap') return undefined;
  return {
    ...readAddress(connection.settings),
    CertificateFingerprintStatus: ldap.CertificateFingerprintStatus ?? 'disabled',
    CertificateFingerprints: ldap.CertificateFingerprints,
  };
}

/** The answer of GetIdentityProvider. */
export function showProvider(provider: Provider): Record<string, unknown> {
  const record = readRecord(provider);
  const { pull, push } = record;
  const pulls = directionOf(record.type) === 'ingress';
  return {
    ...showCommon(provider),
    NetworkAccessEndpointId: record.networkAccessEndpointId,
    LdapConfig: showLdapConfig(provider, record),
    UdPullConfig: pulls
      ? {
          GroupSyncStatus: pull.GroupSyncStatus ?? 'disabled',
          IncrementalCallbackStatus: pull.IncrementalCallbackStatus ?? 'disabled',
          UdSyncScopeConfig: pull.UdSyncScopeConfig,
        }
      : undefined,
    UdPushConfig: pulls
      ? undefined
      : {
          IncrementalCallbackStatus: push.IncrementalCallbackStatus ?? 'disabled',
          UdSyncScopeConfigs: push.UdSyncScopeConfigs,
        },
  };
}

/** Clients take one hour as a number here, and no list: several are left out. */
function showPulledTimes(config: PeriodicSync | undefined): unknown {
  if (config === undefined) return undefined;
  const { PeriodicSyncTimes: times, ...rest } = config;
  return { ...rest, PeriodicSyncTimes: times?.length === 1 ? times[0] : undefined };
}

export function showPullConfiguration(provider: Provider): Record<string, unknown> {
  const { pull, ldap } = readRecord(provider);
  const { UserObjectClass, OrganizationUnitObjectClass, GroupObjectClass, GroupMemberAttributeName } = ldap;
  const { UserObjectClassCustomFilter, GroupObjectClassCustomFilter } = ldap;
  return {
    InstanceId: provider.connection.tenantId,
    IdentityProviderId: provider.connection.id,
    GroupSyncStatus: pull.GroupSyncStatus ?? 'disabled',
    IncrementalCallbackStatus: pull.IncrementalCallbackStatus ?? 'disabled',
    LdapUdPullConfig: {
      UserObjectClass,
      OrganizationUnitObjectClass,
      GroupObjectClass,
      GroupMemberAttributeName,
      UserObjectClassCustomFilter,
      GroupObjectClassCustomFilter,
      ...pull.LdapUdPullConfig,
    },
    PeriodicSyncConfig: showPulledTimes(pull.PeriodicSyncConfig),
    PeriodicSyncStatus: pull.PeriodicSyncStatus ?? 'disabled',
    PullProtectedRule: pull.PullProtectedRule,
    UdSyncScopeConfig: pull.UdSyncScopeConfig,
  };
}

/** Clients take hours as texts here. */
function showPushedTimes(config: PeriodicSync | undefined): unknown {
  return config && { ...config, PeriodicSyncTimes: config.PeriodicSyncTimes?.map(String) };
}

export function showPushConfiguration(provider: Provider): Record<string, unknown> {
  const { push, ldap } = readRecord(provider);
  const { UserObjectClass, OrganizationUnitObjectClass, UserRdn, OrganizationalUnitRdn } = ldap;
  return {
    InstanceId: provider.connection.tenantId,
    IdentityProviderId: provider.connection.id,
    IncrementalCallbackStatus: push.IncrementalCallbackStatus ?? 'disabled',
    UdSyncScopeConfigs: push.UdSyncScopeConfigs ?? [],
    LdapUdPushConfig: {
      UserObjectClass,
      OrganizationUnitObjectClass,
      UserRdn,
      OrganizationalUnitRdn,
      PasswordSyncStatus: ldap.PasswordSyncStatus ?? 'disabled',
      ...push.LdapUdPushConfig,
    },
    PeriodicSyncConfig: showPushedTimes(push.PeriodicSyncConfig),
    PeriodicSyncStatus: push.PeriodicSyncStatus ?? 'disabled',
  };
}
