import { LockstepError } from '../../kernel/errors.ts';
import type { ScimProfile } from '../profile.ts';
import { foldCase, isAssigned, isJsonList, isJsonObject, type Json, type JsonObject } from '../resource.ts';
import { findAttribute, type ScimAttribute } from './attribute.ts';
import { findScalar } from './coerce.ts';
import { mergeValues } from './multi-value.ts';

export interface ValueRules {
  readonly profile: ScimProfile;
  /** Whether what only the server may set stays in: in answers of a service, not in requests. */
  readonly readOnly: 'drop' | 'keep';
  /** Told the path of everything that is passed over. */
  readonly ignore: (path: string) => void;
}

/**
 * A value in the form its definition asks for: names in their proper case, types checked and coerced, duplicates
 * merged. Undefined where nothing is left (RFC 7643 section 2.5).
 * @throws {LockstepError} InvalidValue, RequiredValueMissing
 */
export function normalizeValue(
  attribute: ScimAttribute,
  value: Json,
  path: string,
  rules: ValueRules,
): Json | undefined {
  if (value === null) return undefined;
  if (!attribute.multiValued)
    return normalizeSingle(attribute, unwrap(attribute, value, path, rules), path, rules);
  const values = normalizeList(attribute, value, path, rules);
  return values.length === 0 ? undefined : mergeValues(attribute, [], values);
}

/** The values of a multi-valued attribute one by one, duplicates and all. @throws {LockstepError} InvalidValue */
export function normalizeList(
  attribute: ScimAttribute,
  value: Json,
  path: string,
  rules: ValueRules,
): Json[] {
  if (!isJsonList(value) && !rules.profile.scalarComplex) throw fault(path, 'must be a list');
  const list = isJsonList(value) ? value : [value];
  return list.flatMap((each, index) => {
    const normal = each === null ? undefined : normalizeSingle(attribute, each, `${path}[${index}]`, rules);
    return normal === undefined ? [] : [normal];
  });
}

function unwrap(attribute: ScimAttribute, value: Json, path: string, { profile }: ValueRules): Json {
  if (!isJsonList(value)) return value;
  if (value.length === 0) return null;
  if (!profile.scalarComplex || value.length > 1)
    throw fault(path, `must be one ${attribute.type}, not a list`);
  return value[0] ?? null;
}

function normalizeSingle(
  attribute: ScimAttribute,
  value: Json,
  path: string,
  rules: ValueRules,
): Json | undefined {
  if (value === null) return undefined;
  if (attribute.type === 'complex') return normalizeComplex(attribute, value, path, rules);
  const scalar = findScalar(attribute, value, rules.profile.textualValues);
  if (scalar === undefined) throw fault(path, `must be of type ${attribute.type}`);
  return scalar;
}

function normalizeComplex(
  attribute: ScimAttribute,
  value: Json,
  path: string,
  rules: ValueRules,
): Json | undefined {
  if (isJsonObject(value)) {
    const normal = normalizeMembers(attribute.subAttributes ?? [], value, path, rules);
    return isAssigned(normal) ? normal : undefined;
  }
  if (!rules.profile.scalarComplex || isJsonList(value) || !findAttribute(attribute.subAttributes, 'value')) {
    throw fault(path, 'must be an object');
  }
  // An empty string in the place of an object is how some clients say that there is none.
  return value === '' ? undefined : normalizeComplex(attribute, { value }, path, rules);
}

/** The members of an object, by definitions of theirs; a name that is written twice in different case counts once. */
function normalizeMembers(
  definitions: readonly ScimAttribute[],
  object: JsonObject,
  path: string,
  rules: ValueRules,
): JsonObject {
  const normal: Record<string, Json> = {};
  for (const [name, value] of Object.entries(object)) {
    const definition = findAttribute(definitions, name);
    const member = `${path}.${name}`;
    if (definition === undefined) rules.ignore(member);
    else if (definition.mutability !== 'readOnly' || rules.readOnly === 'keep') {
      const kept = normalizeValue(definition, value, member, rules);
      if (kept !== undefined) normal[definition.name] = kept;
    }
  }
  const missing = definitions.find((each) => each.required && !isAssigned(normal[each.name]));
  if (missing !== undefined && rules.readOnly === 'drop') throw requiredFault(`${path}.${missing.name}`);
  return normal;
}

export function requiredFault(path: string): LockstepError {
  return new LockstepError('RequiredValueMissing', `"${path}" is required.`, { field: path });
}

function fault(path: string, demand: string): LockstepError {
  return new LockstepError('InvalidValue', `"${path}" ${demand}.`, { field: path });
}

/** Names of the keys of an object whose value says "unassigned". */
export function unassignedNames(definitions: readonly ScimAttribute[], object: JsonObject): string[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const definition = isAssigned(value) ? undefined : findAttribute(definitions, name);
    return definition === undefined ? [] : [definition.name];
  });
}

export function sameName(left: string, right: string): boolean {
  return foldCase(left) === foldCase(right);
}
