import { LockstepError } from '../../kernel/errors.ts';
import { foldCase, isJsonObject, type Json, readAttribute } from '../resource.ts';
import { findAttribute, type ScimAttribute } from './attribute.ts';

/**
 * A text that is equal for values of a multi-valued attribute that are the same: references by their id, others by
 * value and type (RFC 7643 section 2.4), those without a `value` by everything they hold but `primary`.
 */
export function valueIdentity(attribute: ScimAttribute, value: Json): string {
  if (!isJsonObject(value)) return scalarIdentity(attribute, value);
  const valueAttribute = findAttribute(attribute.subAttributes, 'value');
  const held = valueAttribute && readAttribute(value, 'value');
  if (valueAttribute === undefined || held === undefined) return canonical(value);
  const key = scalarIdentity(valueAttribute, held);
  if (findAttribute(attribute.subAttributes, '$ref') !== undefined) return key;
  const type = readAttribute(value, 'type');
  return `${key} ${typeof type === 'string' ? foldCase(type) : ''}`;
}

function scalarIdentity({ caseExact }: ScimAttribute, value: Json): string {
  return JSON.stringify(typeof value === 'string' && !caseExact ? foldCase(value) : value);
}

function canonical(value: Json): string {
  if (!isJsonObject(value)) return JSON.stringify(value);
  const names = Object.keys(value).filter((name) => name !== 'primary');
  return JSON.stringify(names.sort().map((name) => [name, value[name]]));
}

/** Adds values to those there are, in time linear in both; one that is there already is brought up to date in its place. */
export function mergeValues(
  attribute: ScimAttribute,
  current: readonly Json[],
  added: readonly Json[],
): Json[] {
  const merged = new Map<string, Json>();
  for (const value of [...current, ...added]) {
    const identity = valueIdentity(attribute, value);
    const before = merged.get(identity);
    merged.set(identity, isJsonObject(before) && isJsonObject(value) ? { ...before, ...value } : value);
  }
  return keepOnePrimary([...merged.values()], attribute, added);
}

/** The values without those that are the same as one of `removed`; a removed value without a type means every type. */
export function subtractValues(
  attribute: ScimAttribute,
  current: readonly Json[],
  removed: readonly Json[],
): Json[] {
  const identities = new Set(removed.map((value) => valueIdentity(attribute, value)));
  const untyped = new Set(removed.filter(lacksType).map((value) => valueIdentity(attribute, value)));
  return current.filter((value) => {
    if (identities.has(valueIdentity(attribute, value))) return false;
    return (
      untyped.size === 0 ||
      !isJsonObject(value) ||
      !untyped.has(valueIdentity(attribute, { ...value, type: null }))
    );
  });
}

function lacksType(value: Json): boolean {
  return isJsonObject(value) && readAttribute(value, 'type') === undefined;
}

/** Whether a value is marked as the preferred one. */
export function isPrimary(value: Json): boolean {
  return isJsonObject(value) && value['primary'] === true;
}

/**
 * Where a written value is primary, all others are no more (RFC 7644 section 3.5.2).
 * @throws {LockstepError} InvalidValue if several of the written ones are.
 */
export function keepOnePrimary(values: Json[], attribute: ScimAttribute, written: readonly Json[]): Json[] {
  const primary = written.filter(isPrimary);
  if (primary.length === 0) return values;
  const identities = new Set(primary.map((value) => valueIdentity(attribute, value)));
  if (identities.size > 1) {
    throw new LockstepError('InvalidValue', `Only one value of "${attribute.name}" can be primary.`, {
      field: attribute.name,
    });
  }
  return values.map((value) =>
    isPrimary(value) && !identities.has(valueIdentity(attribute, value)) && isJsonObject(value)
      ? { ...value, primary: false }
      : value,
  );
}
