import type { Json, ScimResource } from '../../scim/resource.ts';
import type { ScimMember, ScimRecord } from '../../store/queries/scim-record.ts';
import { endpointOfKind, locationOf, modelOf, type Push, type ScimTypeName } from './push.ts';

/** A resource as it is shown. */
export interface ScimView {
  readonly resource: ScimResource;
  readonly id: string;
  /** What its entity tag is made from. */
  readonly version: string;
  readonly location: string;
}

function showMember({ id, kind, display }: ScimMember, baseUrl: string, type: string): Json {
  return {
    value: id,
    $ref: `${baseUrl}${endpointOfKind[kind]}/${id}`,
    type,
    ...(display === null ? {} : { display }),
  };
}

const typeOf = ({ kind }: ScimMember) => (kind === 'group' ? 'Group' : 'User');

/** Members of a group, or groups of a user, as an attribute; none is an attribute without a value. */
function showRelated(type: ScimTypeName, related: readonly ScimMember[], baseUrl: string): ScimResource {
  if (related.length === 0) return {};
  if (type === 'User') return { groups: related.map((each) => showMember(each, baseUrl, 'direct')) };
  return { members: related.map((each) => showMember(each, baseUrl, typeOf(each))) };
}

/** The whole resource of a record (RFC 7643 section 3) with the memberships that were loaded, before attributes are chosen from it. */
export function showResource(push: Push, type: ScimTypeName, record: ScimRecord): ScimView {
  const { id, attributes, revision, related } = record;
  const { schemas, ...rest } = attributes;
  const location = locationOf(push, type, id);
  const version = String(revision);
  const resource: ScimResource = {
    schemas: schemas ?? [modelOf(push, type).core.id],
    id,
    ...rest,
    ...showRelated(type, related ?? [], push.baseUrl),
    meta: {
      resourceType: type,
      created: record.createdAt.toISOString(),
      lastModified: record.modifiedAt.toISOString(),
      version: `W/"${version}"`,
      location,
    },
  };
  return { resource, id, version, location };
}
