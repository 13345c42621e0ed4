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

/** A user in lists of users: what either version of the API demands. */
export function renderUser(user: DatedObject): object {
  return {
    ...renderPartialUser(user),
    uuid: uuidOfId(user.id),
    date_joined: renderTime(user.createdAt),
    last_updated: renderTime(user.updatedAt),
    password_change_date: renderTime(user.createdAt),
    is_superuser: false,
    groups_obj: null,
    roles_obj: null,
    avatar: '',
    path: 'users',
    type: 'internal',
  };
}

/** The same for a group. */
export function renderGroup(group: ShownObject): object {
  return {
    ...renderPartialGroup(group),
    parents: [],
    parents_obj: null,
    users_obj: null,
    roles: [],
    roles_obj: [],
    inherited_roles_obj: null,
    children: [],
    children_obj: null,
  };
}
