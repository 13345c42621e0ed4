import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../kernel/errors.ts';
import { matchKey } from '../sync/match-key.ts';
import {
  countObjects,
  searchMemberships,
  searchObjects,
  selectUnitsAbove,
  type FoundMembership,
  type FoundObject,
  type ObjectSearch,
  type SearchPage,
} from '../store/queries/directory-search.ts';
import { findTenant, type TenantRow } from '../store/queries/tenant.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';

/** What APIs that list by number, filter and total look for; names in any spelling. */
export interface DirectorySearch extends Omit<ObjectSearch, 'nameKey' | 'namePrefix'> {
  /** The whole name, whatever its letter case. */
  readonly name?: string | undefined;
  /** Beginning of the name, whatever its letter case. */
  readonly nameStartsWith?: string | undefined;
}

/** An object as lists show it. */
export type DirectoryFind = FoundObject;
/** The actor's tenant as it is described. */
export type TenantView = TenantRow;

export interface Found<Item> {
  readonly items: readonly Item[];
  /** All that there are, on this page and on others. */
  readonly total: number;
}

/** Objects of a kind by id, and how many there are. */
export async function searchDirectory(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  { name, nameStartsWith, ...rest }: DirectorySearch,
  page: SearchPage,
): Promise<Found<FoundObject>> {
  const search = {
    ...rest,
    nameKey: name === undefined ? undefined : matchKey(name),
    namePrefix: nameStartsWith === undefined ? undefined : matchKey(nameStartsWith),
  };
  const { db } = app.store;
  return {
    items: await searchObjects(db, actor.tenantId, kind, search, page),
    total: await countObjects(db, actor.tenantId, kind, search),
  };
}

/** One object by id. @throws LockstepError NotFound. */
export async function getFoundObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  id: string,
): Promise<FoundObject> {
  const [found] = await searchObjects(app.store.db, actor.tenantId, kind, { ids: [id] }, { limit: 1 });
  if (found === undefined) throw new LockstepError('NotFound', `there is no ${kind} ${JSON.stringify(id)}`);
  return found;
}

/** The units above one, from the top down. @throws LockstepError NotFound. */
export async function listUnitsAbove(
  app: Application,
  actor: Actor,
  unitId: string,
): Promise<{ id: string; parentId: string | null }[]> {
  await getFoundObject(app, actor, 'organizationalUnit', unitId);
  return selectUnitsAbove(app.store.db, actor.tenantId, unitId);
}

/** Users that are direct members of a group. @throws LockstepError NotFound. */
export async function searchMembers(
  app: Application,
  actor: Actor,
  groupId: string,
  memberIds: readonly string[] | undefined,
  page: SearchPage,
): Promise<Found<FoundMembership>> {
  await getFoundObject(app, actor, 'group', groupId);
  const { rows, total } = await searchMemberships(app.store.db, actor.tenantId, { groupId, memberIds }, page);
  return { items: rows, total };
}

/** Groups that a user is a direct member of. @throws LockstepError NotFound. */
export async function searchGroupsOf(
  app: Application,
  actor: Actor,
  userId: string,
  page: SearchPage,
): Promise<Found<FoundMembership>> {
  await getFoundObject(app, actor, 'user', userId);
  const { rows, total } = await searchMemberships(app.store.db, actor.tenantId, { userId }, page);
  return { items: rows, total };
}

/** The actor's tenant. */
export async function getTenant(app: Application, actor: Actor): Promise<TenantRow> {
  const tenant = await findTenant(app.store.db, actor.tenantId);
  if (tenant === undefined) throw new LockstepError('NotFound', 'the tenant is gone');
  return tenant;
}
