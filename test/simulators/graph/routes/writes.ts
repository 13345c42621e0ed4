import { badRequest, invalidValue, malformed } from '../graph-error.ts';
import { asStrings, isJsonObject, type JsonObject } from '../json.ts';
import { findRule, type PropertyRule } from '../odata/properties.ts';
import { resourceNames, type ObjectType } from '../state/directory-object.ts';

/** The body of a write as an object. @throws GraphError 400 */
export function bodyOf(body: unknown): JsonObject {
  if (isJsonObject(body)) return body;
  throw malformed(
    'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
  );
}

/**
 * The properties that a body sets, checked by their rules; annotations such as `members@odata.bind` are left out.
 * Empty text is refused as the service does: a property is cleared by null.
 * @throws GraphError 400
 */
export function checkProperties(type: ObjectType, body: JsonObject): JsonObject {
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.includes('@')) continue;
    const rule = findRule(type, name);
    if (!rule)
      throw malformed(
        `Property '${name}' does not exist on type 'microsoft.graph.${type}'. Make sure to only use property names that are defined by the type.`,
      );
    if (rule.readOnly) throw badRequest(`Property '${name}' is read-only and cannot be set.`);
    if (!fits(rule, value)) throw invalidValue(name, resourceNames[type]);
    if (!rule.writeOnly) properties[name] = value;
  }
  return properties;
}

/** @throws GraphError 400 naming the first one that is missing. */
export function requireProperties(type: ObjectType, body: JsonObject, names: readonly string[]): void {
  for (const name of names)
    if (body[name] === undefined || body[name] === null || body[name] === '')
      throw badRequest(`A value is required for property '${name}' of resource '${resourceNames[type]}'.`, [
        { code: 'MissingValue', target: name, message: `A value is required for property '${name}'.` },
      ]);
}

function fits(rule: PropertyRule, value: unknown): boolean {
  if (value === null) return !rule.required;
  switch (rule.type) {
    case 'string':
      return typeof value === 'string' && value !== '' && value.length <= (rule.maxLength ?? Infinity);
    case 'dateTime':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value));
    case 'boolean':
      return typeof value === 'boolean';
    case 'strings':
      return fitsList(rule, asStrings(value));
    case 'object':
      return isJsonObject(value);
    case 'objects':
      return Array.isArray(value) && value.every(isJsonObject);
    default:
      return rule.type satisfies never;
  }
}

function fitsList(rule: PropertyRule, values: readonly string[] | undefined): boolean {
  if (!values || values.length > (rule.maxItems ?? Infinity)) return false;
  return values.every((value) => value !== '' && value.length <= (rule.maxLength ?? Infinity));
}
