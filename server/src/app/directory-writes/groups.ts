import type { DirectoryObjectDetail } from '@lockstep/contract/directoryObject.ts';
import { deleteObjects } from '../../store/queries/directory-writes.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { getDirectoryObject } from '../directory.ts';
import { lockForWrite, writeDirectory, type DirectoryWrite, type Expectation } from './directory-write.ts';
import { addObject, amendObject } from './objects.ts';
import type { NamedObjectChange, NewNamedObject } from './organizational-units.ts';

/** Adds a group inside a transaction; see {@link createGroup}. @returns the id */
export async function addGroup(write: DirectoryWrite, group: NewNamedObject): Promise<string> {
  return addObject(write, 'group', {
    name: group.name,
    parentId: group.parentId ?? null,
    enabled: true,
    attributes: group.attributes ?? {},
  });
}

/** Changes a group inside a transaction; see {@link updateGroup}. */
export async function amendGroup(
  write: DirectoryWrite,
  id: string,
  change: NamedObjectChange,
  expected?: Expectation,
): Promise<void> {
  const row = await lockForWrite(write, 'group', id, expected);
  await amendObject(write, 'group', row, change);
}

/** Deletes a group inside a transaction; see {@link deleteGroup}. */
export async function removeGroup(write: DirectoryWrite, id: string, expected?: Expectation): Promise<void> {
  await lockForWrite(write, 'group', id, expected);
  await deleteObjects(write.trx, write.tenantId, 'group', [id]);
}

/** @throws LockstepError InvalidRequest; ParentNotFound; NameTaken. */
export async function createGroup(
  app: Application,
  actor: Actor,
  group: NewNamedObject,
): Promise<DirectoryObjectDetail> {
  const id = await writeDirectory(app, actor, async (write) => addGroup(write, group));
  return getDirectoryObject(app, actor, 'group', id);
}

/** @throws LockstepError NotFound; InvalidRequest; ParentNotFound; NameTaken; Conflict for another revision. */
export async function updateGroup(
  app: Application,
  actor: Actor,
  id: string,
  change: NamedObjectChange,
  expected?: Expectation,
): Promise<DirectoryObjectDetail> {
  await writeDirectory(app, actor, async (write) => amendGroup(write, id, change, expected));
  return getDirectoryObject(app, actor, 'group', id);
}

/** Deletes a group with its memberships and links. @throws LockstepError NotFound; Conflict for another revision. */
export async function deleteGroup(
  app: Application,
  actor: Actor,
  id: string,
  expected?: Expectation,
): Promise<void> {
  await writeDirectory(app, actor, async (write) => removeGroup(write, id, expected));
}
