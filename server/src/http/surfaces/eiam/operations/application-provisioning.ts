import { isProvisioned, type Provisioning } from '../../../../app/application-provisioning.ts';
import { changeApplication, getApplication } from '../../../../app/applications.ts';
import { getFoundObject, getTenant } from '../../../../app/directory-search.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { actionsOfEvents, actionsOfScim, scimAction, scimActions } from '../application-actions.ts';
import { given, statusOf } from '../directory-views.ts';
import {
  invalidParameter,
  missingParameter,
  provisioningConfigMissing,
  resourceNotFound,
} from '../errors.ts';
import { instanceId, operation, resourceId, type Operation, type OperationCall } from '../operation.ts';
import type { ParametersOf } from '../parameter-schema.ts';

const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const url = { type: 'string', maxLength: 1024, pattern: /^(https?:\/\/[^\s/?#@]+([/?#][^\s]*)?)?$/ } as const;
const one = { InstanceId: instanceId, ApplicationId: resourceId } as const;
const about = {
  subject: 'Application',
  resource: ({ InstanceId, ApplicationId }: { InstanceId: string; ApplicationId: string }): string =>
    `instance/${InstanceId}/application/${ApplicationId}`,
} as const;

const configParameters = {
  ...one,
  ProvisionProtocolType: { type: 'string', required: true, values: ['idaas_callback', 'scim2'] },
  NetworkAccessEndpointId: text(64),
  ProvisionPassword: { type: 'boolean' },
  CallbackProvisioningConfig: {
    type: 'object',
    fields: {
      CallbackUrl: url,
      EncryptKey: { type: 'string', pattern: /^([0-9a-fA-F]{64})?$/ },
      EncryptRequired: { type: 'boolean' },
      ListenEventScopes: { type: 'array', items: text(256), maxItems: 100 },
    },
  },
  ScimProvisioningConfig: {
    type: 'object',
    fields: {
      ScimBaseUrl: url,
      FullPushScopes: { type: 'array', items: { type: 'string', values: [scimAction('PUSH')] } },
      ProvisioningActions: { type: 'array', items: { type: 'string', values: scimActions } },
      AuthnConfiguration: {
        type: 'object',
        fields: {
          AuthnMode: { type: 'string', values: ['oauth2'] },
          GrantType: { type: 'string', values: ['client_credentials', 'bearer_token'] },
          AuthnParam: {
            type: 'object',
            fields: {
              AccessToken: text(4096),
              AuthnMethod: { type: 'string', values: ['client_secret_basic', 'client_secret_post'] },
              ClientId: text(256),
              ClientSecret: text(4096),
              TokenEndpoint: url,
            },
          },
        },
      },
    },
  },
} as const;
type Config = ParametersOf<typeof configParameters>;

/** What is kept in the words of this API, without secrets. */
interface ShownConfig extends Provisioning {
  readonly protocol?: Config['ProvisionProtocolType'];
  readonly callback?: Config['CallbackProvisioningConfig'];
  readonly scim?: Config['ScimProvisioningConfig'];
  readonly password?: boolean;
  readonly networkAccessEndpointId?: string;
  readonly primaryUnitId?: string;
}

type Change = {
  provisioning: ShownConfig;
  connection: NonNullable<Parameters<typeof changeApplication>[3]['connection']>;
};

function secretsOf(all: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const known = Object.entries(all).filter((entry): entry is [string, string] => !!entry[1]);
  return Object.fromEntries(known);
}

function readCallback(config: Config['CallbackProvisioningConfig']): Change {
  if (config === undefined) throw missingParameter('CallbackProvisioningConfig');
  const { EncryptKey, ...callback } = config;
  if (!callback.CallbackUrl) throw missingParameter('CallbackProvisioningConfig.CallbackUrl');
  const { kinds, actions } = actionsOfEvents(callback.ListenEventScopes);
  if (kinds?.length === 0)
    throw invalidParameter(
      'CallbackProvisioningConfig.ListenEventScopes',
      'It needs the creation of users, of organizational units or of groups.',
    );
  return {
    provisioning: { protocol: 'idaas_callback', callback, actions, usersOnly: false },
    connection: {
      type: 'event_callback',
      settings: { url: callback.CallbackUrl, kinds, encrypt: callback.EncryptRequired },
      secrets: secretsOf({ encryptKey: EncryptKey }),
    },
  };
}

type Authn = NonNullable<NonNullable<Config['ScimProvisioningConfig']>['AuthnConfiguration']>;

/** How tokens are asked for; undefined where a token is given. */
function readOauth({ GrantType, AuthnParam = {} }: Authn): Record<string, unknown> | undefined {
  if (GrantType !== 'client_credentials') return undefined;
  const at = 'ScimProvisioningConfig.AuthnConfiguration.AuthnParam';
  for (const name of ['TokenEndpoint', 'ClientId'] as const)
    if (!AuthnParam[name]) throw missingParameter(`${at}.${name}`);
  const method = AuthnParam.AuthnMethod === 'client_secret_basic' ? 'basic' : 'post';
  return { tokenUrl: AuthnParam.TokenEndpoint, clientId: AuthnParam.ClientId, method };
}

function readScim(config: Config['ScimProvisioningConfig']): Change {
  if (config === undefined) throw missingParameter('ScimProvisioningConfig');
  if (!config.ScimBaseUrl) throw missingParameter('ScimProvisioningConfig.ScimBaseUrl');
  const { AuthnConfiguration: authn = {}, ...rest } = config;
  const { AccessToken, ClientSecret, ...AuthnParam } = authn.AuthnParam ?? {};
  const oauth = readOauth(authn);
  return {
    provisioning: {
      protocol: 'scim2',
      scim: { ...rest, AuthnConfiguration: { ...authn, AuthnParam } },
      actions: actionsOfScim(rest.ProvisioningActions),
      usersOnly: true,
    },
    connection: {
      type: 'scim',
      settings: { url: config.ScimBaseUrl, groups: false, oauth },
      secrets: oauth ? secretsOf({ 'oauth.clientSecret': ClientSecret }) : secretsOf({ token: AccessToken }),
    },
  };
}

const setConfig = operation({
  ...about,
  name: 'SetApplicationProvisioningConfig',
  level: 'update',
  parameters: configParameters,
  deviations: [
    'ProvisionPassword is kept and has no effect: passwords are written to identity providers only',
    'NetworkAccessEndpointId is kept and has no effect: applications are reached directly',
    'FullPushScopes is kept and has no effect: every job compares all users, and tells what differs',
    'of ListenEventScopes, events of passwords, of locks and of full pushes are never sent; who does not listen to the creation of a kind is told nothing of it',
    'secrets that are left out stay as they are',
  ],
  handler: async ({ app, actor, parameters }) => {
    const change =
      parameters.ProvisionProtocolType === 'scim2'
        ? readScim(parameters.ScimProvisioningConfig)
        : readCallback(parameters.CallbackProvisioningConfig);
    const more = {
      password: parameters.ProvisionPassword ?? false,
      networkAccessEndpointId: parameters.NetworkAccessEndpointId,
    };
    const provisioning = { ...change.provisioning, ...more };
    try {
      await changeApplication(app, actor, parameters.ApplicationId, { ...change, provisioning });
    } catch (error) {
      const invalid = error instanceof LockstepError && error.code === 'InvalidConfiguration';
      throw invalid ? invalidParameter('ProvisioningConfig', error.message) : error;
    }
    return {};
  },
});

const getConfig = operation({
  ...about,
  name: 'GetApplicationProvisioningConfig',
  level: 'get',
  parameters: one,
  deviations: ['secrets (AccessToken, ClientSecret, EncryptKey) are never shown'],
  handler: async ({ app, actor, origin, parameters }) => {
    const application = await getApplication(app, actor, parameters.ApplicationId);
    const config = application.provisioning as ShownConfig;
    return {
      ApplicationProvisioningConfig: {
        InstanceId: actor.tenantId,
        ApplicationId: application.id,
        ConfigOperateMode: 'standard',
        Status: statusOf(config.enabled === true),
        ProvisionProtocolType: config.protocol,
        ProvisionPassword: config.password ?? false,
        NetworkAccessEndpointId: given(config.networkAccessEndpointId),
        ProvisionJwksEndpoint:
          config.protocol === 'idaas_callback'
            ? `${origin}/v2/${actor.tenantId}/${application.id}/provisioning/jwks`
            : undefined,
        CallbackProvisioningConfig: config.protocol === 'idaas_callback' ? config.callback : undefined,
        ScimProvisioningConfig: config.protocol === 'scim2' ? config.scim : undefined,
      },
    };
  },
});

async function requireUnit({ app, actor }: OperationCall<unknown>, unitId: string): Promise<void> {
  if ((await getTenant(app, actor)).rootId === unitId) return;
  await getFoundObject(app, actor, 'organizationalUnit', unitId).catch(() => {
    throw resourceNotFound('OrganizationalUnit');
  });
}

const unitIds = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 } as const;

const setScope = operation({
  ...about,
  name: 'SetApplicationProvisioningScope',
  level: 'update',
  parameters: { ...one, OrganizationalUnitIds: { ...unitIds, required: true }, GroupIds: unitIds },
  deviations: [
    'refuses GroupIds, and a scope without organizational units: DisableApplicationProvisioning ends provisioning',
  ],
  handler: async (call) => {
    const { app, actor, parameters } = call;
    if ((parameters.GroupIds?.length ?? 0) > 0)
      throw invalidParameter('GroupIds', 'Applications are provided with organizational units here.');
    for (const id of parameters.OrganizationalUnitIds) await requireUnit(call, id);
    const organizationalUnitIds = [...new Set(parameters.OrganizationalUnitIds)];
    await changeApplication(app, actor, parameters.ApplicationId, {
      provisioning: { organizationalUnitIds },
    });
    return {};
  },
});

const getScope = operation({
  ...about,
  name: 'GetApplicationProvisioningScope',
  level: 'get',
  parameters: one,
  deviations: ['there are no quotas'],
  handler: async ({ app, actor, parameters }) => {
    const { provisioning } = await getApplication(app, actor, parameters.ApplicationId);
    const { organizationalUnitIds = [] } = provisioning;
    return { ApplicationProvisioningScope: { OrganizationalUnitIds: organizationalUnitIds, GroupIds: [] } };
  },
});

function provisioningState(
  name: 'EnableApplicationProvisioning' | 'DisableApplicationProvisioning',
  enabled: boolean,
): Operation {
  return operation({
    ...about,
    name,
    level: 'update',
    parameters: one,
    handler: async ({ app, actor, parameters }) => {
      const { provisioning } = await getApplication(app, actor, parameters.ApplicationId);
      if (enabled && (provisioning as ShownConfig).protocol === undefined) {
        throw provisioningConfigMissing();
      }
      await changeApplication(app, actor, parameters.ApplicationId, { provisioning: { enabled } });
      return {};
    },
  });
}

const listProtocols = operation({
  ...about,
  name: 'ListApplicationSupportedProvisionProtocolTypes',
  level: 'list',
  parameters: one,
  handler: async ({ app, actor, parameters }) => {
    await getApplication(app, actor, parameters.ApplicationId);
    return {
      ApplicationSupportedProvisionProtocolType: { ProvisionProtocolType: ['idaas_callback', 'scim2'] },
    };
  },
});

const primaryUnit = { ...one, UserPrimaryOrganizationalUnitId: resourceId } as const;

const getPrimaryUnit = operation({
  ...about,
  name: 'GetApplicationProvisioningUserPrimaryOrganizationalUnit',
  level: 'get',
  parameters: one,
  handler: async ({ app, actor, parameters }) => {
    const { provisioning } = await getApplication(app, actor, parameters.ApplicationId);
    return { UserPrimaryOrganizationalUnitId: (provisioning as ShownConfig).primaryUnitId };
  },
});

const setPrimaryUnit = operation({
  ...about,
  name: 'SetApplicationProvisioningUserPrimaryOrganizationalUnit',
  level: 'update',
  parameters: primaryUnit,
  deviations: ['is kept and has no effect: applications do not write into this directory'],
  handler: async (call) => {
    const { app, actor, parameters } = call;
    const primaryUnitId = parameters.UserPrimaryOrganizationalUnitId;
    await requireUnit(call, primaryUnitId);
    await changeApplication(app, actor, parameters.ApplicationId, { provisioning: { primaryUnitId } });
    return {};
  },
});

const checkPrimaryUnit = operation({
  ...about,
  name: 'CheckApplicationProvisioningUserPrimaryOrganizationalUnit',
  level: 'get',
  parameters: primaryUnit,
  handler: async (call) => {
    const { app, actor, parameters } = call;
    const { id, provisioning } = await getApplication(app, actor, parameters.ApplicationId);
    const unitId = parameters.UserPrimaryOrganizationalUnitId;
    await requireUnit(call, unitId);
    return {
      CheckApplicationProvisioningUserPrimaryOuResult: {
        InstanceId: actor.tenantId,
        ApplicationId: id,
        AllowAuthorization: await isProvisioned(app, actor, provisioning, unitId),
      },
    };
  },
});

export const applicationProvisioningOperations: readonly Operation[] = [
  setConfig,
  getConfig,
  setScope,
  getScope,
  provisioningState('EnableApplicationProvisioning', true),
  provisioningState('DisableApplicationProvisioning', false),
  listProtocols,
  getPrimaryUnit,
  setPrimaryUnit,
  checkPrimaryUnit,
];
