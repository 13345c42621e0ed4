import type { AttributeValue } from '../../directory/attributes.ts';
import {
  findKey,
  foldCase,
  isJsonList,
  isJsonObject,
  readAttribute,
  type Json,
  type JsonObject,
} from '../../scim/resource.ts';
import { groupSchemaUrn, userSchemaUrn } from '../../scim/urns.ts';
import { definitionOf, type Definition } from './definitions.ts';
import type { ResourceShape } from './discovery.ts';
import type { ScimKind } from './naming.ts';
import { attributeKey, parseNotation, subAttributeOf, type Notation } from './notation.ts';
import { findInResource, fulfils } from './resource-values.ts';

/** Flat names to all their values; an empty list takes them away. */
export type FlatValues = Readonly<Record<string, readonly AttributeValue[]>>;

/** Values of one flat name, ready to be put into a resource. */
export interface Piece {
  readonly notation: Notation;
  readonly definition: Definition;
  readonly subAttribute: string | undefined;
  readonly values: readonly Json[];
}

/** Flat values by the attribute of the resource that they are parts of. */
export function piecesOf(set: FlatValues, shape: ResourceShape | undefined): Map<string, Piece[]> {
  const pieces = Object.entries(set).map(([name, values]): Piece => {
    const notation = parseNotation(name);
    const definition = definitionOf(shape, notation);
    return {
      notation,
      definition,
      subAttribute: subAttributeOf(notation) ?? (definition.isComplex ? 'value' : undefined),
      values: values.map((value) => toJson(value, definition)),
    };
  });
  return Map.groupBy(pieces, ({ notation }) => attributeKey(notation));
}

function toJson(value: AttributeValue, { type }: Definition): Json {
  if (typeof value !== 'string') return Buffer.from(value).toString('base64');
  if (type === 'boolean') return foldCase(value) === 'true';
  return type === 'integer' || type === 'decimal' ? Number(value) : value;
}

/** A new resource. Attributes that are not set have no place in it. */
export function composeResource(
  kind: ScimKind,
  set: FlatValues,
  shape: ResourceShape | undefined,
  more: JsonObject = {},
): JsonObject {
  const core = kind === 'user' ? userSchemaUrn : groupSchemaUrn;
  return overlay({ schemas: [core], ...more }, set, shape);
}

/** The resource with these values in place of its own; everything else in it stays. */
export function overlay(resource: JsonObject, set: FlatValues, shape: ResourceShape | undefined): JsonObject {
  let result = resource;
  for (const pieces of piecesOf(set, shape).values()) {
    const [first] = pieces;
    if (first === undefined) continue;
    const value = mergeAttribute(findInResource(result, first.notation), pieces);
    result = withAttribute(result, first.notation, value);
  }
  return result;
}

/** The value of an attribute once its pieces are put in; undefined when nothing is left of it. */
export function mergeAttribute(before: Json | undefined, pieces: readonly Piece[]): Json | undefined {
  const [first] = pieces;
  if (first === undefined) return before;
  if (first.definition.isList) return mergeList(before, pieces);
  if (first.subAttribute === undefined) return first.values[0];
  let object = isJsonObject(before ?? null) ? (before as JsonObject) : {};
  if (pieces.some(({ subAttribute }) => subAttribute === 'value')) object = withoutDescription(object);
  for (const { subAttribute = 'value', values } of pieces)
    object = withMember(object, subAttribute, values[0]);
  return Object.keys(object).length === 0 ? undefined : object;
}

/** What a reference says of the object it leads to, which is another one now. */
function withoutDescription(object: JsonObject): JsonObject {
  const kept = Object.entries(object).filter(
    ([name]) => !['$ref', 'display', 'displayname'].includes(foldCase(name)),
  );
  return Object.fromEntries(kept);
}

