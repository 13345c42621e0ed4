import {
  getFoundObject,
  getTenant,
  listUnitsAbove,
  searchDirectory,
  type DirectoryFind,
  type TenantView,
} from '../../../../app/directory-search.ts';
import {
  createOrganizationalUnit,
  deleteOrganizationalUnit,
  deleteUnitChildren,
  updateOrganizationalUnit,
  type NamedObjectChange,
} from '../../../../app/directory-writes/organizational-units.ts';
import { describeTenant } from '../../../../app/tenants.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import {
  externalIdOf,
  given,
  ownUnitId,
  setText,
  shownUnitId,
  sourceOf,
  textOf,
} from '../directory-views.ts';
import { EiamError, invalidParameter } from '../errors.ts';
import { namingUnits } from '../named-units.ts';
import {
  instanceId,
  operation,
  resourceId,
  type Answer,
  type Operation,
  type OperationCall,
} from '../operation.ts';
import { pageParameters, readPage } from '../paging.ts';

const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const oneUnit = { InstanceId: instanceId, OrganizationalUnitId: resourceId } as const;
type OneUnit = { readonly InstanceId: string; readonly OrganizationalUnitId: string };
const about = {
  subject: 'OrganizationalUnit',
  role: 'operator',
  resource: ({ InstanceId, OrganizationalUnitId }: OneUnit): string =>
    `instance/${InstanceId}/organizationalunit/${OrganizationalUnitId}`,
} as const;
const aboutAll = {
  subject: 'OrganizationalUnit',
  resource: ({ InstanceId }: { readonly InstanceId: string }): string =>
    `instance/${InstanceId}/organizationalunit/*`,
} as const;

function renderUnit(unit: DirectoryFind, tenant: TenantView): Answer {
  const source = sourceOf(unit, tenant.id);
  return {
    InstanceId: tenant.id,
    OrganizationalUnitId: unit.id,
    OrganizationalUnitName: unit.name,
    ParentId: shownUnitId(tenant, unit.parentId),
    Description: textOf(unit, 'description'),
    Leaf: unit.leaf,
    OrganizationalUnitExternalId: externalIdOf(unit),
    OrganizationalUnitSourceType: source.type,
    OrganizationalUnitSourceId: source.id,
    CreateTime: unit.createdAt.getTime(),
    UpdateTime: unit.updatedAt.getTime(),
  };
}

/** The root is the tenant: it has its name and description, and no parent. */
function renderRoot(tenant: TenantView): Answer {
  return {
    InstanceId: tenant.id,
    OrganizationalUnitId: tenant.rootId,
    OrganizationalUnitName: tenant.name,
    Description: tenant.description === '' ? undefined : tenant.description,
    CreateTime: tenant.createdAt.getTime(),
    UpdateTime: tenant.createdAt.getTime(),
  };
}

async function isRoot({ app, actor, parameters }: OperationCall<OneUnit>): Promise<boolean> {
  return (await getTenant(app, actor)).rootId === parameters.OrganizationalUnitId;
}

async function refuseRoot(call: OperationCall<OneUnit>): Promise<void> {
  if (!(await isRoot(call))) return;
  throw new EiamError(
    409,
    'OperationDenied.RootOrganizationalUnit',
    'The root organizational unit cannot be renamed, moved or deleted.',
  );
}

const createUnit = operation({
  ...aboutAll,
  name: 'CreateOrganizationalUnit',
  level: 'create',
  role: 'operator',
  parameters: {
    InstanceId: instanceId,
    ParentId: resourceId,
    OrganizationalUnitName: { type: 'string', required: true, maxLength: 64 },
    OrganizationalUnitExternalId: text(64),
    Description: text(256),
  },
  handler: async ({ app, actor, parameters }) => {
    const parentId = ownUnitId(await getTenant(app, actor), parameters.ParentId);
    const attributes = {
      ...setText('description', given(parameters.Description)),
      ...setText('externalId', given(parameters.OrganizationalUnitExternalId)),
    };
    const name = parameters.OrganizationalUnitName;
    if (name.trim() === '') throw invalidParameter('OrganizationalUnitName');
    const unit = await namingUnits(createOrganizationalUnit(app, actor, { name, parentId, attributes }));
    return { OrganizationalUnitId: unit.id };
  },
});

const getUnit = operation({
  ...about,
  name: 'GetOrganizationalUnit',
  level: 'get',
  role: 'reader',
  parameters: oneUnit,
  handler: async (call) => {
    const { app, actor, parameters } = call;
    const tenant = await getTenant(app, actor);
    if (await isRoot(call))
      return { OrganizationalUnit: { ...renderRoot(tenant), Leaf: await isLeaf(call) } };
    const unit = await getFoundObject(app, actor, 'organizationalUnit', parameters.OrganizationalUnitId);
    return { OrganizationalUnit: renderUnit(unit, tenant) };
  },
});

