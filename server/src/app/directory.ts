import type { ObjectChange } from '@lockstep/contract/change.ts';
import type { DirectoryObject, DirectoryObjectDetail, Member } from '@lockstep/contract/directoryObject.ts';
import type { Page } from '@lockstep/contract/page.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../kernel/errors.ts';
import { matchKey } from '../sync/match-key.ts';
import { selectChangesOfObject } from '../store/queries/changes.ts';
import {
  selectFurtherUnits,
  selectLinks,
  selectMembers,
  selectMemberships,
  selectObjects,
  type DirectoryRow,
  type LinkRow,
  type MemberRow,
} from '../store/queries/directory.ts';
import { findTenantPrecedence } from '../store/queries/tenant.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { pathsOfImages, showChange } from './changes.ts';
import { getObjectRow, getUnitByPath, objectPath, unitPaths, type UnitPaths } from './directory-path.ts';
import { cutPage, decodeKey, encodeKey, numberOfKey, requireIdKey, type PageRequest } from './page.ts';
import { attributeProvenance } from './provenance.ts';

function showObject(kind: ObjectKind, row: DirectoryRow, paths: UnitPaths): DirectoryObject {
  return {
    id: row.id,
    serial: row.serial,
    kind,
    name: row.name,
    path: objectPath(paths, row.parentId, row.name),
    parentId: row.parentId,
    enabled: row.enabled,
    attributes: row.attributes,
    revision: row.revision,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export interface DirectoryListFilter {
  /** Objects right in the organizational unit at this path; `/` is the root. */
  readonly path?: string | undefined;
  /** Objects right in the organizational unit with this id. */
  readonly parentId?: string | undefined;
  /** Beginning of the user name or name, whatever its letter case. */
  readonly prefix?: string | undefined;
}

/** Objects of a kind by id. @throws LockstepError NotFound when there is no unit at the path. */
export async function listDirectory(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  filter: DirectoryListFilter,
  page: PageRequest,
): Promise<Page<DirectoryObject>> {
  const { db } = app.store;
  requireIdKey(page.after, kind);
  const parentId =
    filter.path === undefined ? filter.parentId : await getUnitByPath(db, actor.tenantId, filter.path);
  const namePrefix = filter.prefix === undefined ? undefined : matchKey(filter.prefix);
  const rows = await selectObjects(
    db,
    actor.tenantId,
    kind,
    { parentId, namePrefix },
    { ...page, limit: page.limit + 1 },
  );
  const paths = await unitPaths(
    db,
    actor.tenantId,
    rows.map((row) => row.parentId),
  );
  return cutPage(
    rows,
    page.limit,
    (row) => showObject(kind, row, paths),
    (row) => row.id,
  );
}

function showLink(row: LinkRow): DirectoryObjectDetail['links'][number] {
  const { contribution: _, linkedAt, ...link } = row;
  return { ...link, linkedAt: linkedAt.toISOString() };
}

/** An object with its links and, for each attribute, the ingress sync that its value comes from. */
export async function getDirectoryObject(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  address: string,
): Promise<DirectoryObjectDetail> {
  const { db } = app.store;
  const row = await getObjectRow(db, actor.tenantId, kind, address);
  const paths = await unitPaths(db, actor.tenantId, [row.parentId]);
  const links = await selectLinks(db, row.id);
  const precedence = await findTenantPrecedence(db, actor.tenantId);
  return {
    ...showObject(kind, row, paths),
    organizationalUnits: kind === 'user' ? await selectFurtherUnits(db, row.id) : [],
    links: links.map(showLink),
    provenance: attributeProvenance(row.attributes, links, precedence),
  };
}

function showMembers(rows: readonly MemberRow[], limit: number): Page<Member> {
  return cutPage(
    rows,
    limit,
    (row) => ({ ...row, since: row.since.toISOString() }),
    (row) => row.id,
  );
}

/** Direct members of a group. @throws LockstepError NotFound; InvalidRequest for another kind. */
export async function listMembers(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  address: string,
  page: PageRequest,
): Promise<Page<Member>> {
  if (kind !== 'group')
    throw new LockstepError('InvalidRequest', 'only a group has members', { field: 'kind' });
  requireIdKey(page.after, 'user', 'group');
  const group = await getObjectRow(app.store.db, actor.tenantId, kind, address);
  const rows = await selectMembers(app.store.db, group.id, { ...page, limit: page.limit + 1 });
  return showMembers(rows, page.limit);
}

/** Groups that a user or group is a direct member of. */
export async function listMemberships(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  address: string,
  page: PageRequest,
): Promise<Page<Member>> {
  if (kind === 'organizationalUnit') {
    throw new LockstepError('InvalidRequest', 'an organizational unit is no member of groups', {
      field: 'kind',
    });
  }
  requireIdKey(page.after, 'group');
  const member = await getObjectRow(app.store.db, actor.tenantId, kind, address);
  const rows = await selectMemberships(app.store.db, member.id, { ...page, limit: page.limit + 1 });
  return showMembers(rows, page.limit);
}

/**
 * Every change of one object in any job, newest first. An object that is gone is named by its id.
 * @throws LockstepError NotFound when neither the object nor any change of it exists.
 */
export async function listObjectChanges(
  app: Application,
  actor: Actor,
  kind: ObjectKind,
  address: string,
  page: PageRequest,
): Promise<Page<ObjectChange>> {
  const key = decodeKey(page.after, 2);
  const before = key && { jobId: String(key[0]), ordinal: numberOfKey(key[1]) };
  const byId = { tenantId: actor.tenantId, id: address };
  const limit = page.limit + 1;
  let rows = await selectChangesOfObject(app.store.db, byId, { before, limit });
  if (rows.length === 0) {
    const { id } = await getObjectRow(app.store.db, actor.tenantId, kind, address);
    rows = await selectChangesOfObject(app.store.db, { tenantId: actor.tenantId, id }, { before, limit });
  }
  const paths = await pathsOfImages(app, actor.tenantId, rows);
  return cutPage(
    rows,
    page.limit,
    (row) => ({ ...showChange(row, paths), jobId: row.jobId, sync: row.sync, at: row.at.toISOString() }),
    (row) => encodeKey([row.jobId, row.ordinal]),
  );
}
