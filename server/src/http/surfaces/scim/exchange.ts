import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Push, ScimTypeName } from '../../../app/scim/push.ts';
import { modelOf } from '../../../app/scim/push.ts';
import type { ScimView } from '../../../app/scim/resource-view.ts';
import { renderEntityTag, type Preconditions } from '../../../scim/entity-tag.ts';
import { parseListQuery } from '../../../scim/listing/list-request.ts';
import { parseProjection, projectResource, type Projection } from '../../../scim/projection.ts';
import { pageLimits } from '../../../app/scim/listing.ts';
import { sendJson } from './media-type.ts';

/** A request that was let in, and the place for its answer. */
export interface Exchange {
  readonly push: Push;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export type Query = Readonly<Record<string, unknown>>;

export function queryOf({ request }: Exchange): Query {
  return request.query as Query;
}

/** Attributes that are asked for in the query (RFC 7644 section 3.9). @throws LockstepError InvalidValue. */
export function projectionOf(exchange: Exchange, type: ScimTypeName): Projection {
  return parseProjection(parseListQuery(queryOf(exchange), pageLimits), modelOf(exchange.push, type));
}

export function preconditionsOf({ request }: Exchange): Preconditions {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
  return { ifMatch, ifNoneMatch };
}

/** Sends a resource with what its client needs to find it again and to change this version of it. */
export async function sendResource(
  { push, request, reply }: Exchange,
  type: ScimTypeName,
  { resource, version, location }: ScimView,
  projection: Projection,
): Promise<void> {
  void reply.header('etag', renderEntityTag(version));
  void reply.header(reply.statusCode === 201 ? 'location' : 'content-location', location);
  await sendJson(request, reply, projectResource(resource, modelOf(push, type), projection));
}
