import { parseFilter } from '../../scim/filter/parse.ts';
import { resolveFilter } from '../../scim/filter/resolve.ts';
import type { ListRequest, PageLimits } from '../../scim/listing/list-request.ts';
import type { ListPage } from '../../scim/listing/list-response.ts';
import { resolveSort } from '../../scim/listing/sort.ts';
import { parseProjection, projectResource, type Projection } from '../../scim/projection.ts';
import {
  countScimRecords,
  selectScimRecords,
  type ListedScimRecord,
  type ScimListing,
  type ScimListPage,
} from '../../store/queries/scim-list.ts';
import { countScimMembers } from '../../store/queries/scim-members.ts';
import type { ScimRecord } from '../../store/queries/scim-record.ts';
import { parseCursor, renderCursor, type ListMarks } from './cursor.ts';
import { kindOfType, modelOf, type Push, type ScimTypeName } from './push.ts';
import { readsGroups, showsRelated, withMembers } from './related.ts';
import { showResource } from './resource-view.ts';

/** Resources on a page: as many as Microsoft Entra asks for at most, and when nothing is asked for. */
export const pageLimits: PageLimits = { defaultCount: 100, maxCount: 1000 };
/** Members on a page, of all its groups together; a page with more has fewer groups. */
const mostMembers = 100_000;

/** What is asked for, looked up in the schemas. `unknown`: what an attribute is that the type does not have. */
export function resolveListing(
  push: Push,
  type: ScimTypeName,
  request: ListRequest,
  unknown: 'reject' | 'absent',
): ScimListing {
  const { connection, baseUrl } = push;
  const model = modelOf(push, type);
  const { filter, sortBy, sortOrder } = request;
  return {
    scope: { connectionSerial: connection.serial, kind: kindOfType[type], baseUrl },
    filter:
      filter === undefined
        ? undefined
        : resolveFilter(parseFilter(filter), model, { profile: connection.profile, unknown }),
    sort: sortBy === undefined ? undefined : resolveSort(sortBy, sortOrder, model),
  };
}

/** The first records that have no more members together than a page may have; one at least. */
async function cutAtMembers(
  push: Push,
  records: readonly ListedScimRecord[],
): Promise<readonly ListedScimRecord[]> {
  const { app, connection } = push;
  const counts = await countScimMembers(
    app.store.db,
    connection.serial,
    records.map(({ id }) => id),
  );
  let members = 0;
  const end = records.findIndex(({ id }, at) => {
    members += counts.get(id) ?? 0;
    return at > 0 && members > mostMembers;
  });
  return end < 0 ? records : records.slice(0, end);
}

/** The resources of records, with what the projection wants of them; users come with their groups. */
export async function showRecords(
  push: Push,
  type: ScimTypeName,
  records: readonly ScimRecord[],
  projection: Projection,
): Promise<ListPage['resources']> {
  const model = modelOf(push, type);
  const whole =
    type === 'Group' && showsRelated(push, type, projection) ? await withMembers(push, records) : records;
  return whole.map((record) => projectResource(showResource(push, type, record).resource, model, projection));
}

interface Page {
  readonly at: ScimListPage;
  readonly marks: ListMarks;
}

function pageOf(push: Push, type: ScimTypeName, request: ListRequest): Page {
  const { page, filter, sortBy, sortOrder } = request;
  const marks = [push.connection.id, type, filter, sortBy, sortOrder];
  const limit = page.count;
  if (page.kind === 'index') return { marks, at: { offset: page.startIndex - 1, limit } };
  if (page.cursor === undefined) return { marks, at: { offset: 0, limit } };
  return { marks, at: { after: parseCursor(marks, page.cursor), limit } };
}

/** All that match are on this page, and there was room for more: then they need not be counted. */
function isWhole({ at }: Page, found: number): boolean {
  return 'offset' in at && at.offset === 0 && found <= at.limit && at.limit > 0;
}

/**
 * A page of resources (RFC 7644 section 3.4.2, RFC 9865), by id or sorted. Nothing but the page is loaded.
 * @throws LockstepError InvalidFilter, InvalidPath, InvalidValue, InvalidCursor.
 */
export async function listScimResources(
  push: Push,
  type: ScimTypeName,
  request: ListRequest,
): Promise<ListPage> {
  const { db } = push.app.store;
  const listing = resolveListing(push, type, request, 'reject');
  const projection = parseProjection(request, modelOf(push, type));
  const page = pageOf(push, type, request);
  const { limit } = page.at;
  // One more than asked for tells whether there is a next page.
  const found =
    limit === 0
      ? []
      : await selectScimRecords(
          db,
          listing,
          { ...page.at, limit: limit + 1 },
          readsGroups(push, type, projection),
        );
  const totalResults = isWhole(page, found.length) ? found.length : await countScimRecords(db, listing);
  const asked = found.slice(0, limit);
  const cuts = type === 'Group' && showsRelated(push, type, projection);
  const shown = cuts ? await cutAtMembers(push, asked) : asked;
  const resources = await showRecords(push, type, shown, projection);
  if (request.page.kind === 'index') return { resources, totalResults, startIndex: request.page.startIndex };
  const last = found.length > shown.length ? shown.at(-1) : undefined;
  return { resources, totalResults, nextCursor: last && renderCursor(page.marks, last) };
}
