import { expect, test } from 'vitest';
import { scimProfiles } from '../profile.ts';
import {
  parseServiceProviderConfig,
  renderServiceProviderConfig,
  type ServiceProviderFeatures,
} from '../service-provider-config.ts';
import { attribute } from './attribute.ts';
import { renderResourceTypeDocuments, renderSchemaDocuments } from './documents.ts';
import { createResourceModel } from './model.ts';
import { normalizeResource } from './normalize.ts';
import { createSchemaRegistry, extendRegistry } from './registry.ts';
import { resourceTypeSchema, schemaSchema, serviceProviderConfigSchema } from './service-schemas.ts';

const custom = {
  id: 'urn:x:custom:1.0:User',
  name: 'Custom',
  description: 'Custom fields',
  attributes: [attribute('badge', 'integer', 'Badge')],
};
const registry = extendRegistry(createSchemaRegistry(), 'User', custom);
const type = { id: '', name: '', description: '', endpoint: '', schema: '', schemaExtensions: [] };
const features: ServiceProviderFeatures = {
  patch: true,
  bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 1_048_576 },
  filter: { supported: true, maxResults: 500 },
  changePassword: false,
  sort: true,
  etag: true,
  pagination: { cursor: true, index: true, defaultPaginationMethod: 'index', maxPageSize: 500 },
  authenticationSchemes: [{ type: 'oauthbearertoken', name: 'Bearer', description: 'A token.' }],
};

// Everything that a document says is an attribute of the schema that describes such documents, and fits it.
test.each([
  ['Schemas', schemaSchema, renderSchemaDocuments(registry, 'https://x/scim')],
  ['ResourceTypes', resourceTypeSchema, renderResourceTypeDocuments(registry, 'https://x/scim')],
  [
    'ServiceProviderConfig',
    serviceProviderConfigSchema,
    [renderServiceProviderConfig(features, 'https://x/scim')],
  ],
])('documents of %s follow their own schema', (_name, schema, documents) => {
  const model = createResourceModel(type, schema, []);
  // The schema of schemas is deeper than it says that schemas are.
  for (const document of documents.filter(({ id }) => id !== schemaSchema.id)) {
    const normal = normalizeResource(document, model, { profile: scimProfiles.strict, readOnly: 'keep' });
    expect(normal.ignored).toEqual([]);
    // A list without values and none at all are the same to SCIM.
    const { schemaExtensions = [] } = normal.resource;
    expect({ ...normal.resource, ...('schemaExtensions' in document ? { schemaExtensions } : {}) }).toEqual(
      document,
    );
  }
});

test('every schema of a type has a document, custom ones too', () => {
  const ids = renderSchemaDocuments(registry, '').map(({ id }) => id);
  expect(ids).toContain(custom.id);
  expect(ids).toHaveLength(7);
  expect(renderResourceTypeDocuments(registry, '')[0]).toMatchObject({
    endpoint: '/Users',
    schemaExtensions: [{ required: false }, { schema: custom.id, required: false }],
  });
});

test('a service is taken at its word, and without a word as supporting nothing', () => {
  expect(parseServiceProviderConfig(renderServiceProviderConfig(features, ''))).toEqual(features);
  expect(
    parseServiceProviderConfig({ PATCH: { Supported: 'True' }, bulk: 7, filter: { maxResults: '200' } }),
  ).toMatchObject({
    patch: true,
    bulk: { supported: false, maxOperations: 0 },
    filter: { supported: false, maxResults: 200 },
    pagination: { cursor: false, index: true },
  });
  expect(parseServiceProviderConfig('<html>').patch).toBe(false);
});
