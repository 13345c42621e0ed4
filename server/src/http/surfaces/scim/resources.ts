import { listScimResources, pageLimits } from '../../../app/scim/listing.ts';
import type { ScimTypeName } from '../../../app/scim/push.ts';
import {
  createScimResource,
  deleteScimResource,
  getScimResource,
  patchScimResource,
  replaceScimResource,
} from '../../../app/scim/resources.ts';
import type { ScimTarget } from '../../../app/scim/record-access.ts';
import { renderEntityTag } from '../../../scim/entity-tag.ts';
import { parseListQuery, parseSearchRequest, type ListRequest } from '../../../scim/listing/list-request.ts';
import { renderListResponse } from '../../../scim/listing/list-response.ts';
import { parsePatchRequest } from '../../../scim/patch/request.ts';
import { preconditionsOf, projectionOf, queryOf, sendResource, type Exchange } from './exchange.ts';
import { sendJson } from './media-type.ts';

function targetOf({ request }: Exchange, type: ScimTypeName): ScimTarget {
  return { type, id: (request.params as { id: string }).id };
}

async function sendList(exchange: Exchange, type: ScimTypeName, asked: ListRequest): Promise<void> {
  const page = await listScimResources(exchange.push, type, asked);
  await sendJson(exchange.request, exchange.reply, renderListResponse(page));
}

/** GET /Users (RFC 7644 section 3.4.2). */
export async function listResources(exchange: Exchange, type: ScimTypeName): Promise<void> {
  await sendList(exchange, type, parseListQuery(queryOf(exchange), pageLimits));
}

/** POST /Users/.search (RFC 7644 section 3.4.3). */
export async function searchResources(exchange: Exchange, type: ScimTypeName): Promise<void> {
  await sendList(exchange, type, parseSearchRequest(exchange.request.body, pageLimits));
}

/** POST /Users (RFC 7644 section 3.3). */
export async function createResource(exchange: Exchange, type: ScimTypeName): Promise<void> {
  const projection = projectionOf(exchange, type);
  const made = await createScimResource(exchange.push, type, exchange.request.body, projection);
  void exchange.reply.code(201);
  await sendResource(exchange, type, made, projection);
}

/** GET /Users/ID (RFC 7644 section 3.4.1). */
export async function getResource(exchange: Exchange, type: ScimTypeName): Promise<void> {
  const projection = projectionOf(exchange, type);
  const found = await getScimResource(
    exchange.push,
    targetOf(exchange, type),
    projection,
    preconditionsOf(exchange),
  );
  if (found === 'not_modified') await exchange.reply.code(304).send();
  else await sendResource(exchange, type, found, projection);
}

/** PUT /Users/ID (RFC 7644 section 3.5.1). */
export async function replaceResource(exchange: Exchange, type: ScimTypeName): Promise<void> {
  const projection = projectionOf(exchange, type);
  const { push, request } = exchange;
  const preconditions = preconditionsOf(exchange);
  const now = await replaceScimResource(
    push,
    targetOf(exchange, type),
    request.body,
    preconditions,
    projection,
  );
  await sendResource(exchange, type, now, projection);
}

/**
 * PATCH /Users/ID (RFC 7644 section 3.5.2). A group is shown only to those who say what they want to see of it: its
 * members may be many, and nobody asks for them after each change.
 */
export async function patchResource(exchange: Exchange, type: ScimTypeName): Promise<void> {
  const projection = projectionOf(exchange, type);
  const { push, request, reply } = exchange;
  const shown = type === 'User' || projection.mode !== 'default' ? projection : undefined;
  const operations = parsePatchRequest(request.body, push.connection.profile);
  const now = await patchScimResource(
    push,
    targetOf(exchange, type),
    operations,
    preconditionsOf(exchange),
    shown,
  );
  if (shown !== undefined) return sendResource(exchange, type, now, shown);
  await reply.code(204).header('etag', renderEntityTag(now.version)).send();
}

/** DELETE /Users/ID (RFC 7644 section 3.6). */
export async function deleteResource(exchange: Exchange, type: ScimTypeName): Promise<void> {
  await deleteScimResource(exchange.push, targetOf(exchange, type), preconditionsOf(exchange));
  await exchange.reply.code(204).send();
}
