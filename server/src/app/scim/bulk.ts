import { LockstepError } from '../../kernel/errors.ts';
import type { BulkRequest } from '../../scim/bulk/request.ts';
import type { BulkResult } from '../../scim/bulk/response.ts';
import { BulkRun, type BulkCall, type BulkOutcome } from '../../scim/bulk/run.ts';
import { renderEntityTag } from '../../scim/entity-tag.ts';
import { scimErrorOf } from '../../scim/errors.ts';
import { parsePatchRequest } from '../../scim/patch/request.ts';
import { findModelByEndpoint } from '../../scim/schema/registry.ts';
import { parseProjection } from '../../scim/projection.ts';
import { kindOfType, locationOf, modelOf, type Push, type ScimTypeName } from './push.ts';
import type { ScimView } from './resource-view.ts';
import {
  createScimResource,
  deleteScimResource,
  patchScimResource,
  replaceScimResource,
} from './resources.ts';
import type { ScimTarget } from './record-access.ts';

/** Operations that a bulk request may have. */
export const mostBulkOperations = 1000;

interface Addressed {
  readonly type: ScimTypeName;
  readonly id: string | undefined;
}

/** @throws LockstepError InvalidValue. */
function decodeId(id: string, path: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    throw new LockstepError('InvalidValue', `${JSON.stringify(path)} is not encoded as it should be.`, {
      field: 'path',
    });
  }
}

/** What a path relative to the base names: `/Users`, `/Groups/ID`. @throws LockstepError NotFound. */
function parsePath({ registry }: Push, path: string): Addressed {
  const [, endpoint = '', id, ...rest] = path.split('/');
  const name = findModelByEndpoint(registry, `/${endpoint}`)?.type.name;
  const type = (Object.keys(kindOfType) as ScimTypeName[]).find((each) => each === name);
  if (type !== undefined && rest.length === 0) return { type, id: id && decodeId(id, path) };
  throw new LockstepError('NotFound', `There is nothing at ${JSON.stringify(path)}.`);
}

function targetOf({ type, id }: Addressed, path: string): ScimTarget {
  if (id !== undefined && id !== '') return { type, id };
  throw new LockstepError('InvalidValue', `${JSON.stringify(path)} does not name a resource.`, {
    field: 'path',
  });
}

const outcomeOf = (status: number, { location, version }: ScimView): BulkOutcome => ({
  status,
  location,
  version: renderEntityTag(version),
});

async function perform(push: Push, { method, path, version, data }: BulkCall): Promise<BulkOutcome> {
  const addressed = parsePath(push, path);
  const preconditions = { ifMatch: version };
  // Nothing of a result is shown but its address and version, so nothing else is loaded.
  const nothing = parseProjection({ attributes: 'id' }, modelOf(push, addressed.type));
  if (method === 'POST') {
    if (addressed.id !== undefined)
      throw new LockstepError('InvalidValue', `A POST to ${JSON.stringify(path)} is not possible.`, {
        field: 'path',
      });
    const made = await createScimResource(push, addressed.type, data, nothing);
    return { ...outcomeOf(201, made), id: made.id };
  }
  const target = targetOf(addressed, path);
  if (method === 'PUT')
    return outcomeOf(200, await replaceScimResource(push, target, data, preconditions, nothing));
  if (method === 'PATCH') {
    const operations = parsePatchRequest(data, push.connection.profile);
    return outcomeOf(200, await patchScimResource(push, target, operations, preconditions, undefined));
  }
  await deleteScimResource(push, target, preconditions);
  return { status: 204, location: locationOf(push, target.type, target.id) };
}

/**
 * Carries a bulk request out (RFC 7644 section 3.7): each operation by itself, in an order in which they find what they
 * refer to. What fails is a result. A defect, and a store that is gone, end the request.
 */
export async function runBulk(push: Push, request: BulkRequest): Promise<BulkResult[]> {
  const run = new BulkRun(request);
  for (let call = run.next(); call !== undefined; call = run.next()) {
    try {
      run.record(call, await perform(push, call));
    } catch (error) {
      if (!(error instanceof LockstepError) || error.kind === 'bug') throw error;
      const told = scimErrorOf(error);
      run.record(call, { status: told.status, error: told });
    }
  }
  return run.results();
}
