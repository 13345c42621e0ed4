import { LockstepError } from '../kernel/errors.ts';
import {
  countDirectory,
  findPeople,
  selectGroups,
  selectGroupsOf,
  selectOrigins,
  selectPeople,
  selectZoneTypesOf,
  type GroupFilter,
  type NamedGroupRow,
  type OriginRow,
  type PersonFilter,
  type PersonOrder,
  type PersonRow,
} from '../store/queries/people.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { showSlice, type ListPage, type SliceView } from './slice-view.ts';

/** Which connection an object came from, and what it is called there. */
export type Origin = OriginRow;

/** A user of the directory with all that surrounds one. */
export interface Person extends PersonRow {
  /** Best first; none: made in the directory itself. */
  readonly origins: readonly Origin[];
  readonly groups: readonly { readonly serial: number; readonly name: string }[];
  /** Types of the zones that the person may enter now. */
  readonly zoneTypes: readonly string[];
}

export interface OriginatedGroup extends NamedGroupRow {
  readonly origins: readonly Origin[];
}

function byObject<Row>(rows: readonly Row[], keyOf: (row: Row) => string): (id: string) => Row[] {
  const grouped = Map.groupBy(rows, keyOf);
  return (id) => grouped.get(id) ?? [];
}

async function surround(app: Application, rows: readonly PersonRow[]): Promise<Person[]> {
  const ids = rows.map((row) => row.id);
  const { db } = app.store;
  const origins = byObject(await selectOrigins(db, ids), (row) => row.objectId);
  const groups = byObject(await selectGroupsOf(db, ids), (row) => row.userId);
  const zones = byObject(await selectZoneTypesOf(db, ids, app.clock.now()), (row) => row.userId);
  return rows.map((row) => ({
    ...row,
    origins: origins(row.id),
    groups: groups(row.id),
    zoneTypes: zones(row.id).map(({ type }) => type),
  }));
}

/** People by what they are called, where they come from and what they may enter. */
export async function searchPeople(
  app: Application,
  actor: Actor,
  filter: PersonFilter,
  order: PersonOrder,
  page: ListPage,
): Promise<SliceView<Person>> {
  const slice = await selectPeople(app.store.db, actor.tenantId, filter, order, page);
  const people = await surround(app, slice.rows);
  return { ...showSlice(slice, (row) => row), items: people };
}

/** @throws LockstepError NotFound. */
export async function getPerson(app: Application, actor: Actor, serial: number): Promise<Person> {
  const [person] = await surround(
    app,
    await findPeople(app.store.db, actor.tenantId, { serials: [serial] }, 1),
  );
  if (person === undefined) throw new LockstepError('NotFound', `there is no user ${serial}`);
  return person;
}

/**
 * The one person with this e-mail address or user name.
 * @throws LockstepError NotFound; Conflict when there are several.
 */
export async function getPersonByEmail(app: Application, actor: Actor, email: string): Promise<Person> {
  const found = await findPeople(app.store.db, actor.tenantId, { email }, 2);
  if (found.length > 1) throw new LockstepError('Conflict', `several users have the address ${email}`);
  const [person] = await surround(app, found);
  if (person === undefined) throw new LockstepError('NotFound', `there is no user with the address ${email}`);
  return person;
}

/** Groups by name and by where they come from. */
export async function searchGroups(
  app: Application,
  actor: Actor,
  filter: GroupFilter,
  page: ListPage,
): Promise<SliceView<OriginatedGroup>> {
  const slice = await selectGroups(app.store.db, actor.tenantId, filter, page);
  const ids = slice.rows.map((row) => row.id);
  const origins = byObject(await selectOrigins(app.store.db, ids), (row) => row.objectId);
  return showSlice(slice, (row) => ({ ...row, origins: origins(row.id) }));
}

/** How many users and groups the directory has. */
export async function countPeople(
  app: Application,
  actor: Actor,
): Promise<{ users: number; groups: number }> {
  return countDirectory(app.store.db, actor.tenantId);
}
