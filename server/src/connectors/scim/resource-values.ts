import type { AttributeValue, Attributes } from '../../directory/attributes.ts';
import {
  findKey,
  foldCase,
  isJsonList,
  isJsonObject,
  readAttribute,
  type Json,
  type JsonObject,
  type ScimResource,
} from '../../scim/resource.ts';
import { isStorable } from '../../sync/storable.ts';
import { parseNotation, subAttributeOf, type Condition, type Notation } from './notation.ts';

/** Values of a resource under flat names. @throws LockstepError InvalidConfiguration for a name that is no notation. */
export function readFlat(resource: ScimResource, names: readonly string[]): Attributes {
  const attributes: Attributes = {};
  for (const name of names) {
    const values = readNotation(resource, parseNotation(name));
    if (values.length > 0) attributes[name] = values;
  }
  return attributes;
}

/** The attribute that a notation lies in, as the resource has it. */
export function findInResource(resource: ScimResource, notation: Notation): Json | undefined {
  const holder = findHolder(resource, notation.extension);
  return holder === undefined ? undefined : readAttribute(holder, notation.attribute);
}

function findHolder(resource: ScimResource, extension: string | undefined): JsonObject | undefined {
  if (extension === undefined) return resource;
  const key = findKey(resource, extension);
  const inner = key === undefined ? undefined : resource[key];
  return isJsonObject(inner) ? inner : undefined;
}

export function readNotation(resource: ScimResource, notation: Notation): AttributeValue[] {
  const value = findInResource(resource, notation);
  if (value === undefined) return [];
  const subAttribute = subAttributeOf(notation);
  const elements = isJsonList(value) ? value : [value];
  const texts = elements
    .filter((element) => notation.where.every((condition) => fulfils(element, condition)))
    .flatMap((element) => textsOf(element, subAttribute));
  return [...new Set(texts)];
}

/** Types and the like are not caseExact (RFC 7643 section 4.1.2); a flag that is not there is false. */
export function fulfils(element: Json, { subAttribute, value }: Condition): boolean {
  if (!isJsonObject(element)) return false;
  const present = readAttribute(element, subAttribute);
  if (typeof value === 'boolean') {
    const flag = typeof present === 'string' ? foldCase(present) === 'true' : present === true;
    return flag === value;
  }
  return typeof present === 'string' && foldCase(present) === foldCase(value);
}

function textsOf(element: Json, subAttribute: string | undefined): string[] {
  if (isJsonObject(element)) return scalarTexts(readAttribute(element, subAttribute ?? 'value'));
  // Some services give a list of plain texts where objects with a value belong.
  return subAttribute === undefined || subAttribute === 'value' ? scalarTexts(element) : [];
}

function scalarTexts(value: Json | undefined): string[] {
  if (isJsonList(value)) return value.flatMap((item) => scalarTexts(item));
  if (value === undefined || value === null || isJsonObject(value)) return [];
  const text = String(value);
  return text === '' ? [] : [text];
}

/** `active` of a user; some services answer with texts. */
export function readActive(resource: ScimResource): boolean | undefined {
  const value = readAttribute(resource, 'active');
  if (typeof value === 'boolean') return value;
  return typeof value === 'string' ? foldCase(value) === 'true' : undefined;
}

/** Ids of a group's members, each once; undefined where the resource does not say. */
export function readMembers(group: ScimResource): string[] | undefined {
  const key = findKey(group, 'members');
  if (key === undefined) return undefined;
  const members = group[key];
  const list = isJsonList(members) ? members : members === null || members === undefined ? [] : [members];
  return [...new Set(list.flatMap((member) => memberId(member) ?? []))];
}

function memberId(member: Json): string | undefined {
  if (typeof member === 'string') return member;
  if (!isJsonObject(member)) return undefined;
  const value = readAttribute(member, 'value');
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const reference = readAttribute(member, '$ref');
  return typeof reference === 'string' ? reference.split('/').at(-1) : undefined;
}

/** Of `.` and `..` an address would make another one: a request about the resource would be about the list. */
export function isUsableId(id: string): boolean {
  return isStorable(id) && id.length <= 1000 && id !== '.' && id !== '..';
}

/** The id of a resource; some services give numbers. */
export function idOf(resource: ScimResource): string | undefined {
  const id = readAttribute(resource, 'id');
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && isUsableId(id) ? id : undefined;
}
