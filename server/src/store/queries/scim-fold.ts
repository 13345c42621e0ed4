import type { ScimAttribute } from '../../scim/schema/attribute.ts';
import { findInstant } from '../../scim/schema/date-time.ts';
import { findExtension, findModelAttribute, type ResourceModel } from '../../scim/schema/model.ts';
import {
  foldCase,
  isAssigned,
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
} from '../../scim/resource.ts';

/** What is no time, left from a schema that was different, stays the text that it is. */
function foldTime(text: string): string {
  const instant = findInstant(text);
  return instant === undefined ? text : new Date(instant).toISOString();
}

function foldValue(value: Json, definition: ScimAttribute | undefined): Json {
  if (isJsonList(value)) return value.filter(isAssigned).map((item) => foldValue(item, definition));
  if (isJsonObject(value)) return foldMembers(value, (name) => subAttribute(definition, name));
  if (typeof value !== 'string' || definition === undefined) return value;
  if (definition.type === 'dateTime') return foldTime(value);
  return definition.caseExact ? value : foldCase(value);
}

function subAttribute(definition: ScimAttribute | undefined, name: string): ScimAttribute | undefined {
  return definition?.subAttributes?.find((sub) => sub.name === name);
}

function foldMembers(object: JsonObject, find: (name: string) => ScimAttribute | undefined): JsonObject {
  const folded: Record<string, Json> = {};
  for (const [name, value] of Object.entries(object)) {
    if (isAssigned(value)) folded[name] = foldValue(value, find(name));
  }
  return folded;
}

/**
 * The attributes of a resource as filters and sorting compare them: without letter case where the schema does not
 * regard it, times in UTC, and without what counts as unassigned (RFC 7643 section 2.5), so that a key that is there
 * has a value. Names must be spelled as the schema spells them.
 */
export function foldResource(resource: JsonObject, model: ResourceModel): JsonObject {
  const folded: Record<string, Json> = {};
  for (const [name, value] of Object.entries(resource)) {
    if (!isAssigned(value)) continue;
    const extension = findExtension(model, name);
    folded[name] =
      extension !== undefined && isJsonObject(value)
        ? foldMembers(value, (member) => findModelAttribute(model, extension.id, member)?.attribute)
        : foldValue(value, findModelAttribute(model, undefined, name)?.attribute);
  }
  return folded;
}
