import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { DirectoryObjectDetail } from '@lockstep/contract/directoryObject.ts';
import { selectFurtherUnits } from '../../store/queries/directory.ts';
import { deleteObjects, replaceFurtherUnits, touchObject } from '../../store/queries/directory-writes.ts';
import { deletePasswordsOfUsers } from '../../store/queries/pending-passwords.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { getDirectoryObject } from '../directory.ts';
import {
  lockForWrite,
  requireObjects,
  writeDirectory,
  type DirectoryWrite,
  type Expectation,
} from './directory-write.ts';
import { addObject, amendObject } from './objects.ts';

/** A user to be made. */
export interface NewUser {
  readonly username: string;
  /** The primary organizational unit; null or undefined: the root. */
  readonly parentId?: string | null | undefined;
  /** By default true. */
  readonly enabled?: boolean | undefined;
  readonly attributes?: JsonAttributeMap | undefined;
  /** Ids of further organizational units. */
  readonly organizationalUnits?: readonly string[] | undefined;
}

/** What shall be otherwise; undefined: as it is. */
export interface UserChange {
  readonly username?: string | undefined;
  readonly parentId?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Values to replace by attribute; an empty list removes the attribute. Others stay. */
  readonly attributes?: JsonAttributeMap | undefined;
  /** All further organizational units. */
  readonly organizationalUnits?: readonly string[] | undefined;
}

/** The primary unit is none of the further ones. */
async function writeFurtherUnits(
  write: DirectoryWrite,
  userId: string,
  primary: string | null,
  unitIds: readonly string[],
): Promise<void> {
  const further = [...new Set(unitIds)].filter((id) => id !== primary);
  await requireObjects(write, 'organizationalUnit', further, 'organizationalUnits');
  await replaceFurtherUnits(write.trx, userId, further);
}

/** Adds a user inside a transaction; see {@link createUser}. @returns the id */
export async function addUser(write: DirectoryWrite, user: NewUser): Promise<string> {
  const parentId = user.parentId ?? null;
  const id = await addObject(write, 'user', {
    name: user.username,
    parentId,
    enabled: user.enabled ?? true,
    attributes: user.attributes ?? {},
  });
  await writeFurtherUnits(write, id, parentId, user.organizationalUnits ?? []);
  return id;
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const wanted = new Set(right);
  return left.length === wanted.size && left.every((id) => wanted.has(id));
}

/** Changes a user inside a transaction; see {@link updateUser}. */
export async function amendUser(
  write: DirectoryWrite,
  id: string,
  change: UserChange,
  expected?: Expectation,
): Promise<void> {
  const row = await lockForWrite(write, 'user', id, expected);
  const { username, organizationalUnits, ...rest } = change;
  const written = await amendObject(write, 'user', row, { ...rest, name: username });
  const primary = change.parentId === undefined ? row.parentId : change.parentId;
  const before = await selectFurtherUnits(write.trx, id);
  const wanted = (organizationalUnits ?? before).filter((unit) => unit !== primary);
  if (sameSet(before, wanted)) return;
  await writeFurtherUnits(write, id, primary, wanted);
  if (written) return;
  await touchObject(write.trx, 'user', id, write.revision);
  await write.log({ kind: 'user', verb: 'update', objectId: id });
}

/** Deletes users inside a transaction. @throws LockstepError NotFound: then none is deleted; Conflict. */
export async function removeUsers(
  write: DirectoryWrite,
  ids: readonly string[],
  expected: Expectation = {},
): Promise<void> {
  const unique = [...new Set(ids)];
  if (expected.revision !== undefined)
    for (const id of unique) await lockForWrite(write, 'user', id, expected);
  await requireObjects(write, 'user', unique, undefined, 'update');
  await deletePasswordsOfUsers(write.trx, unique);
  await deleteObjects(write.trx, write.tenantId, 'user', unique);
}

/**
 * Makes a user.
 * @throws LockstepError InvalidRequest; ParentNotFound, NotFound for an organizational unit; UsernameTaken.
 */
export async function createUser(
  app: Application,
  actor: Actor,
  user: NewUser,
): Promise<DirectoryObjectDetail> {
  const id = await writeDirectory(app, actor, async (write) => addUser(write, user));
  return getDirectoryObject(app, actor, 'user', id);
}

/**
 * Changes a user: attributes, user name, account state, primary and further organizational units.
 * @throws LockstepError NotFound; InvalidRequest; ParentNotFound; UsernameTaken; Conflict for another revision.
 */
export async function updateUser(
  app: Application,
  actor: Actor,
  id: string,
  change: UserChange,
  expected?: Expectation,
): Promise<DirectoryObjectDetail> {
  await writeDirectory(app, actor, async (write) => amendUser(write, id, change, expected));
  return getDirectoryObject(app, actor, 'user', id);
}

/** Deletes a user with memberships and links. @throws LockstepError NotFound; Conflict for another revision. */
export async function deleteUser(
  app: Application,
  actor: Actor,
  id: string,
  expected?: Expectation,
): Promise<void> {
  await writeDirectory(app, actor, async (write) => removeUsers(write, [id], expected));
}

/** Deletes users, all or none. @throws LockstepError NotFound. */
export async function deleteUsers(app: Application, actor: Actor, ids: readonly string[]): Promise<void> {
  await writeDirectory(app, actor, async (write) => removeUsers(write, ids));
}

/** Puts a user into further organizational units and takes it out of others. */
export async function changeFurtherUnits(
  app: Application,
  actor: Actor,
  id: string,
  change: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Promise<void> {
  await writeDirectory(app, actor, async (write) => {
    await lockForWrite(write, 'user', id);
    const gone = new Set(change.remove ?? []);
    const before = await selectFurtherUnits(write.trx, id);
    const organizationalUnits = [...before, ...(change.add ?? [])].filter((unit) => !gone.has(unit));
    await amendUser(write, id, { organizationalUnits });
  });
}
