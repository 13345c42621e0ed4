import { LockstepError } from '../../kernel/errors.ts';
import { isAssigned, isJsonObject, type Json, type JsonObject, type ScimResource } from '../resource.ts';
import { sameJson } from '../same-json.ts';
import type { ScimAttribute } from './attribute.ts';
import type { ResourceModel } from './model.ts';
import {
  normalizeResource,
  type NormalizedResource,
  type NormalizeOptions,
  withSchemas,
} from './normalize.ts';

/**
 * The resource that a PUT makes of the current one (RFC 7644 section 3.5.1): what is not named becomes unassigned,
 * what only the server sets stays, what is set once and for all must be the same.
 * @throws {LockstepError} as normalizeResource, and NotMutable
 */
export function normalizeReplacement(
  body: unknown,
  current: ScimResource,
  model: ResourceModel,
  options: Omit<NormalizeOptions, 'readOnly' | 'partial'>,
): NormalizedResource {
  const { resource: written, ignored } = normalizeResource(body, model, options);
  const resource: Record<string, Json> = { ...written, ...kept(model.attributes, current, written, '') };
  for (const { id, attributes } of model.extensions) {
    const before = objectOf(current[id]);
    const after = objectOf(written[id]);
    const container = { ...after, ...kept(attributes, before, after, `${id}:`) };
    if (isAssigned(container)) resource[id] = container;
  }
  return { resource: withSchemas(resource, model), ignored };
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** What stays from before, whatever was written. */
function kept(
  definitions: readonly ScimAttribute[],
  before: JsonObject,
  after: JsonObject,
  prefix: string,
): JsonObject {
  const values: Record<string, Json> = {};
  for (const { name, mutability } of definitions) {
    const value = before[name];
    if (!isAssigned(value)) continue;
    if (mutability === 'immutable' && isAssigned(after[name]) && !sameJson(value, after[name])) {
      throw new LockstepError('NotMutable', `"${prefix}${name}" is set once and for all.`, {
        field: `${prefix}${name}`,
      });
    }
    if (mutability === 'immutable' || mutability === 'readOnly') values[name] = value;
  }
  return values;
}