function mergeList(before: Json | undefined, pieces: readonly Piece[]): Json | undefined {
  const present = before === undefined ? [] : isJsonList(before) ? before : [before];
  let elements: readonly Json[] = present;
  for (const piece of pieces) elements = mergeElements(elements, piece);
  const kept = elements.filter((element) => !isJsonObject(element) || says(element));
  if (kept.length === 0) return undefined;
  return isEmails(pieces) ? withPrimary(kept) : kept;
}

/** Whether an element says more than what sort of element it is. */
function says(element: JsonObject): boolean {
  return Object.keys(element).some((name) => !['type', 'primary'].includes(foldCase(name)));
}

function mergeElements(
  elements: readonly Json[],
  { notation, subAttribute, values, definition }: Piece,
): readonly Json[] {
  if (!definition.isComplex || subAttribute === undefined) return values;
  if (foldCase(subAttribute) === 'value') return mergeValues(elements, notation, values);
  const index = elements.findIndex((element) => isMeant(element, notation));
  if (index < 0)
    return values[0] === undefined ? elements : [...elements, newElement(notation, subAttribute, values[0])];
  const element = elements[index] as JsonObject;
  return elements.with(index, withMember(element, subAttribute, values[0]));
}

/** Elements that have a wanted value stay as they are, those that have another one go, and the rest is added. */
function mergeValues(
  elements: readonly Json[],
  notation: Notation,
  values: readonly Json[],
): readonly Json[] {
  const kept = elements.filter(
    (element) => !isMeant(element, notation) || values.includes(valueOf(element) ?? null),
  );
  const there = new Set(kept.filter((element) => isMeant(element, notation)).map(valueOf));
  const added = values
    .filter((value) => !there.has(value))
    .map((value) => newElement(notation, 'value', value));
  return [...kept, ...added];
}

function isMeant(element: Json, { where }: Notation): boolean {
  return isJsonObject(element) && where.every((condition) => fulfils(element, condition));
}

function valueOf(element: Json): Json | undefined {
  return isJsonObject(element) ? readAttribute(element, 'value') : element;
}

function newElement({ where }: Notation, subAttribute: string, value: Json): JsonObject {
  const conditions = where.filter((condition) => condition.value !== false);
  return {
    ...Object.fromEntries(conditions.map((condition) => [condition.subAttribute, condition.value])),
    [subAttribute]: value,
  };
}

function isEmails(pieces: readonly Piece[]): boolean {
  return pieces[0] !== undefined && attributeKey(pieces[0].notation) === 'emails';
}

function isPrimary(element: Json): boolean {
  return fulfils(element, { subAttribute: 'primary', value: true });
}

/** Many services demand an address to write to: the first, where none is marked. */
function withPrimary(elements: readonly Json[]): readonly Json[] {
  const [first] = elements;
  if (elements.some(isPrimary) || first === undefined || !isJsonObject(first)) return elements;
  return elements.with(0, withMember(first, 'primary', true));
}

function withMember(object: JsonObject, name: string, value: Json | undefined): JsonObject {
  const key = findKey(object, name) ?? name;
  const { [key]: _, ...rest } = object;
  return value === undefined ? rest : { ...rest, [key]: value };
}

function withAttribute(
  resource: JsonObject,
  { extension, attribute }: Notation,
  value: Json | undefined,
): JsonObject {
  if (extension === undefined) return withMember(resource, attribute, value);
  const key = findKey(resource, extension) ?? extension;
  const inner = resource[key];
  const changed = withMember(isJsonObject(inner ?? null) ? (inner as JsonObject) : {}, attribute, value);
  if (Object.keys(changed).length === 0) return withMember(resource, key, undefined);
  return withSchema({ ...resource, [key]: changed }, key);
}

/** RFC 7643 section 3: `schemas` names every extension that the resource uses. */
function withSchema(resource: JsonObject, urn: string): JsonObject {
  const key = findKey(resource, 'schemas') ?? 'schemas';
  const listed = resource[key];
  const schemas = isJsonList(listed) ? listed : [];
  const isThere = schemas.some((schema) => typeof schema === 'string' && foldCase(schema) === foldCase(urn));
  return isThere ? resource : { ...resource, [key]: [...schemas, urn] };
}
