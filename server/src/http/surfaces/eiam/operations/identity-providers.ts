import { deleteProvider, getProvider, listProviders } from '../../../../app/providers.ts';
import { invalidParameter } from '../errors.ts';
import { clientToken, instanceId, operation, resourceId, type Operation } from '../operation.ts';
import { connectionFields, ldapConfig, loginFields, pullFields, pushFields } from '../provider-parameters.ts';
import { directionOf, providerTypes, readRecord, type ProviderRecord } from '../provider-model.ts';
import { showListedProvider, showProvider } from '../provider-view.ts';
import { rewriteProvider, writeNewProvider } from '../provider-writing.ts';

const name = { type: 'string', minLength: 1, maxLength: 128 } as const;
const text = { type: 'string', maxLength: 1024 } as const;
const one = { InstanceId: instanceId, IdentityProviderId: resourceId } as const;
const subject = 'IdentityProvider';
const arnOfOne = (parameters: { InstanceId: string; IdentityProviderId: string }): string =>
  `instance/${parameters.InstanceId}/identityprovider/${parameters.IdentityProviderId}`;
const arnOfAll = ({ InstanceId }: { InstanceId: string }): string =>
  `instance/${InstanceId}/identityprovider/*`;

const {
  UdSyncScopeConfig,
  GroupSyncStatus,
  IncrementalCallbackStatus,
  PeriodicSyncConfig,
  PeriodicSyncStatus,
} = pullFields;

const createIdentityProvider = operation({
  name: 'CreateIdentityProvider',
  level: 'create',
  subject,
  parameters: {
    InstanceId: instanceId,
    ClientToken: clientToken,
    IdentityProviderName: { ...name, required: true },
    IdentityProviderType: { type: 'string', required: true, values: providerTypes },
    LogoUrl: text,
    NetworkAccessEndpointId: text,
    LdapConfig: { ...ldapConfig, required: true },
    UdPullConfig: {
      type: 'object',
      fields: {
        UdSyncScopeConfig,
        GroupSyncStatus,
        IncrementalCallbackStatus,
        PeriodicSyncConfig,
        PeriodicSyncStatus,
      },
    },
    UdPushConfig: {
      type: 'object',
      fields: {
        UdSyncScopeConfigs: pushFields.UdSyncScopeConfigs,
        IncrementalCallbackStatus,
        PeriodicSyncConfig,
        PeriodicSyncStatus,
      },
    },
    ...loginFields,
  },
  resource: arnOfAll,
  deviations: [
    'makes LDAP and Active Directory providers; other types get InvalidParameter.IdentityProviderType',
    'AuthnConfig, BindingConfig, AutoCreateUserConfig and AutoUpdateUserConfig are kept and have no effect: nobody logs in through Lockstep',
    'PasswordSyncStatus: passwords are written that came by CreateUser and UpdateUserPassword at most ten minutes before the run',
    'GroupMemberAttributeName is member, uniqueMember or memberUid, and members are read from all three',
  ],
  handler: async ({ app, actor, parameters }) => {
    const { AdministratorPassword, ...ldap } = parameters.LdapConfig;
    const { AuthnConfig, AutoCreateUserConfig, AutoUpdateUserConfig, BindingConfig } = parameters;
    const record: ProviderRecord = {
      type: parameters.IdentityProviderType,
      ldap,
      pull: parameters.UdPullConfig ?? {},
      push: parameters.UdPushConfig ?? {},
      enabled: true,
      login: { AuthnConfig, AutoCreateUserConfig, AutoUpdateUserConfig, BindingConfig },
      logoUrl: parameters.LogoUrl,
      networkAccessEndpointId: parameters.NetworkAccessEndpointId,
    };
    const { IdentityProviderName } = parameters;
    const made = await writeNewProvider(app, actor, record, IdentityProviderName, AdministratorPassword);
    return { IdentityProviderId: made.connection.id };
  },
});

const getIdentityProvider = operation({
  name: 'GetIdentityProvider',
  level: 'get',
  subject,
  parameters: one,
  resource: arnOfOne,
  deviations: ['LdapConfig has no AdministratorPassword: secrets are never shown'],
  handler: async ({ app, actor, parameters }) => ({
    IdentityProviderDetail: showProvider(await getProvider(app, actor, parameters.IdentityProviderId)),
  }),
});

const listIdentityProviders = operation({
  name: 'ListIdentityProviders',
  level: 'list',
  subject,
  parameters: {
    InstanceId: instanceId,
    Direction: { type: 'string', values: ['pull', 'push'] },
    PageNumber: { type: 'long', minimum: 1, maximum: 1_000_000 },
    PageSize: { type: 'long', minimum: 1, maximum: 100 },
  },
  resource: arnOfAll,
  deviations: ['shows connections that were made elsewhere, with types of the same form'],
  handler: async ({ app, actor, parameters }) => {
    const { Direction, PageNumber = 1, PageSize = 20 } = parameters;
    const wanted = Direction === 'pull' ? 'ingress' : 'egress';
    const page = await listProviders(
      app,
      actor,
      (provider) => Direction === undefined || directionOf(readRecord(provider).type) === wanted,
      { offset: (PageNumber - 1) * PageSize, limit: PageSize },
    );
    return { TotalCount: page.total, IdentityProviders: page.items.map(showListedProvider) };
  },
});

const updateIdentityProvider = operation({
  name: 'UpdateIdentityProvider',
  level: 'update',
  subject,
  parameters: {
    ...one,
    ClientToken: clientToken,
    IdentityProviderName: name,
    LdapConfig: { type: 'object', fields: connectionFields },
    LogoUrl: text,
    NetworkAccessEndpointId: text,
  },
  resource: arnOfOne,
  handler: async ({ app, actor, parameters }) => {
    const provider = await getProvider(app, actor, parameters.IdentityProviderId);
    const before = readRecord(provider);
    const { AdministratorPassword: password, ...ldap } = parameters.LdapConfig ?? {};
    const moved = ldap.LdapServerHost !== undefined && ldap.LdapServerHost !== before.ldap.LdapServerHost;
    // Else whoever may change the address could have the kept password sent to a server of theirs.
    if (moved && !password && before.ldap.AdministratorUsername) {
      throw invalidParameter('LdapConfig.AdministratorPassword', 'A new server needs the password again.');
    }
    const record: ProviderRecord = {
      ...before,
      ldap: { ...before.ldap, ...ldap },
      logoUrl: parameters.LogoUrl ?? before.logoUrl,
      networkAccessEndpointId: parameters.NetworkAccessEndpointId ?? before.networkAccessEndpointId,
    };
    await rewriteProvider(app, actor, provider, {
      record,
      password,
      displayName: parameters.IdentityProviderName,
    });
    return {};
  },
});

const deleteIdentityProvider = operation({
  name: 'DeleteIdentityProvider',
  level: 'delete',
  subject,
  parameters: one,
  resource: arnOfOne,
  handler: async ({ app, actor, parameters }) => {
    await deleteProvider(app, actor, parameters.IdentityProviderId);
    return {};
  },
});

export const identityProviderOperations: readonly Operation[] = [
  createIdentityProvider,
  getIdentityProvider,
  listIdentityProviders,
  updateIdentityProvider,
  deleteIdentityProvider,
];
