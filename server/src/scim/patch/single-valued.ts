import { LockstepError } from '../../kernel/errors.ts';
import { isAssigned, isJsonObject, type Json, type JsonObject } from '../resource.ts';
import type { ScimAttribute } from '../schema/attribute.ts';
import { normalizeValue, unassignedNames, type ValueRules } from '../schema/normalize-value.ts';
import { sameJson } from '../same-json.ts';
import type { PatchEdit } from './edit.ts';

/**
 * The value of a single-valued attribute after an edit, null where it becomes unassigned. Of a complex one,
 * sub-attributes that are not named stay (RFC 7644 sections 3.5.2.1 and 3.5.2.3).
 * @throws {LockstepError} InvalidValue, NotMutable
 */
export function editValue(
  { op, target, value = null }: PatchEdit,
  current: Json | undefined,
  rules: ValueRules,
): Json {
  const { attribute, subAttribute, written } = target;
  const object = isJsonObject(current) ? current : {};
  if (subAttribute !== undefined) {
    return setMember(object, subAttribute, op === 'remove' ? null : value, written, rules);
  }
  if (op === 'remove') return null;
  const normal = normalizeValue(attribute, value, written, rules) ?? null;
  if (attribute.type !== 'complex' || !isJsonObject(value)) return normal;
  const definitions = attribute.subAttributes ?? [];
  const unassigned = new Set(unassignedNames(definitions, value));
  for (const { name, mutability } of definitions) {
    const after = isJsonObject(normal) ? normal[name] : undefined;
    if (mutability === 'immutable')
      checkImmutable(object[name], unassigned.has(name) ? null : after, `${written}.${name}`);
  }
  const kept = Object.entries(object).filter(([name]) => !unassigned.has(name));
  return { ...Object.fromEntries(kept), ...(isJsonObject(normal) ? normal : {}) };
}

/** An object with one sub-attribute set, or unassigned by null. @throws {LockstepError} InvalidValue, NotMutable */
export function setMember(
  object: JsonObject,
  definition: ScimAttribute,
  value: Json,
  written: string,
  rules: ValueRules,
): JsonObject {
  const normal = normalizeValue(definition, value, written, rules) ?? null;
  if (definition.mutability === 'immutable') checkImmutable(object[definition.name], normal, written);
  if (normal === null && definition.required) throw notMutable(written, 'is required');
  const { [definition.name]: _before, ...others } = object;
  return normal === null ? others : { ...others, [definition.name]: normal };
}

/** @throws {LockstepError} NotMutable if a value that is set once and for all would change; undefined leaves it. */
export function checkImmutable(before: Json | undefined, after: Json | undefined, written: string): void {
  if (isAssigned(before) && after !== undefined && !sameJson(before, after)) {
    throw notMutable(written, 'is set once and for all');
  }
}

export function notMutable(path: string, reason: string): LockstepError {
  return new LockstepError('NotMutable', `"${path}" ${reason}.`, { field: path });
}
