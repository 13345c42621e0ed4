import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { DirectoryObjectDetail } from '@lockstep/contract/directoryObject.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  deleteObjects,
  holdsObjects,
  liesWithin,
  lockUnitPlaces,
  lockUnitsBelow,
  selectObjectsIn,
} from '../../store/queries/directory-writes.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { getDirectoryObject } from '../directory.ts';
import { lockForWrite, writeDirectory, type DirectoryWrite, type Expectation } from './directory-write.ts';
import { addObject, amendObject, type ObjectChange } from './objects.ts';

/** An organizational unit, or a group, to be made. */
export interface NewNamedObject {
  readonly name: string;
  /** The organizational unit that it is in; null or undefined: the root. */
  readonly parentId?: string | null | undefined;
  readonly attributes?: JsonAttributeMap | undefined;
}

/** What shall be otherwise of a unit or group; undefined: as it is. */
export type NamedObjectChange = Omit<ObjectChange, 'enabled'>;

/** Adds an organizational unit inside a transaction; see {@link createOrganizationalUnit}. @returns the id */
export async function addOrganizationalUnit(write: DirectoryWrite, unit: NewNamedObject): Promise<string> {
  return addObject(write, 'organizationalUnit', {
    name: unit.name,
    parentId: unit.parentId ?? null,
    enabled: true,
    attributes: unit.attributes ?? {},
  });
}

/** Changes an organizational unit inside a transaction; see {@link updateOrganizationalUnit}. */
export async function amendOrganizationalUnit(
  write: DirectoryWrite,
  id: string,
  change: NamedObjectChange,
  expected?: Expectation,
): Promise<void> {
  const parentId = change.parentId ?? null;
  if (parentId !== null) await lockUnitPlaces(write.trx, write.tenantId);
  const row = await lockForWrite(write, 'organizationalUnit', id, expected);
  if (parentId !== null && parentId !== row.parentId && (await liesWithin(write.trx, parentId, id))) {
    throw new LockstepError('ParentCycle', 'an organizational unit cannot lie below itself', {
      field: 'parentId',
    });
  }
  await amendObject(write, 'organizationalUnit', row, change);
}

/** Deletes an organizational unit inside a transaction; see {@link deleteOrganizationalUnit}. */
export async function removeOrganizationalUnit(
  write: DirectoryWrite,
  id: string,
  expected?: Expectation,
): Promise<void> {
  await lockForWrite(write, 'organizationalUnit', id, expected);
  if (await holdsObjects(write.trx, id)) {
    throw new LockstepError('Conflict', 'the organizational unit is not empty', {
      remedy: 'Move or delete what it holds first.',
    });
  }
  await deleteObjects(write.trx, write.tenantId, 'organizationalUnit', [id]);
}

/** Deletes what lies below an organizational unit inside a transaction; see {@link deleteUnitChildren}. */
export async function removeUnitChildren(
  write: DirectoryWrite,
  id: string,
  expected?: Expectation,
): Promise<void> {
  const { trx, tenantId } = write;
  await lockUnitPlaces(trx, tenantId);
  await lockForWrite(write, 'organizationalUnit', id, expected);
  const units = await lockUnitsBelow(trx, tenantId, id);
  for (const kind of ['user', 'group'] as const) {
    await deleteObjects(trx, tenantId, kind, await selectObjectsIn(trx, kind, [id, ...units]));
  }
  await deleteObjects(trx, tenantId, 'organizationalUnit', units);
}

/** @throws LockstepError InvalidRequest; ParentNotFound; NameTaken. */
export async function createOrganizationalUnit(
  app: Application,
  actor: Actor,
  unit: NewNamedObject,
): Promise<DirectoryObjectDetail> {
  const id = await writeDirectory(app, actor, async (write) => addOrganizationalUnit(write, unit));
  return getDirectoryObject(app, actor, 'organizationalUnit', id);
}

/**
 * Renames, moves or describes an organizational unit.
 * @throws LockstepError NotFound; InvalidRequest; ParentNotFound; ParentCycle; NameTaken; Conflict for another revision.
 */
export async function updateOrganizationalUnit(
  app: Application,
  actor: Actor,
  id: string,
  change: NamedObjectChange,
  expected?: Expectation,
): Promise<DirectoryObjectDetail> {
  await writeDirectory(app, actor, async (write) => amendOrganizationalUnit(write, id, change, expected));
  return getDirectoryObject(app, actor, 'organizationalUnit', id);
}

/** Deletes an empty organizational unit. @throws LockstepError NotFound; Conflict when it holds anything. */
export async function deleteOrganizationalUnit(
  app: Application,
  actor: Actor,
  id: string,
  expected?: Expectation,
): Promise<void> {
  await writeDirectory(app, actor, async (write) => removeOrganizationalUnit(write, id, expected));
}

/** Deletes all units, users (by their primary unit) and groups below an organizational unit, which itself stays. */
export async function deleteUnitChildren(app: Application, actor: Actor, id: string): Promise<void> {
  await writeDirectory(app, actor, async (write) => removeUnitChildren(write, id));
}
