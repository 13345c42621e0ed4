/**
 * Attribute values are kept verbatim (DESIGN: multi-valued, untrimmed, with their bytes):
 * a string when the bytes are valid UTF-8 without NUL, the bytes themselves otherwise.
 */
export type AttributeValue = string | Uint8Array;
/** Name to values; an attribute without values is absent, never an empty list. */
export type Attributes = Record<string, readonly AttributeValue[]>;

/** A value in JSON: text as a string, bytes as `{"$base64": "..."}`. */
export type JsonValue = string | { $base64: string };
export type JsonAttributes = Record<string, readonly JsonValue[]>;

export function valueToJson(value: AttributeValue): JsonValue {
  if (typeof value === 'string') return value;
  return { $base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
}

export function valueFromJson(value: JsonValue): AttributeValue {
  return typeof value === 'string' ? value : Buffer.from(value.$base64, 'base64');
}

const isText = (value: AttributeValue): value is string => typeof value === 'string';

const isJsonText = (value: JsonValue): value is string => typeof value === 'string';

export function attributesToJson(attributes: Attributes): JsonAttributes {
  const json: JsonAttributes = {};
  for (const name in attributes) {
    const values = attributes[name] ?? [];
    json[name] = values.every(isText) ? values : values.map(valueToJson);
  }
  return json;
}

export function attributesFromJson(json: JsonAttributes): Attributes {
  const attributes: Attributes = {};
  for (const name in json) {
    const values = json[name] ?? [];
    attributes[name] = values.every(isJsonText) ? values : values.map(valueFromJson);
  }
  return attributes;
}

/** A text of the value that is equal exactly when the bytes are: for sets and comparison. */
export function valueKey(value: AttributeValue): string {
  if (typeof value === 'string') return `t${value}`;
  return `b${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`;
}

/** Whether two lists hold the same values; values of an attribute are a set (RFC 4511 section 4.1.7). */
export function sameValues(
  left: readonly AttributeValue[] | undefined,
  right: readonly AttributeValue[] | undefined,
): boolean {
  const a = left ?? [];
  const b = right ?? [];
  if (a.length !== b.length) return false;
  if (a.length === 1) return valueKey(a[0] as AttributeValue) === valueKey(b[0] as AttributeValue);
  const keys = new Set(a.map(valueKey));
  return b.every((value) => keys.has(valueKey(value)));
}

/** The values of an attribute, whose name may be one that every object answers to, such as `constructor`. */
export function valuesOf(attributes: Attributes, name: string): readonly AttributeValue[] | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

/** The first value as text, or undefined when there is none or it is binary. */
export function firstText(attributes: Attributes, name: string): string | undefined {
  const value = valuesOf(attributes, name)?.[0];
  return typeof value === 'string' ? value : undefined;
}
