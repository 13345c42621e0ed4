import {
  changeApplication,
  createApplication,
  deleteApplication,
  getApplication,
  listApplications,
  type TargetApplication,
} from '../../../../app/applications.ts';
import { given, statusOf } from '../directory-views.ts';
import { missingParameter } from '../errors.ts';
import { instanceId, operation, resourceId, type Answer, type Operation } from '../operation.ts';
import { pageParameters, readPage } from '../paging.ts';

const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const ids = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 } as const;
const fields = {
  type: 'array',
  items: { type: 'object', fields: { FieldName: text(64), FieldValue: text(1024) } },
  maxItems: 100,
} as const;
const standardSource = 'urn:alibaba:idaas:app:source:standard';
const templateSource = 'urn:alibaba:idaas:app:source:template';
const ssoOff = 'nobody signs in through this server: SsoType is kept and has no effect';

const oneApplication = { InstanceId: instanceId, ApplicationId: resourceId } as const;
const about = {
  subject: 'Application',
  resource: ({ InstanceId, ApplicationId }: { InstanceId: string; ApplicationId: string }): string =>
    `instance/${InstanceId}/application/${ApplicationId}`,
} as const;
const aboutAll = {
  subject: 'Application',
  resource: ({ InstanceId }: { InstanceId: string }): string => `instance/${InstanceId}/application/*`,
} as const;

/** What CreateApplication was given and GetApplication shows again. */
interface Profile {
  readonly ApplicationIdentityType?: string;
  readonly ApplicationSourceType?: string;
  readonly ApplicationTemplateId?: string;
  readonly LogoUrl?: string;
  readonly SsoType?: string;
  readonly ApplicationOwner?: { readonly UserIds?: readonly string[]; readonly GroupIds?: readonly string[] };
  readonly CustomFields?: readonly Answer[];
}

function renderListed(application: TargetApplication, tenantId: string): Answer {
  const profile = application.profile as Profile;
  return {
    InstanceId: tenantId,
    ApplicationId: application.id,
    ApplicationName: application.name,
    ApplicationCreationType: 'user_custom',
    ApplicationIdentityType: profile.ApplicationIdentityType ?? 'application',
    ApplicationSourceType: profile.ApplicationSourceType ?? standardSource,
    ApplicationTemplateId: profile.ApplicationTemplateId,
    ClientId: application.id,
    Description: given(application.description),
    Features: JSON.stringify(['provision']),
    LogoUrl: profile.LogoUrl,
    ServiceManaged: false,
    SsoType: profile.SsoType,
    Status: statusOf(application.enabled),
    CreateTime: application.createdAt.getTime(),
    UpdateTime: application.updatedAt.getTime(),
  };
}

const create = operation({
  ...aboutAll,
  name: 'CreateApplication',
  level: 'create',
  parameters: {
    InstanceId: instanceId,
    ApplicationName: { type: 'string', required: true, maxLength: 128 },
    ApplicationSourceType: { type: 'string', required: true, values: [standardSource, templateSource] },
    SsoType: { type: 'string', required: true, values: ['saml2', 'oidc', 'oauth2/m2m', 'oidc+oauth2/m2m'] },
    ApplicationIdentityType: { type: 'string', values: ['application', 'agent'] },
    ApplicationTemplateId: text(64),
    ApplicationOwner: { type: 'object', fields: { UserIds: ids, GroupIds: ids } },
    CustomFields: fields,
    Description: text(1024),
    LogoUrl: text(2048),
  },
  deviations: [ssoOff, 'there are no templates: ApplicationTemplateId is kept and has no effect'],
  handler: async ({ app, actor, parameters }) => {
    const { InstanceId: _, ApplicationName: name, Description = '', ...profile } = parameters;
    if (profile.ApplicationSourceType === templateSource && !profile.ApplicationTemplateId)
      throw missingParameter('ApplicationTemplateId');
    return {
      ApplicationId: await createApplication(app, actor, { name, description: Description, profile }),
    };
  },
});

