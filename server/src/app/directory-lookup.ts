import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { findObject } from '../store/queries/directory.ts';
import {
  countNumberedObjects,
  selectNumberedObjects,
  type NumberedFilter,
  type NumberedObject,
} from '../store/queries/numbered-objects.ts';
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

/** What users or groups are looked for; the name in any letter case. */
export interface NumberedSearch extends Omit<NumberedFilter, 'nameKey'> {
  readonly name?: string | undefined;
}

function filterOf({ name, ...rest }: NumberedSearch): NumberedFilter {
  return { ...rest, ...(name !== undefined && { nameKey: matchKey(name) }) };
}

/** Users or groups in the order of their making, by numbers of a page. */
export async function listNumberedObjects(
  app: Application,
  actor: Actor,
  kind: 'user' | 'group',
  search: NumberedSearch,
  page: { readonly offset: number; readonly limit: number },
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
