import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { parsePath, renderPath } from '../directory/path.ts';
import { LockstepError } from '../kernel/errors.ts';
import { matchKey } from '../sync/match-key.ts';
import {
  findObject,
  findObjectInPlace,
  findUserByKey,
  selectObjects,
  selectUnitPaths,
  type DirectoryRow,
} from '../store/queries/directory.ts';
import type { Executor } from './application.ts';

/** Path of an organizational unit, null being the root; undefined for one that does not exist. */
export type UnitPaths = (unitId: string | null) => string | undefined;

/** Paths of several organizational units, with one query. */
export async function unitPaths(
  executor: Executor,
  tenantId: string,
  ids: readonly (string | null)[],
): Promise<UnitPaths> {
  const wanted = new Set(ids.filter((id) => id !== null));
  const names = await selectUnitPaths(executor, tenantId, [...wanted]);
  return (id) => {
    if (id === null) return '/';
    const found = names.get(id);
    return found && renderPath(found);
  };
}

/** Path of an object below its parent's. */
export function objectPath(paths: UnitPaths, parentId: string | null, name: string): string {
  const parent = paths(parentId) ?? '/';
  const own = renderPath([name]);
  return parent === '/' ? own : `${parent}${own}`;
}

/**
 * The organizational unit at a path; null for the root.
 * @throws LockstepError NotFound.
 */
export async function getUnitByPath(
  executor: Executor,
  tenantId: string,
  path: string,
): Promise<string | null> {
  return walk(executor, tenantId, parsePath(path), path);
}

async function walk(
  executor: Executor,
  tenantId: string,
  names: readonly string[],
  path: string,
): Promise<string | null> {
  let parentId: string | null = null;
  for (const name of names) {
    const place: { parentId: string | null; nameKey: string } = { parentId, nameKey: matchKey(name) };
    const unit = await findObjectInPlace(executor, tenantId, 'organizationalUnit', place);
    if (unit === undefined) {
      throw new LockstepError('NotFound', `there is no organizational unit at ${path}`, { field: 'path' });
    }
    parentId = unit.id;
  }
  return parentId;
}

async function findByPath(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  path: string,
): Promise<DirectoryRow | undefined> {
  const names = parsePath(path);
  const name = names.pop();
  if (name === undefined) return undefined;
  const parentId = await walk(executor, tenantId, names, path);
  const nameKey = matchKey(name);
  if (kind !== 'user') return findObjectInPlace(executor, tenantId, kind, { parentId, nameKey });
  const user = await findUserByKey(executor, tenantId, nameKey);
  return user?.parentId === parentId ? user : undefined;
}

/**
 * An object by its id, its path (begins with a slash), a user's user name, or the name of another object where only
 * one has it.
 * @throws LockstepError NotFound; Conflict when a name alone says too little.
 */
export async function getObjectRow(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  address: string,
): Promise<DirectoryRow> {
  const found = address.startsWith('/')
    ? await findByPath(executor, tenantId, kind, address)
    : ((await findObject(executor, tenantId, kind, address)) ??
      (await findByName(executor, tenantId, kind, address)));
  if (found !== undefined) return found;
  throw new LockstepError('NotFound', `there is no ${kind} ${JSON.stringify(address)}`, {
    remedy:
      'Give its id, its path from the top (/Sales/jdoe) or its name; `lockstep directory list` shows what there is.',
  });
}

async function findByName(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  name: string,
): Promise<DirectoryRow | undefined> {
  const key = matchKey(name);
  if (kind === 'user') return findUserByKey(executor, tenantId, key);
  const named = await selectObjects(executor, tenantId, kind, { nameKey: key }, { limit: 2 });
  if (named.length > 1) {
    throw new LockstepError('Conflict', `several objects have the name ${JSON.stringify(name)}`, {
      remedy: 'Give the path or the id.',
    });
  }
  return named[0];
}
