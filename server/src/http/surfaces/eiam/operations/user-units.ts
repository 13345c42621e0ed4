import { getFoundObject, getTenant } from '../../../../app/directory-search.ts';
import { changeFurtherUnits, updateUser } from '../../../../app/directory-writes/users.ts';
import { ownUnitId, shownUnitId } from '../directory-views.ts';
import { EiamError, invalidParameter } from '../errors.ts';
import { namingUnits } from '../named-units.ts';
import { instanceId, operation, resourceId, type Operation } from '../operation.ts';

const parameters = {
  InstanceId: instanceId,
  UserId: resourceId,
  OrganizationalUnitIds: {
    type: 'array',
    items: { type: 'string', maxLength: 64 },
    maxItems: 100,
    required: true,
  },
} as const;
const about = {
  level: 'update',
  role: 'operator',
  subject: 'User',
  resource: ({ InstanceId, UserId }: { InstanceId: string; UserId: string }): string =>
    `instance/${InstanceId}/user/${UserId}`,
} as const;

const addUserToUnits = operation({
  ...about,
  name: 'AddUserToOrganizationalUnits',
  parameters,
  deviations: ['the root organizational unit can only be the primary one of a user'],
  handler: async ({ app, actor, parameters: { UserId, OrganizationalUnitIds } }) => {
    const tenant = await getTenant(app, actor);
    const { parentId } = await getFoundObject(app, actor, 'user', UserId);
    const add = OrganizationalUnitIds.filter((id) => id !== shownUnitId(tenant, parentId));
    if (add.includes(tenant.rootId)) throw invalidParameter('OrganizationalUnitIds');
    await namingUnits(changeFurtherUnits(app, actor, UserId, { add }));
    return {};
  },
});

const removeUserFromUnits = operation({
  ...about,
  name: 'RemoveUserFromOrganizationalUnits',
  parameters,
  handler: async ({ app, actor, parameters: { UserId, OrganizationalUnitIds } }) => {
    const tenant = await getTenant(app, actor);
    const { parentId } = await getFoundObject(app, actor, 'user', UserId);
    if (OrganizationalUnitIds.includes(shownUnitId(tenant, parentId))) {
      throw new EiamError(
        409,
        'OperationDenied.PrimaryOrganizationalUnit',
        'An account cannot be removed from its primary organizational unit.',
      );
    }
    await changeFurtherUnits(app, actor, UserId, { remove: OrganizationalUnitIds });
    return {};
  },
});

const setPrimaryUnit = operation({
  ...about,
  name: 'SetUserPrimaryOrganizationalUnit',
  parameters: { InstanceId: instanceId, UserId: resourceId, OrganizationalUnitId: resourceId },
  handler: async ({ app, actor, parameters: { UserId, OrganizationalUnitId } }) => {
    const parentId = ownUnitId(await getTenant(app, actor), OrganizationalUnitId);
    await namingUnits(updateUser(app, actor, UserId, { parentId }));
    return {};
  },
});

export const userUnitOperations: readonly Operation[] = [addUserToUnits, removeUserFromUnits, setPrimaryUnit];
