import { LockstepError } from '../../kernel/errors.ts';
import {
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
  type ScimResource,
} from '../../scim/resource.ts';
import type { ResourceModel } from '../../scim/schema/model.ts';
import { foldResource } from '../../store/queries/scim-fold.ts';
import type { ScimContent } from '../../store/queries/scim-writes.ts';

/** Longer values of these would not fit into an index. */
const indexed = ['userName', 'displayName', 'externalId'] as const;
const longestIndexed = 1000;

/** What is never kept: passwords are for the system that checks them. */
function isKept(model: ResourceModel, name: string): boolean {
  return model.attributes.find((each) => each.name === name)?.returned !== 'never';
}

function checkLength(attributes: JsonObject, name: string): void {
  const value = attributes[name];
  if (typeof value !== 'string' || Buffer.byteLength(value) <= longestIndexed) return;
  throw new LockstepError('InvalidValue', `"${name}" is longer than ${longestIndexed} bytes.`, {
    field: name,
  });
}

/**
 * What is kept of a resource, and what is kept elsewhere: a group's members are rows of their own.
 * @throws LockstepError InvalidValue for a name that is too long.
 */
export function contentOf(resource: ScimResource, model: ResourceModel): ScimContent {
  const attributes: Record<string, Json> = {};
  for (const [name, value] of Object.entries(resource)) {
    if (name !== 'members' && name !== 'id' && name !== 'meta' && isKept(model, name))
      attributes[name] = value;
  }
  for (const name of indexed) checkLength(attributes, name);
  return { attributes, folded: foldResource(attributes, model) };
}

/** Ids of the members that a written group has, each once. @throws LockstepError InvalidValue. */
export function memberIdsOf(resource: ScimResource): string[] {
  const { members } = resource;
  if (!isJsonList(members)) return [];
  const ids = members.map((member) => (isJsonObject(member) ? member['value'] : undefined));
  if (ids.every((id) => typeof id === 'string')) return [...new Set(ids)];
  throw new LockstepError('InvalidValue', 'Each of "members" must have a "value": the id of a resource.', {
    field: 'members',
  });
}
