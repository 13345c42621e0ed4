import type {
  CreateDirectoryObject,
  DirectoryObjectDetail,
  UpdateDirectoryObject,
} from '@lockstep/contract/directoryObject.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Actor } from '../actor.ts';
import type { Application, Executor } from '../application.ts';
import { getDirectoryObject } from '../directory.ts';
import { getObjectRow, getUnitByPath } from '../directory-path.ts';
import { writeDirectory, type DirectoryWrite, type Expectation } from './directory-write.ts';
import { addGroup, amendGroup, removeGroup } from './groups.ts';
import { putMembers, takeMembers, type MemberSet } from './memberships.ts';
import {
  addOrganizationalUnit,
  amendOrganizationalUnit,
  removeOrganizationalUnit,
  removeUnitChildren,
} from './organizational-units.ts';
import { addUser, amendUser, removeUsers } from './users.ts';

/** The unit that a caller names by path or id; undefined stays undefined. */
async function placeOf(
  executor: Executor,
  tenantId: string,
  parent: string | undefined,
): Promise<string | null | undefined> {
  if (parent === undefined || !parent.startsWith('/')) return parent;
  return getUnitByPath(executor, tenantId, parent);
}

function refuseUserFields(kind: ObjectKind, given: UpdateDirectoryObject): void {
  const field = (['enabled', 'organizationalUnits'] as const).find((name) => given[name] !== undefined);
  if (kind === 'user' || field === undefined) return;
  throw new LockstepError('InvalidRequest', `only a user has \`${field}\``, { field });
}

/** Makes an object. @throws LockstepError InvalidRequest; NotFound, ParentNotFound; UsernameTaken, NameTaken. */
export async function createDirectoryObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  given: CreateDirectoryObject,
): Promise<DirectoryObjectDetail> {
  refuseUserFields(kind, given);
  const { name, parent, ...rest } = given;
  const id = await writeDirectory(app, actor, async (write) => {
    const parentId = await placeOf(write.trx, write.tenantId, parent);
    if (kind === 'user') return addUser(write, { ...rest, username: name, parentId });
    const { attributes } = rest;
    return kind === 'group'
      ? addGroup(write, { name, parentId, attributes })
      : addOrganizationalUnit(write, { name, parentId, attributes });
  });
  return getDirectoryObject(app, actor, kind, id);
}

async function amend(
  write: DirectoryWrite,
  kind: ObjectKind,
  id: string,
  given: UpdateDirectoryObject,
): Promise<void> {
  const { name, parent, attributes, enabled, organizationalUnits } = given;
  const parentId = await placeOf(write.trx, write.tenantId, parent);
  const expected = { revision: given.revision };
  if (kind === 'user') {
    const change = { username: name, parentId, attributes, enabled, organizationalUnits };
    await amendUser(write, id, change, expected);
  } else if (kind === 'group') await amendGroup(write, id, { name, parentId, attributes }, expected);
  else await amendOrganizationalUnit(write, id, { name, parentId, attributes }, expected);
}

/** Changes an object that is addressed like {@link getDirectoryObject} does. */
export async function updateDirectoryObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  address: string,
  given: UpdateDirectoryObject,
): Promise<DirectoryObjectDetail> {
  refuseUserFields(kind, given);
  const id = await writeDirectory(app, actor, async (write) => {
    const row = await getObjectRow(write.trx, write.tenantId, kind, address);
    await amend(write, kind, row.id, given);
    return row.id;
  });
  return getDirectoryObject(app, actor, kind, id);
}

/**
 * Deletes an object.
 * @param contents of an organizational unit that is not empty: refuse, or delete all that lies below it too
 */
export async function deleteDirectoryObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  address: string,
  { contents, ...expected }: Expectation & { readonly contents?: 'refuse' | 'delete' | undefined },
): Promise<void> {
  await writeDirectory(app, actor, async (write) => {
    const { id } = await getObjectRow(write.trx, write.tenantId, kind, address);
    if (kind === 'user') await removeUsers(write, [id], expected);
    else if (kind === 'group') await removeGroup(write, id, expected);
    else {
      if (contents === 'delete') await removeUnitChildren(write, id, expected);
      await removeOrganizationalUnit(write, id, expected);
    }
  });
}

/** A group and one who is, or shall be, its member. */
export interface MembershipAddress {
  readonly kind: ObjectKind;
  readonly group: string;
  readonly memberKind: MemberSet['kind'];
  readonly member: string;
}

async function resolveMembership(
  write: DirectoryWrite,
  address: MembershipAddress,
): Promise<{ groupId: string; memberId: string }> {
  if (address.kind !== 'group')
    throw new LockstepError('InvalidRequest', 'only a group has members', { field: 'kind' });
  const group = await getObjectRow(write.trx, write.tenantId, 'group', address.group);
  const member = await getObjectRow(write.trx, write.tenantId, address.memberKind, address.member);
  return { groupId: group.id, memberId: member.id };
}

/** Makes an object a member of a group; one that is stays. @throws LockstepError NotFound; ParentCycle. */
export async function addMember(app: Application, actor: Actor, address: MembershipAddress): Promise<void> {
  await writeDirectory(app, actor, async (write) => {
    const { groupId, memberId } = await resolveMembership(write, address);
    await putMembers(write, groupId, { kind: address.memberKind, ids: [memberId] });
  });
}

/** Takes a member out of a group. @throws LockstepError NotFound, also for one that is no member. */
export async function removeMember(
  app: Application,
  actor: Actor,
  address: MembershipAddress,
): Promise<void> {
  await writeDirectory(app, actor, async (write) => {
    const { groupId, memberId } = await resolveMembership(write, address);
    const removed = await takeMembers(write, groupId, [memberId]);
    if (removed.length === 0) throw new LockstepError('NotFound', 'it is no member of this group');
  });
}