const get = operation({
  ...about,
  name: 'GetApplication',
  level: 'get',
  parameters: oneApplication,
  deviations: [ssoOff],
  handler: async ({ app, actor, parameters }) => {
    const application = await getApplication(app, actor, parameters.ApplicationId);
    const profile = application.profile as Profile;
    return {
      Application: {
        ...renderListed(application, actor.tenantId),
        ApiInvokeStatus: 'disabled',
        ApplicationOwner: profile.ApplicationOwner,
        AuthorizationType: 'authorize_required',
        CustomFields: profile.CustomFields ?? [],
        M2MClientStatus: 'disabled',
        ResourceServerStatus: 'disabled',
      },
    };
  },
});

function oneOf(value: string | undefined, byDefault: string): string[] | undefined {
  const asked = given(value) ?? byDefault;
  return asked === 'all' ? undefined : [asked];
}

const list = operation({
  ...aboutAll,
  name: 'ListApplications',
  level: 'list',
  parameters: {
    InstanceId: instanceId,
    ...pageParameters,
    ApplicationIds: ids,
    ApplicationName: text(128),
    ApplicationCreationType: text(64),
    ApplicationIdentityType: text(64),
    ApplicationTemplateId: text(64),
    AuthorizationType: { type: 'string', values: ['authorize_required', 'default_all'] },
    CustomFields: fields,
    M2MClientStatus: { type: 'string', values: ['enabled', 'disabled'] },
    ManagedServiceCode: text(64),
    ResourceServerStatus: { type: 'string', values: ['enabled', 'disabled'] },
    ServiceManaged: { type: 'boolean' },
    SsoType: text(256),
    Status: { type: 'string', values: ['enabled', 'disabled'] },
  },
  deviations: [
    'shows connections of SCIM and event callbacks that were made elsewhere too',
    'CustomFields is not looked at',
  ],
  handler: async ({ app, actor, parameters }) => {
    const creation = oneOf(parameters.ApplicationCreationType, 'user_custom');
    const none =
      creation?.includes('user_custom') === false ||
      parameters.AuthorizationType === 'default_all' ||
      parameters.M2MClientStatus === 'enabled' ||
      parameters.ResourceServerStatus === 'enabled' ||
      parameters.ServiceManaged === true ||
      given(parameters.ManagedServiceCode) !== undefined;
    if (none) return { Applications: [], TotalCount: 0 };
    const identity = oneOf(parameters.ApplicationIdentityType, 'application');
    const template = given(parameters.ApplicationTemplateId);
    const sso = given(parameters.SsoType)?.split(',');
    const filter = {
      ids: parameters.ApplicationIds,
      nameStartsWith: given(parameters.ApplicationName),
      enabled: parameters.Status === undefined ? undefined : parameters.Status === 'enabled',
      profile: {
        ...(template === undefined ? {} : { ApplicationTemplateId: [template] }),
        ...(sso === undefined ? {} : { SsoType: sso }),
      },
      identity,
    };
    const { items, total } = await listApplications(app, actor, filter, readPage(parameters));
    return { Applications: items.map((one) => renderListed(one, actor.tenantId)), TotalCount: total };
  },
});

function applicationState(name: 'EnableApplication' | 'DisableApplication', enabled: boolean): Operation {
  return operation({
    ...about,
    name,
    level: 'update',
    parameters: oneApplication,
    handler: async ({ app, actor, parameters }) => {
      await changeApplication(app, actor, parameters.ApplicationId, { enabled });
      return {};
    },
  });
}

const remove = operation({
  ...about,
  name: 'DeleteApplication',
  level: 'delete',
  parameters: oneApplication,
  deviations: ['accounts that the application was given stay in it'],
  handler: async ({ app, actor, parameters }) => {
    await deleteApplication(app, actor, parameters.ApplicationId);
    return {};
  },
});

export const applicationOperations: readonly Operation[] = [
  create,
  get,
  list,
  applicationState('EnableApplication', true),
  applicationState('DisableApplication', false),
  remove,
];
