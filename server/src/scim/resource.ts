/** A value of JSON, as SCIM resources and messages hold it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** A resource (RFC 7643 section 3): attributes under their names, extensions under their URNs. */
export type ScimResource = JsonObject;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** Attribute names and URNs are compared without regard to case (RFC 7643 section 2.1). */
export function foldCase(text: string): string {
  return text.toLowerCase();
}

/** The key of an object that means this attribute, in whatever case it is written. */
export function findKey(object: JsonObject, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  const folded = foldCase(name);
  return Object.keys(object).find((key) => foldCase(key) === folded);
}

/** The value of an attribute; null and absent are the same to SCIM (RFC 7643 section 2.5) and give undefined. */
export function readAttribute(object: JsonObject, name: string): Json | undefined {
  const key = findKey(object, name);
  return key === undefined ? undefined : (object[key] ?? undefined);
}

/** Whether a value counts as assigned: not null, not an empty list, not an object without values (RFC 7643 section 2.5). */
export function isAssigned(value: Json | undefined): value is Json {
  if (value === undefined || value === null) return false;
  if (isJsonList(value)) return value.some(isAssigned);
  if (isJsonObject(value)) return Object.values(value).some(isAssigned);
  return true;
}

/** Whether a required attribute would have this value for nothing: none, or a text of blanks. */
export function isBlank(value: Json | undefined): boolean {
  return !isAssigned(value) || (typeof value === 'string' && value.trim() === '');
}
