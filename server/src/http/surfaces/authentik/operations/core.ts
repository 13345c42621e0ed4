import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import {
  listGroupsOf,
  listMembersOf,
  listNumberedObjects,
  totalNumberedObjects,
  type NumberedColumn,
  type NumberedSearch,
} from '../../../../app/directory-lookup.ts';
import { renderGroup, renderUser, userPath, userTypes } from '../object-view.ts';
import { operation, type Operation, type OperationCall, type Query } from '../operation.ts';
import * as p from '../pages.ts';
import { idOfUuid } from '../uuid.ts';

/** Values of attributes are lists here, of which a filter names one or several. */
function attributesIn(query: Query): JsonAttributeMap | undefined {
  const given = p.filterObject(query, 'attributes');
  if (given === undefined) return undefined;
  const lists = Object.entries(given).map(([name, value]) => [name, Array.isArray(value) ? value : [value]]);
  return Object.fromEntries(lists) as JsonAttributeMap;
}

function timesIn(query: Query, name: string): NumberedSearch['created'] {
  return {
    at: p.filterTime(query, name),
    after: p.filterTime(query, `${name}__gt`),
    before: p.filterTime(query, `${name}__lt`),
  };
}

/** Nobody is a superuser, has a role, or has logged in; everybody is filed in one place. */
function findsNobody(query: Query): boolean {
  const path = p.filterText(query, 'path') ?? userPath;
  const start = p.filterText(query, 'path_startswith') ?? '';
  p.filterUuids(query, 'roles_by_pk');
  const isLoggedIn = ['last_login', 'last_login__gt', 'last_login__lt'].some(
    (name) => p.filterTime(query, name) !== undefined,
  );
  return (
    isLoggedIn ||
    path !== userPath ||
    !userPath.startsWith(start) ||
    p.filterBoolean(query, 'is_superuser') === true ||
    p.filterBoolean(query, 'last_login__isnull') === false ||
    p.filterTexts(query, 'roles_by_name') !== undefined ||
    p.filterTexts(query, 'roles_by_pk') !== undefined
  );
}

function userSearch(query: Query): NumberedSearch {
  const uuid = p.filterUuid(query, 'uuid');
  const types = p.filterChoices(query, 'type', ['internal', ...userTypes]);
  return {
    id: uuid && idOfUuid('user', uuid),
    name: p.filterText(query, 'username'),
    displayName: p.filterText(query, 'name'),
    email: p.filterText(query, 'email'),
    enabled: p.filterBoolean(query, 'is_active'),
    attributes: attributesIn(query),
    types: types?.map((type) => (type === 'internal' ? null : type)),
    knownTypes: userTypes,
    groupIds: p.filterUuids(query, 'groups_by_pk')?.map((group) => idOfUuid('group', group)),
    groupNames: p.filterTexts(query, 'groups_by_name'),
    created: timesIn(query, 'date_joined'),
    updated: timesIn(query, 'last_updated'),
    words: p.searchWords(query),
  };
}

const userColumns: Readonly<Record<string, NumberedColumn>> = {
  pk: 'serial',
  uuid: 'id',
  username: 'name',
  name: 'displayName',
  email: 'email',
  is_active: 'enabled',
  date_joined: 'created',
  last_updated: 'updated',
};

async function listUsers({ app, actor, query }: OperationCall): Promise<unknown> {
  const search = userSearch(query);
  const total = findsNobody(query) ? 0 : await totalNumberedObjects(app, actor, 'user', search);
  const order = p.orderOf(query, userColumns, 'name');
  const shows = {
    groups: p.isAsked(query, 'include_groups', true),
    roles: p.isAsked(query, 'include_roles', true),
  };
  return p.renderPage(query, total, async (span) => {
    const users = await listNumberedObjects(app, actor, 'user', search, { ...span, order });
    const groups = await listGroupsOf(app, users);
    return users.map((user) => renderUser(user, groups.get(user.id) ?? [], shows));
  });
}

const groupColumns: Readonly<Record<string, NumberedColumn>> = { pk: 'id', num_pk: 'serial', name: 'name' };

async function listGroups({ app, actor, query }: OperationCall): Promise<unknown> {
  const search: NumberedSearch = {
    name: p.filterText(query, 'name'),
    attributes: attributesIn(query),
    memberSerials: p.filterNumbers(query, 'members_by_pk'),
    memberNames: p.filterTexts(query, 'members_by_username'),
    words: p.searchWords(query),
  };
  const isNobody = p.filterBoolean(query, 'is_superuser') === true;
  const total = isNobody ? 0 : await totalNumberedObjects(app, actor, 'group', search);
  const order = p.orderOf(query, groupColumns, 'name');
  const shows = {
    users: p.isAsked(query, 'include_users', true),
    children: p.isAsked(query, 'include_children', false),
    parents: p.isAsked(query, 'include_parents', false),
    inheritedRoles: p.isAsked(query, 'include_inherited_roles', false),
  };
  return p.renderPage(query, total, async (span) => {
    const groups = await listNumberedObjects(app, actor, 'group', search, { ...span, order });
    const users = await listMembersOf(app, groups, 'user');
    const children = await listMembersOf(app, groups, 'group');
    const parents = await listGroupsOf(app, groups);
    return groups.map((group) => {
      const of = <T>(related: ReadonlyMap<string, readonly T[]>): readonly T[] => related.get(group.id) ?? [];
      return renderGroup(group, { users: of(users), children: of(children), parents: of(parents) }, shows);
    });
  });
}

const sorts = (columns: object): string =>
  `\`ordering\` takes ${Object.keys(columns)
    .map((name) => `\`${name}\``)
    .join(', ')}`;

/** Users and groups as far as it takes to name them in other operations. */
export const coreOperations: readonly Operation[] = [
  operation('core_users_list', 'GET /core/users/', listUsers, {
    deviations: [
      `${sorts(userColumns)}; nobody has roles, is a superuser or logs in; the groups are those that a user is a direct member of, 1,000 at most; \`type\` comes from \`employeeType\``,
    ],
  }),
  operation('core_groups_list', 'GET /core/groups/', listGroups, {
    deviations: [
      `${sorts(groupColumns)}; 1,000 direct members of a group are shown at most; groups that are members are its children, and \`parent\` is empty: there may be several \`parents\``,
    ],
  }),
];
