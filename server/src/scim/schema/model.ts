import { foldCase } from '../resource.ts';
import { findAttribute, type ScimAttribute, type ScimSchema } from './attribute.ts';
import { commonAttributes } from './common-attributes.ts';

/** A resource type as it is served (RFC 7643 section 6). */
export interface ResourceType {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Relative to the base address, as `/Users`. */
  readonly endpoint: string;
  /** URN of the core schema. */
  readonly schema: string;
  readonly schemaExtensions: readonly { readonly schema: string; readonly required: boolean }[];
}

/** Everything that is known about the resources of one type: what filters, paths and values are checked against. */
export interface ResourceModel {
  readonly type: ResourceType;
  readonly core: ScimSchema;
  readonly extensions: readonly ScimSchema[];
  /** Common attributes (RFC 7643 section 3.1) and those of the core schema. */
  readonly attributes: readonly ScimAttribute[];
}

/** An attribute in a resource; `extension` is the URN of the object that holds it, undefined at the top. */
export interface LocatedAttribute {
  readonly extension: string | undefined;
  readonly attribute: ScimAttribute;
}

export function createResourceModel(
  type: ResourceType,
  core: ScimSchema,
  extensions: readonly ScimSchema[],
): ResourceModel {
  return { type, core, extensions, attributes: [...commonAttributes, ...core.attributes] };
}

export function findExtension(model: ResourceModel, urn: string): ScimSchema | undefined {
  const folded = foldCase(urn);
  return model.extensions.find((extension) => foldCase(extension.id) === folded);
}

/**
 * The attribute that a name means, with or without the URN of its schema; without one it is looked for in the core
 * only (RFC 7644 section 3.10).
 */
export function findModelAttribute(
  model: ResourceModel,
  schema: string | undefined,
  name: string,
): LocatedAttribute | undefined {
  if (schema === undefined || foldCase(schema) === foldCase(model.core.id)) {
    const found = findAttribute(model.attributes, name);
    return found && { extension: undefined, attribute: found };
  }
  const extension = findExtension(model, schema);
  const found = findAttribute(extension?.attributes, name);
  return extension && found && { extension: extension.id, attribute: found };
}
