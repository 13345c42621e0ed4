import type { ListRequest } from '../../scim/listing/list-request.ts';
import type { ListPage } from '../../scim/listing/list-response.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { parseProjection } from '../../scim/projection.ts';
import { countScimRecords, selectScimRecords } from '../../store/queries/scim-list.ts';
import { resolveListing, showRecords } from './listing.ts';
import { modelOf, type Push, type ScimTypeName } from './push.ts';
import { readsGroups } from './related.ts';

const types: readonly ScimTypeName[] = ['User', 'Group'];

/**
 * Resources of every type at once (RFC 7644 section 3.4.2.1): users first, then groups, each by id. An attribute that
 * a type does not have is one without a value there.
 * @throws LockstepError InvalidFilter, InvalidValue; InvalidPath for a sort, InvalidCursor for a cursor: neither goes
 * over several types.
 */
export async function searchAllResources(push: Push, request: ListRequest): Promise<ListPage> {
  const { page } = request;
  if (request.sortBy !== undefined)
    throw new LockstepError('InvalidPath', 'Resources of several types cannot be sorted together.', {
      field: 'sortBy',
    });
  if (page.kind === 'cursor')
    throw new LockstepError('InvalidCursor', 'Resources of several types are paged by startIndex.', {
      field: 'cursor',
    });
  const resources: ListPage['resources'][number][] = [];
  let [offset, room, totalResults] = [page.startIndex - 1, page.count, 0];
  for (const type of types) {
    const { db } = push.app.store;
    const listing = resolveListing(push, type, request, 'absent');
    const projection = parseProjection(request, modelOf(push, type));
    const total = await countScimRecords(db, listing);
    totalResults += total;
    const records =
      room > 0 && offset < total
        ? await selectScimRecords(db, listing, { offset, limit: room }, readsGroups(push, type, projection))
        : [];
    resources.push(...(await showRecords(push, type, records, projection)));
    offset = Math.max(0, offset - total);
    room -= records.length;
  }
  return { resources, totalResults, startIndex: page.startIndex };
}
