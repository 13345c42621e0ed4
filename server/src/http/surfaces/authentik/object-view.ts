import { createHash } from 'node:crypto';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import { renderTime } from './times.ts';
import { uuidOfId } from './uuid.ts';

interface ShownObject {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
}

function firstText(attributes: JsonAttributeMap, name: string): string {
  const value = attributes[name]?.[0];
  return typeof value === 'string' ? value : '';
}

/** A user beside a link. */
export function renderPartialUser(user: ShownObject): object {
  return {
    pk: user.serial,
    username: user.name,
    name: firstText(user.attributes, 'displayName'),
    is_active: user.enabled,
    last_login: null,
    email: firstText(user.attributes, 'mail'),
    attributes: user.attributes,
    uid: createHash('sha256').update(user.id).digest('hex'),
  };
}

/** A group beside a link. Groups have no parents here. */
export function renderPartialGroup(group: ShownObject): object {
  return {
    pk: uuidOfId(group.id),
    num_pk: group.serial,
    name: group.name,
    is_superuser: false,
    parent: null,
    parent_name: null,
    attributes: group.attributes,
  };
}

interface DatedObject extends ShownObject {
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Values of `employeeType` that this API knows; everybody else is `internal`. */
export const userTypes = ['internal_service_account', 'service_account', 'external'] as const;

function typeOf({ attributes }: ShownObject): string {
  const given = attributes['employeeType'] ?? [];
  const known = given.flatMap((value) => userTypes.find((type) => type === value) ?? []);
  return known[0] ?? 'internal';
}

/** Where users are filed in this API: there are no such folders here. */
export const userPath = 'users';

/**
 * A user in lists of users: what either version of the API demands.
 * @param shows whether groups and roles are shown beside their ids
 */
export function renderUser(
  user: DatedObject,
  groups: readonly ShownObject[],
  shows: { readonly groups: boolean; readonly roles: boolean },
): object {
  return {
    ...renderPartialUser(user),
    uuid: uuidOfId(user.id),
    date_joined: renderTime(user.createdAt),
    last_updated: renderTime(user.updatedAt),
    password_change_date: renderTime(user.createdAt),
    is_superuser: false,
    groups: groups.map(({ id }) => uuidOfId(id)),
    groups_obj: shows.groups ? groups.map(renderPartialGroup) : null,
    roles: [],
    roles_obj: shows.roles ? [] : null,
    avatar: '',
    path: userPath,
    type: typeOf(user),
  };
}

function renderRelatedGroup(group: ShownObject): object {
  const uuid = uuidOfId(group.id);
  return { pk: uuid, name: group.name, is_superuser: false, attributes: group.attributes, group_uuid: uuid };
}

interface RelatedObjects {
  readonly users: readonly ShownObject[];
  readonly children: readonly ShownObject[];
  readonly parents: readonly ShownObject[];
}

/**
 * The same for a group.
 * @param shows which related objects are shown beside their ids
 */
export function renderGroup(
  group: ShownObject,
  related: RelatedObjects,
  shows: Readonly<Record<keyof RelatedObjects | 'inheritedRoles', boolean>>,
): object {
  const { users, children, parents } = related;
  const ids = (groups: readonly ShownObject[]): string[] => groups.map(({ id }) => uuidOfId(id));
  return {
    ...renderPartialGroup(group),
    parents: ids(parents),
    parents_obj: shows.parents ? parents.map(renderRelatedGroup) : null,
    users: users.map(({ serial }) => serial),
    users_obj: shows.users ? users.map(renderPartialUser) : null,
    roles: [],
    roles_obj: [],
    inherited_roles_obj: shows.inheritedRoles ? [] : null,
    children: ids(children),
    children_obj: shows.children ? children.map(renderRelatedGroup) : null,
  };
}
