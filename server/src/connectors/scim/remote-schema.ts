import {
  foldCase,
  isJsonList,
  isJsonObject,
  readAttribute,
  type Json,
  type JsonObject,
} from '../../scim/resource.ts';
import { attribute, complex, type AttributeType, type ScimAttribute } from '../../scim/schema/attribute.ts';

const types: readonly AttributeType[] = [
  'string',
  'boolean',
  'decimal',
  'integer',
  'dateTime',
  'reference',
  'binary',
  'complex',
];
const mutabilities: readonly ScimAttribute['mutability'][] = [
  'readOnly',
  'readWrite',
  'immutable',
  'writeOnly',
];
const returns: readonly ScimAttribute['returned'][] = ['always', 'never', 'default', 'request'];

/** A schema as a service serves it; what it leaves out has the defaults of RFC 7643 section 2.2. */
export function parseSchema(
  json: unknown,
): { readonly id: string; readonly attributes: readonly ScimAttribute[] } | undefined {
  if (!isJsonObject(json)) return undefined;
  const id = readAttribute(json, 'id');
  if (typeof id !== 'string' || id === '') return undefined;
  return { id, attributes: parseAttributes(readAttribute(json, 'attributes')) };
}

function parseAttributes(json: Json | undefined): ScimAttribute[] {
  return isJsonList(json) ? json.flatMap((each) => (isJsonObject(each) ? parseAttribute(each) : [])) : [];
}

function parseAttribute(json: JsonObject): ScimAttribute[] {
  const name = readAttribute(json, 'name');
  if (typeof name !== 'string' || name === '') return [];
  const subAttributes = parseAttributes(readAttribute(json, 'subAttributes'));
  const type = oneOf(types, readAttribute(json, 'type')) ?? (subAttributes.length > 0 ? 'complex' : 'string');
  const characteristics = {
    multiValued: flag(json, 'multiValued') ?? false,
    required: flag(json, 'required') ?? false,
    caseExact: flag(json, 'caseExact') ?? false,
    mutability: oneOf(mutabilities, readAttribute(json, 'mutability')) ?? 'readWrite',
    returned: oneOf(returns, readAttribute(json, 'returned')) ?? 'default',
  };
  if (type === 'complex') return [complex(name, '', subAttributes, characteristics)];
  return [attribute(name, type, '', characteristics)];
}

function flag(json: JsonObject, name: string): boolean | undefined {
  const value = readAttribute(json, name);
  if (typeof value === 'string') return foldCase(value) === 'true';
  return typeof value === 'boolean' ? value : undefined;
}

function oneOf<Value extends string>(values: readonly Value[], given: Json | undefined): Value | undefined {
  return typeof given === 'string' ? values.find((value) => foldCase(value) === foldCase(given)) : undefined;
}
