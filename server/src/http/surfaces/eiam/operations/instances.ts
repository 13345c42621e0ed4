import { getTenant, type TenantView } from '../../../../app/directory-search.ts';
import { describeTenant } from '../../../../app/tenants.ts';
import { EiamError } from '../errors.ts';
import { clientToken, instanceId, operation, type Answer, type Operation } from '../operation.ts';
import { pageParameters, readPage } from '../paging.ts';
import { regionId } from './regions.ts';

/** An instance is the tenant of the access key. */
function renderInstance(tenant: TenantView, origin: string): Answer {
  return {
    InstanceId: tenant.id,
    Description: tenant.description === '' ? tenant.name : tenant.description,
    Status: 'running',
    CreateTime: tenant.createdAt.getTime(),
    DefaultEndpoint: { Endpoint: new URL(origin).host, Status: 'resolved' },
    ServiceManaged: false,
  };
}

const getInstance = operation({
  name: 'GetInstance',
  level: 'get',
  subject: 'Instance',
  parameters: { InstanceId: instanceId },
  resource: ({ InstanceId }) => `instance/${InstanceId}`,
  handler: async ({ app, actor, origin }) => {
    const host = new URL(origin).host;
    return {
      Instance: {
        ...renderInstance(await getTenant(app, actor), origin),
        DomainConfig: { DefaultDomain: host, InitDomain: host, InitDomainAutoRedirectStatus: 'disabled' },
        EgressAddresses: [],
      },
    };
  },
});

const instanceIds = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 } as const;
const onlyOwn = 'an access key belongs to one instance and sees no other';

const listInstances = operation({
  name: 'ListInstances',
  level: 'list',
  parameters: {
    ...pageParameters,
    InstanceIds: instanceIds,
    Status: { type: 'string', values: ['creating', 'running'] },
    Edition: { type: 'string', values: ['free', 'trial', 'scalability', 'standard', 'enterprise'] },
    CrossRegionReplication: { type: 'string', values: ['enabled', 'disabled'] },
    ManagedServiceCode: { type: 'string', maxLength: 64 },
    ServiceManaged: { type: 'boolean' },
  },
  resource: () => 'instance/*',
  deviations: [onlyOwn, 'there are no editions: Edition is not looked at'],
  handler: async ({ app, actor, origin, parameters }) => {
    const { InstanceIds, Status, CrossRegionReplication, ManagedServiceCode, ServiceManaged } = parameters;
    const listed =
      InstanceIds?.includes(actor.tenantId) !== false &&
      Status !== 'creating' &&
      CrossRegionReplication !== 'enabled' &&
      !ManagedServiceCode &&
      ServiceManaged !== true;
    const all = listed ? [renderInstance(await getTenant(app, actor), origin)] : [];
    const { offset, limit } = readPage(parameters);
    return { Instances: all.slice(offset, offset + limit), TotalCount: all.length };
  },
});

const listEiamInstances = operation({
  name: 'ListEiamInstances',
  level: 'list',
  parameters: { InstanceIds: instanceIds, InstanceRegionId: { type: 'string', maxLength: 64 } },
  resource: () => 'instance/*',
  deviations: [onlyOwn],
  handler: async ({ app, actor, origin, parameters: { InstanceIds, InstanceRegionId } }) => {
    const listed =
      InstanceIds?.includes(actor.tenantId) !== false && (!InstanceRegionId || InstanceRegionId === regionId);
    if (!listed) return { Instances: [] };
    const tenant = await getTenant(app, actor);
    const { host } = new URL(origin);
    const instance = {
      InstanceId: tenant.id,
      Description: tenant.description === '' ? tenant.name : tenant.description,
      InstanceStatus: 'RUNNING',
      InstanceVersion: 'EIAM 2.0',
      OpenAPIPublicDomain: host,
      SSODomain: host,
      StartTime: tenant.createdAt.getTime(),
    };
    return { Instances: [instance] };
  },
});

const updateDescription = operation({
  name: 'UpdateInstanceDescription',
  level: 'update',
  subject: 'Instance',
  parameters: { InstanceId: instanceId, Description: { type: 'string', maxLength: 128 } },
  resource: ({ InstanceId }) => `instance/${InstanceId}`,
  handler: async ({ app, actor, parameters }) => {
    await describeTenant(app, actor, parameters.Description ?? '');
    return {};
  },
});

function noPermission(): EiamError {
  return new EiamError(
    403,
    'NoPermission',
    'Instances are made and deleted by the operator of this server, and not by an access key of one of them.',
  );
}

const createInstance = operation({
  name: 'CreateInstance',
  level: 'create',
  parameters: { ClientToken: clientToken, Description: { type: 'string', maxLength: 128 } },
  resource: () => 'instance/*',
  deviations: [
    'always refused with NoPermission: an access key belongs to one instance and can make no other',
  ],
  handler: async () => {
    throw noPermission();
  },
});

const deleteInstance = operation({
  name: 'DeleteInstance',
  level: 'delete',
  subject: 'Instance',
  parameters: { InstanceId: instanceId },
  resource: ({ InstanceId }) => `instance/${InstanceId}`,
  deviations: ['always refused with NoPermission: it would delete the access key that asks for it'],
  handler: async () => {
    throw noPermission();
  },
});

export const instanceOperations: readonly Operation[] = [
  getInstance,
  listInstances,
  listEiamInstances,
  updateDescription,
  createInstance,
  deleteInstance,
];
