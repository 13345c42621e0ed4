import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { findObject } from '../store/queries/directory.ts';
import {
  countNumberedObjects,
  selectNumberedObjects,
  selectGroupsOf,
  selectMembersOf,
  type NumberedColumn,
  type NumberedFilter,
  type NumberedObject,
  type RelatedObject,
} from '../store/queries/numbered-objects.ts';
import type { Order } from '../store/queries/order-by.ts';
import { matchKey } from '../sync/match-key.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';

/** An object of the directory in short. */
export interface NamedObject {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
}

/** The object of the tenant with this id. */
export async function findNamedObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  id: string,
): Promise<NamedObject | undefined> {
  return findObject(app.store.db, actor.tenantId, kind, id);
}

/** What users or groups are looked for; names in any letter case. */
export interface NumberedSearch extends Omit<NumberedFilter, 'nameKey' | 'groupNameKeys' | 'memberNameKeys'> {
  readonly name?: string | undefined;
  readonly groupNames?: readonly string[] | undefined;
  readonly memberNames?: readonly string[] | undefined;
}

function filterOf({ name, groupNames, memberNames, ...rest }: NumberedSearch): NumberedFilter {
  return {
    ...rest,
    ...(name !== undefined && { nameKey: matchKey(name) }),
    ...(groupNames !== undefined && { groupNameKeys: groupNames.map(matchKey) }),
    ...(memberNames !== undefined && { memberNameKeys: memberNames.map(matchKey) }),
  };
}

export type { NumberedColumn } from '../store/queries/numbered-objects.ts';

/** Users or groups in the order asked for, else in that of their making, by numbers of a page. */
export async function listNumberedObjects(
  app: Application,
  actor: Actor,
  kind: 'user' | 'group',
  search: NumberedSearch,
  page: { readonly offset: number; readonly limit: number; readonly order?: Order<NumberedColumn> },
): Promise<NumberedObject[]> {
  return selectNumberedObjects(app.store.db, actor.tenantId, kind, filterOf(search), page);
}

/** How many a search finds, exactly. */
export async function totalNumberedObjects(
  app: Application,
  actor: Actor,
  kind: 'user' | 'group',
  search: NumberedSearch,
): Promise<number> {
  return countNumberedObjects(app.store.db, actor.tenantId, kind, filterOf(search));
}

/** So many members or groups are told of one object at most. */
const mostRelated = 1000;

function byObject(related: readonly RelatedObject[]): ReadonlyMap<string, readonly NumberedObject[]> {
  return Map.groupBy(related, (one) => one.of);
}

/** Direct members of groups that a search has found, by group; a thousand of each at most. */
export async function listMembersOf(
  app: Application,
  groups: readonly NumberedObject[],
  kind: 'user' | 'group',
): Promise<ReadonlyMap<string, readonly NumberedObject[]>> {
  const ids = groups.map(({ id }) => id);
  return byObject(await selectMembersOf(app.store.db, ids, kind, mostRelated));
}

/** Groups that objects which a search has found are direct members of, by object; a thousand of each at most. */
export async function listGroupsOf(
  app: Application,
  objects: readonly NumberedObject[],
): Promise<ReadonlyMap<string, readonly NumberedObject[]>> {
  const ids = objects.map(({ id }) => id);
  return byObject(await selectGroupsOf(app.store.db, ids, mostRelated));
}
