import { LockstepError } from '../kernel/errors.ts';
import type { ResolvedPath } from './filter/resolved.ts';
import { findAttributePath } from './path/attribute-path.ts';
import { findResolvedPath } from './path/resolve.ts';
import {
  isAssigned,
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
  type ScimResource,
} from './resource.ts';
import type { ScimAttribute } from './schema/attribute.ts';
import { findExtension, type ResourceModel } from './schema/model.ts';

/** Which attributes an answer has (RFC 7644 section 3.9): those asked for, or the default ones without those excluded. */
export interface Projection {
  readonly mode: 'default' | 'only' | 'without';
  readonly names: readonly ProjectedName[];
}

/** An attribute, a sub-attribute, or an extension as a whole. */
export type ProjectedName = ResolvedPath | { readonly extension: string; readonly attribute: undefined };

export interface ProjectionRequest {
  /** Names, in a list or separated by commas. */
  readonly attributes?: string | readonly string[] | undefined;
  readonly excludedAttributes?: string | readonly string[] | undefined;
}

/**
 * Names that the model does not have ask for nothing and are passed over.
 * @throws {LockstepError} InvalidValue if both lists are given: they exclude each other
 */
export function parseProjection(request: ProjectionRequest, model: ResourceModel): Projection {
  const only = splitNames(request.attributes);
  const without = splitNames(request.excludedAttributes);
  if (only.length > 0 && without.length > 0) {
    throw new LockstepError('InvalidValue', '"attributes" and "excludedAttributes" exclude each other.', {
      field: 'excludedAttributes',
    });
  }
  if (only.length > 0) return { mode: 'only', names: only.flatMap((name) => resolveName(name, model)) };
  if (without.length > 0)
    return { mode: 'without', names: without.flatMap((name) => resolveName(name, model)) };
  return { mode: 'default', names: [] };
}

function splitNames(names: string | readonly string[] | undefined): string[] {
  const list = typeof names === 'string' ? [names] : (names ?? []);
  return list.flatMap((each) => each.split(',')).flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}

function resolveName(name: string, model: ResourceModel): ProjectedName[] {
  const extension = findExtension(model, name);
  if (extension !== undefined) return [{ extension: extension.id, attribute: undefined }];
  const path = findAttributePath(name);
  const resolved = path && findResolvedPath(path, model);
  return resolved === undefined ? [] : [resolved];
}

/** Whether an attribute of the core can be in the answer: what costs to load need not be loaded if it cannot. */
export function includesAttribute(projection: Projection, model: ResourceModel, name: string): boolean {
  const attribute = model.attributes.find((each) => each.name === name);
  return attribute !== undefined && selectionOf(projection, undefined, attribute) !== 'none';
}

/** The resource as the answer has it: `always` and `never` hold whatever was asked for. */
export function projectResource(
  resource: ScimResource,
  model: ResourceModel,
  projection: Projection,
): ScimResource {
  const projected: Record<string, Json> = {
    ...projectObject(resource, model.attributes, undefined, projection),
  };
  for (const { id, attributes } of model.extensions) {
    const container = resource[id];
    if (!isJsonObject(container)) continue;
    const kept = projectObject(container, attributes, id, projection);
    if (isAssigned(kept)) projected[id] = kept;
  }
  return projected;
}

type Selection =
  'all' | 'none' | { readonly mode: 'only' | 'without'; readonly subAttributes: ReadonlySet<string> };

function projectObject(
  object: JsonObject,
  definitions: readonly ScimAttribute[],
  extension: string | undefined,
  projection: Projection,
): JsonObject {
  const kept: Record<string, Json> = {};
  for (const definition of definitions) {
    const value = object[definition.name];
    if (value === undefined) continue;
    const projected = projectValue(value, definition, selectionOf(projection, extension, definition));
    if (projected !== undefined) kept[definition.name] = projected;
  }
  return kept;
}

function selectionOf(
  { mode, names }: Projection,
  extension: string | undefined,
  definition: ScimAttribute,
): Selection {
  const { returned, subAttributes = [] } = definition;
  if (returned === 'never') return 'none';
  const named = names.filter(
    (each) => each.extension === extension && (each.attribute ?? definition) === definition,
  );
  const whole = named.some((each) => each.attribute === undefined || each.subAttribute === undefined);
  const parts = new Set(
    named.flatMap((each) => (each.attribute && each.subAttribute ? [each.subAttribute.name] : [])),
  );
  const always = returned === 'always';
  if (mode === 'only') {
    if (whole) return 'all';
    if (parts.size > 0) return { mode, subAttributes: parts };
    return always
      ? 'all'
      : subAttributes.some((each) => each.returned === 'always')
        ? { mode, subAttributes: parts }
        : 'none';
  }
  if (returned === 'request' || (whole && !always)) return 'none';
  return parts.size > 0 ? { mode: 'without', subAttributes: parts } : 'all';
}

function projectValue(value: Json, { subAttributes }: ScimAttribute, selection: Selection): Json | undefined {
  if (selection === 'none') return undefined;
  if (subAttributes === undefined) return value;
  const keeps = ({ name, returned }: ScimAttribute) => {
    if (returned === 'always' || returned === 'never') return returned === 'always';
    if (selection === 'all') return returned !== 'request';
    return selection.subAttributes.has(name) === (selection.mode === 'only');
  };
  const names = subAttributes.filter(keeps).map(({ name }) => name);
  if (names.length === subAttributes.length) return value;
  const pick = (each: Json): Json =>
    isJsonObject(each)
      ? Object.fromEntries(names.flatMap((name) => (each[name] === undefined ? [] : [[name, each[name]]])))
      : each;
  const picked = isJsonList(value) ? value.map(pick).filter(isAssigned) : pick(value);
  return isAssigned(picked) ? picked : undefined;
}
