import { LockstepError } from '../../kernel/errors.ts';
import type { ScimProfile } from '../profile.ts';
import {
  isAssigned,
  isBlank,
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
  readAttribute,
  type ScimResource,
} from '../resource.ts';
import { findAttribute, type ScimAttribute } from './attribute.ts';
import { findExtension, type ResourceModel } from './model.ts';
import { normalizeValue, requiredFault, sameName, type ValueRules } from './normalize-value.ts';

export interface NormalizeOptions {
  readonly profile: ScimProfile;
  /** `drop` (unless told) for requests, where clients may not set them; `keep` for what a service answered. */
  readonly readOnly?: 'drop' | 'keep';
  /** Whether required attributes may be missing: of a service's answer, which may hold a selection. */
  readonly partial?: boolean;
}

export interface NormalizedResource {
  readonly resource: ScimResource;
  /** Paths of what no schema of the type has, and was left out. */
  readonly ignored: readonly string[];
}

/**
 * An incoming resource in the form that its model asks for (RFC 7644 sections 3.3 and 3.5.1): attributes under their
 * proper names, extensions under their URNs, `schemas` as its content says.
 * @throws {LockstepError} InvalidSyntax for what is no object or lacks the core schema, InvalidValue for a wrong type,
 * RequiredValueMissing
 */
export function normalizeResource(
  body: unknown,
  model: ResourceModel,
  { profile, readOnly = 'drop', partial = false }: NormalizeOptions,
): NormalizedResource {
  if (!isJsonObject(body)) throw new LockstepError('InvalidSyntax', 'A resource must be an object.');
  if (!profile.optionalSchemas) checkSchemas(body, model);
  const ignored: string[] = [];
  const rules: ValueRules = { profile, readOnly, ignore: (path) => ignored.push(path) };
  const resource: Record<string, Json> = {};
  const core: JsonObject = Object.fromEntries(
    Object.entries(body).filter(([name, value]) => {
      const extension = findExtension(model, name);
      if (extension === undefined) return true;
      const container = isJsonObject(value)
        ? fill({}, extension.attributes, value, `${extension.id}:`, rules)
        : {};
      if (isAssigned(container)) resource[extension.id] = container;
      return false;
    }),
  );
  fill(resource, model.attributes, core, '', rules);
  if (!partial) checkRequired(resource, model);
  return { resource: withSchemas(resource, model), ignored };
}

function fill(
  target: Record<string, Json>,
  definitions: readonly ScimAttribute[],
  source: JsonObject,
  prefix: string,
  rules: ValueRules,
): Record<string, Json> {
  for (const [name, value] of Object.entries(source)) {
    const definition = findAttribute(definitions, name);
    if (definition === undefined) rules.ignore(`${prefix}${name}`);
    else if (definition.mutability !== 'readOnly' || rules.readOnly === 'keep') {
      const normal = normalizeValue(definition, value, `${prefix}${definition.name}`, rules);
      if (normal !== undefined) target[definition.name] = normal;
    }
  }
  return target;
}

function checkSchemas(body: JsonObject, model: ResourceModel): void {
  const schemas = readAttribute(body, 'schemas');
  const named =
    isJsonList(schemas) && schemas.some((urn) => typeof urn === 'string' && sameName(urn, model.core.id));
  if (!named)
    throw new LockstepError('InvalidSyntax', `"schemas" must have "${model.core.id}".`, { field: 'schemas' });
}

/** @throws {LockstepError} RequiredValueMissing */
export function checkRequired(resource: ScimResource, model: ResourceModel): void {
  for (const { name, required } of model.core.attributes) {
    if (required && isBlank(resource[name])) throw requiredFault(name);
  }
  for (const extension of model.extensions) {
    const container = resource[extension.id];
    const demanded = model.type.schemaExtensions.some(
      ({ schema, required }) => required && schema === extension.id,
    );
    if (!isJsonObject(container) && !demanded) continue;
    for (const { name, required } of extension.attributes) {
      if (required && !(isJsonObject(container) && isAssigned(container[name]))) {
        throw requiredFault(`${extension.id}:${name}`);
      }
    }
  }
}

/** The resource with `schemas` first, naming the core and each extension that it has (RFC 7643 section 3). */
export function withSchemas(resource: ScimResource, model: ResourceModel): ScimResource {
  const used = model.extensions.filter(({ id }) => isAssigned(resource[id]));
  return { ...resource, schemas: [model.core.id, ...used.map(({ id }) => id)] };
}
