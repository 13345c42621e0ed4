import { LockstepError } from '../../kernel/errors.ts';
import { foldCase } from '../resource.ts';
import type { ScimSchema } from './attribute.ts';
import { enterpriseUserSchema } from './enterprise-user.ts';
import { groupSchema } from './group.ts';
import { createResourceModel, type ResourceModel, type ResourceType } from './model.ts';
import { userSchema } from './user.ts';

/** The resource types that a service has, each with its schemas. A value: extending one gives another. */
export interface SchemaRegistry {
  readonly models: readonly ResourceModel[];
}

const userType: ResourceType = {
  id: 'User',
  name: 'User',
  description: 'User accounts',
  endpoint: '/Users',
  schema: userSchema.id,
  schemaExtensions: [{ schema: enterpriseUserSchema.id, required: false }],
};

const groupType: ResourceType = {
  id: 'Group',
  name: 'Group',
  description: 'Groups',
  endpoint: '/Groups',
  schema: groupSchema.id,
  schemaExtensions: [],
};

/** Users with the enterprise extension, and groups (RFC 7643 section 4). */
export function createSchemaRegistry(): SchemaRegistry {
  return {
    models: [
      createResourceModel(userType, userSchema, [enterpriseUserSchema]),
      createResourceModel(groupType, groupSchema, []),
    ],
  };
}

const attributeName = /^[A-Za-z][A-Za-z0-9_-]*$|^\$ref$/;

/**
 * A registry in which one type has an extension more, as the custom fields of a directory.
 * @throws {LockstepError} Conflict if it has that one, InvalidValue for an attribute name that RFC 7643 does not allow.
 */
export function extendRegistry(
  registry: SchemaRegistry,
  typeName: string,
  schema: ScimSchema,
): SchemaRegistry {
  const model = getResourceModel(registry, typeName);
  if ([model.core, ...model.extensions].some((each) => foldCase(each.id) === foldCase(schema.id))) {
    throw new LockstepError('Conflict', `Resource type ${typeName} has the schema "${schema.id}" already.`);
  }
  for (const { name } of schema.attributes.flatMap((each) => [each, ...(each.subAttributes ?? [])])) {
    if (!attributeName.test(name)) {
      throw new LockstepError('InvalidValue', `"${name}" cannot be the name of a SCIM attribute.`);
    }
  }
  const type: ResourceType = {
    ...model.type,
    schemaExtensions: [...model.type.schemaExtensions, { schema: schema.id, required: false }],
  };
  const extended = createResourceModel(type, model.core, [...model.extensions, schema]);
  return { models: registry.models.map((each) => (each === model ? extended : each)) };
}

/** @throws {LockstepError} NotFound */
export function getResourceModel(registry: SchemaRegistry, typeName: string): ResourceModel {
  const found = registry.models.find(({ type }) => type.name === typeName);
  if (found === undefined) throw new LockstepError('NotFound', `There is no resource type "${typeName}".`);
  return found;
}

/** The type served at an address relative to the base, as `/Users`. */
export function findModelByEndpoint(registry: SchemaRegistry, endpoint: string): ResourceModel | undefined {
  return registry.models.find(({ type }) => foldCase(type.endpoint) === foldCase(endpoint));
}