async function isLeaf({ app, actor }: OperationCall<unknown>): Promise<boolean> {
  const below = await searchDirectory(app, actor, 'organizationalUnit', { parentId: null }, { limit: 1 });
  return below.items.length === 0;
}

const getRoot = operation({
  ...aboutAll,
  name: 'GetRootOrganizationalUnit',
  level: 'get',
  parameters: { InstanceId: instanceId },
  handler: async ({ app, actor }) => ({ OrganizationalUnit: renderRoot(await getTenant(app, actor)) }),
});

const listUnits = operation({
  ...aboutAll,
  name: 'ListOrganizationalUnits',
  level: 'list',
  parameters: {
    InstanceId: instanceId,
    ...pageParameters,
    ParentId: text(64),
    OrganizationalUnitIds: { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 },
    OrganizationalUnitName: text(1000),
    OrganizationalUnitNameStartsWith: text(1000),
  },
  deviations: ['lists no root organizational unit: GetRootOrganizationalUnit shows it'],
  handler: async ({ app, actor, parameters }) => {
    const tenant = await getTenant(app, actor);
    const parent = given(parameters.ParentId);
    const search = {
      ids: parameters.OrganizationalUnitIds,
      name: given(parameters.OrganizationalUnitName),
      nameStartsWith: given(parameters.OrganizationalUnitNameStartsWith),
      parentId: parent === undefined ? undefined : ownUnitId(tenant, parent),
    };
    const page = readPage(parameters);
    const { items, total } = await searchDirectory(app, actor, 'organizationalUnit', search, page);
    return { OrganizationalUnits: items.map((unit) => renderUnit(unit, tenant)), TotalCount: total };
  },
});

const listParents = operation({
  ...about,
  name: 'ListOrganizationalUnitParents',
  level: 'list',
  role: 'reader',
  parameters: oneUnit,
  handler: async (call) => {
    const { app, actor, parameters } = call;
    if (await isRoot(call)) return { Parents: [] };
    const tenant = await getTenant(app, actor);
    const above = await listUnitsAbove(app, actor, parameters.OrganizationalUnitId);
    const parents = above.map(({ id, parentId }) => ({
      OrganizationalUnitId: id,
      ParentId: shownUnitId(tenant, parentId),
    }));
    return { Parents: [{ OrganizationalUnitId: tenant.rootId }, ...parents] };
  },
});

async function change(call: OperationCall<OneUnit>, to: NamedObjectChange): Promise<Answer> {
  await refuseRoot(call);
  const { app, actor, parameters } = call;
  await namingUnits(updateOrganizationalUnit(app, actor, parameters.OrganizationalUnitId, to));
  return {};
}

const renameUnit = operation({
  ...about,
  name: 'UpdateOrganizationalUnit',
  level: 'update',
  parameters: { ...oneUnit, OrganizationalUnitName: text(64) },
  handler: async (call) => change(call, { name: given(call.parameters.OrganizationalUnitName) }),
});

const describeUnit = operation({
  ...about,
  name: 'UpdateOrganizationalUnitDescription',
  level: 'update',
  parameters: { ...oneUnit, Description: text(256) },
  deviations: ['the description of the root organizational unit is that of the instance'],
  handler: async (call) => {
    const description = call.parameters.Description ?? '';
    if (!(await isRoot(call))) return change(call, { attributes: setText('description', description) });
    await describeTenant(call.app, call.actor, description);
    return {};
  },
});

const moveUnit = operation({
  ...about,
  name: 'UpdateOrganizationalUnitParentId',
  level: 'update',
  parameters: { ...oneUnit, ParentId: resourceId },
  handler: async (call) => {
    const { app, actor, parameters } = call;
    const parentId = ownUnitId(await getTenant(app, actor), parameters.ParentId);
    try {
      return await change(call, { parentId });
    } catch (error) {
      const cycle = error instanceof LockstepError && error.code === 'ParentCycle';
      throw cycle ? invalidParameter('ParentId', error.message) : error;
    }
  },
});

const deleteUnit = operation({
  ...about,
  name: 'DeleteOrganizationalUnit',
  level: 'delete',
  parameters: oneUnit,
  handler: async (call) => {
    await refuseRoot(call);
    await deleteOrganizationalUnit(call.app, call.actor, call.parameters.OrganizationalUnitId);
    return {};
  },
});

const deleteChildren = operation({
  ...about,
  name: 'DeleteOrganizationalUnitChildren',
  level: 'delete',
  parameters: oneUnit,
  deviations: ['refuses the root organizational unit; deletes the groups below the unit too'],
  handler: async (call) => {
    await refuseRoot(call);
    await deleteUnitChildren(call.app, call.actor, call.parameters.OrganizationalUnitId);
    return {};
  },
});

export const organizationalUnitOperations: readonly Operation[] = [
  createUnit,
  getUnit,
  getRoot,
  listUnits,
  listParents,
  renameUnit,
  describeUnit,
  moveUnit,
  deleteUnit,
  deleteChildren,
];
