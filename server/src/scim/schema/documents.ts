import type { Json, JsonObject, ScimResource } from '../resource.ts';
import { resourceTypeUrn, schemaUrn } from '../urns.ts';
import type { ScimAttribute, ScimSchema } from './attribute.ts';
import type { ResourceType } from './model.ts';
import type { SchemaRegistry } from './registry.ts';
import { resourceTypeSchema, schemaSchema, serviceProviderConfigSchema } from './service-schemas.ts';

/** The resources of `/Schemas` (RFC 7643 section 7): every schema once, those of the service itself last. */
export function renderSchemaDocuments(registry: SchemaRegistry, baseUrl: string): ScimResource[] {
  const served = registry.models.flatMap(({ core, extensions }) => [core, ...extensions]);
  const all = [...served, serviceProviderConfigSchema, resourceTypeSchema, schemaSchema];
  return [...new Map(all.map((schema) => [schema.id, schema])).values()].map((schema) =>
    renderSchema(schema, baseUrl),
  );
}

function renderSchema({ id, name, description, attributes }: ScimSchema, baseUrl: string): ScimResource {
  return {
    schemas: [schemaUrn],
    id,
    name,
    description,
    attributes: attributes.map(renderAttribute),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${id}` },
  };
}

function renderAttribute(definition: ScimAttribute): JsonObject {
  const { name, type, multiValued, description, required, mutability, returned } = definition;
  const { caseExact, uniqueness, canonicalValues, referenceTypes, subAttributes } = definition;
  const rendered: Record<string, Json> = {
    name,
    type,
    multiValued,
    description,
    required,
    mutability,
    returned,
  };
  // Neither case nor uniqueness means anything to a complex attribute.
  if (type !== 'complex') Object.assign(rendered, { caseExact, uniqueness });
  if (canonicalValues !== undefined) rendered['canonicalValues'] = canonicalValues;
  if (referenceTypes !== undefined) rendered['referenceTypes'] = referenceTypes;
  if (subAttributes !== undefined) rendered['subAttributes'] = subAttributes.map(renderAttribute);
  return rendered;
}

/** The resources of `/ResourceTypes` (RFC 7643 section 6). */
export function renderResourceTypeDocuments(registry: SchemaRegistry, baseUrl: string): ScimResource[] {
  return registry.models.map(({ type }) => renderResourceType(type, baseUrl));
}

function renderResourceType(type: ResourceType, baseUrl: string): ScimResource {
  const { id, name, description, endpoint, schema, schemaExtensions } = type;
  return {
    schemas: [resourceTypeUrn],
    id,
    name,
    description,
    endpoint,
    schema,
    schemaExtensions: schemaExtensions.map((extension) => ({ ...extension })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${id}` },
  };
}
