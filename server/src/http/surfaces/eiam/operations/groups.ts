import {
  getFoundObject,
  searchDirectory,
  searchGroupsOf,
  searchMembers,
  type DirectoryFind,
} from '../../../../app/directory-search.ts';
import { createGroup, deleteGroup, updateGroup } from '../../../../app/directory-writes/groups.ts';
import { addMembers, removeMembers } from '../../../../app/directory-writes/memberships.ts';
import { externalIdOf, given, setText, sourceOf, textOf } from '../directory-views.ts';
import { invalidParameter } from '../errors.ts';
import { namingMembers } from '../named-units.ts';
import { instanceId, operation, resourceId, type Answer, type Operation } from '../operation.ts';
import { pageParameters, readPage } from '../paging.ts';

const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const ids = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 } as const;
const oneGroup = { InstanceId: instanceId, GroupId: resourceId } as const;
type OneGroup = { readonly InstanceId: string; readonly GroupId: string };
const about = {
  subject: 'Group',
  role: 'operator',
  resource: ({ InstanceId, GroupId }: OneGroup): string => `instance/${InstanceId}/group/${GroupId}`,
} as const;
const aboutAll = {
  subject: 'Group',
  resource: ({ InstanceId }: { readonly InstanceId: string }): string => `instance/${InstanceId}/group/*`,
} as const;

function renderGroup(group: DirectoryFind, instance: string): Answer {
  const source = sourceOf(group, instance);
  return {
    InstanceId: instance,
    GroupId: group.id,
    GroupName: group.name,
    Description: textOf(group, 'description'),
    GroupExternalId: externalIdOf(group),
    GroupSourceType: source.type,
    GroupSourceId: source.id,
    CreateTime: group.createdAt.getTime(),
    UpdateTime: group.updatedAt.getTime(),
  };
}

const create = operation({
  ...aboutAll,
  name: 'CreateGroup',
  level: 'create',
  role: 'operator',
  parameters: {
    InstanceId: instanceId,
    GroupName: { type: 'string', required: true, maxLength: 64 },
    GroupExternalId: text(64),
    Description: text(256),
  },
  deviations: [
    'group names are unique among the groups that lie in no organizational unit, as all of this API do',
  ],
  handler: async ({ app, actor, parameters }) => {
    const name = parameters.GroupName;
    if (name.trim() === '') throw invalidParameter('GroupName');
    const attributes = {
      ...setText('description', given(parameters.Description)),
      ...setText('externalId', given(parameters.GroupExternalId)),
    };
    return { GroupId: (await createGroup(app, actor, { name, attributes })).id };
  },
});

const get = operation({
  ...about,
  name: 'GetGroup',
  level: 'get',
  role: 'reader',
  parameters: oneGroup,
  handler: async ({ app, actor, parameters }) => {
    const group = await getFoundObject(app, actor, 'group', parameters.GroupId);
    return { Group: renderGroup(group, actor.tenantId) };
  },
});

const list = operation({
  ...aboutAll,
  name: 'ListGroups',
  level: 'list',
  parameters: {
    InstanceId: instanceId,
    ...pageParameters,
    GroupIds: ids,
    GroupName: text(1000),
    GroupNameStartsWith: text(1000),
    GroupExternalId: text(1024),
  },
  handler: async ({ app, actor, parameters }) => {
    const search = {
      ids: parameters.GroupIds,
      name: given(parameters.GroupName),
      nameStartsWith: given(parameters.GroupNameStartsWith),
      externalId: given(parameters.GroupExternalId),
    };
    const { items, total } = await searchDirectory(app, actor, 'group', search, readPage(parameters));
    return { Groups: items.map((group) => renderGroup(group, actor.tenantId)), TotalCount: total };
  },
});

const update = operation({
  ...about,
  name: 'UpdateGroup',
  level: 'update',
  parameters: { ...oneGroup, GroupName: text(64), GroupExternalId: text(64) },
  deviations: ['GroupExternalId of a group that came from another system stays what that system calls it'],
  handler: async ({ app, actor, parameters }) => {
    await updateGroup(app, actor, parameters.GroupId, {
      name: given(parameters.GroupName),
      attributes: setText('externalId', given(parameters.GroupExternalId)),
    });
    return {};
  },
});

const describe = operation({
  ...about,
  name: 'UpdateGroupDescription',
  level: 'update',
  parameters: { ...oneGroup, Description: text(256) },
  handler: async ({ app, actor, parameters }) => {
    const attributes = setText('description', parameters.Description ?? '');
    await updateGroup(app, actor, parameters.GroupId, { attributes });
    return {};
  },
});

const remove = operation({
  ...about,
  name: 'DeleteGroup',
  level: 'delete',
  parameters: oneGroup,
  handler: async ({ app, actor, parameters }) => {
    await deleteGroup(app, actor, parameters.GroupId);
    return {};
  },
});

const addUsers = operation({
  ...about,
  name: 'AddUsersToGroup',
  level: 'update',
  parameters: { ...oneGroup, UserIds: { ...ids, required: true } },
  handler: async ({ app, actor, parameters: { GroupId, UserIds } }) => {
    await namingMembers(addMembers(app, actor, GroupId, { kind: 'user', ids: UserIds }));
    return {};
  },
});

const removeUsers = operation({
  ...about,
  name: 'RemoveUsersFromGroup',
  level: 'update',
  parameters: { ...oneGroup, UserIds: { ...ids, required: true } },
  handler: async ({ app, actor, parameters: { GroupId, UserIds } }) => {
    await removeMembers(app, actor, GroupId, UserIds);
    return {};
  },
});

const listUsers = operation({
  ...about,
  name: 'ListUsersForGroup',
  level: 'list',
  role: 'reader',
  parameters: { ...oneGroup, ...pageParameters, UserIds: ids },
  handler: async ({ app, actor, parameters }) => {
    const { GroupId, UserIds } = parameters;
    const { items, total } = await searchMembers(app, actor, GroupId, UserIds, readPage(parameters));
    const users = items.map((member) => {
      const source = sourceOf(member, actor.tenantId);
      return {
        UserId: member.id,
        GroupMemberRelationSourceType: source.type,
        GroupMemberRelationSourceId: source.id,
      };
    });
    return { Users: users, TotalCount: total };
  },
});

const listGroups = operation({
  name: 'ListGroupsForUser',
  level: 'list',
  subject: 'User',
  resource: ({ InstanceId, UserId }) => `instance/${InstanceId}/user/${UserId}`,
  parameters: { InstanceId: instanceId, UserId: resourceId, ...pageParameters },
  handler: async ({ app, actor, parameters }) => {
    const { items, total } = await searchGroupsOf(app, actor, parameters.UserId, readPage(parameters));
    const groups = items.map((group) => {
      const source = sourceOf(group, actor.tenantId);
      return {
        GroupId: group.id,
        GroupMemberRelationSourceType: source.type,
        GroupMemberRelationSourceId: source.id,
      };
    });
    return { Groups: groups, TotalCount: total };
  },
});

export const groupOperations: readonly Operation[] = [
  create,
  get,
  list,
  update,
  describe,
  remove,
  addUsers,
  removeUsers,
  listUsers,
  listGroups,
];
