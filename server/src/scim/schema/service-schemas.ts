import { resourceTypeUrn, schemaUrn, serviceProviderConfigUrn } from '../urns.ts';
import { attribute, complex, type AttributeType, type ScimAttribute, type ScimSchema } from './attribute.ts';

const readOnly = { mutability: 'readOnly' } as const;
const required = { ...readOnly, required: true } as const;

const told = (name: string, type: AttributeType, description: string, characteristics: object = required) =>
  attribute(name, type, description, characteristics);

const feature = (
  name: string,
  description: string,
  more: readonly ScimAttribute[] = [],
  demanded: object = required,
) =>
  complex(name, description, [told('supported', 'boolean', 'Whether it is supported.'), ...more], demanded);

/** RFC 7643 sections 5 and 8.7.2, with `pagination` of RFC 9865 section 4. */
export const serviceProviderConfigSchema: ScimSchema = {
  id: serviceProviderConfigUrn,
  name: 'ServiceProviderConfig',
  description: 'What the service supports',
  attributes: [
    told('documentationUri', 'reference', 'Address of the documentation.', {
      ...readOnly,
      referenceTypes: ['external'],
    }),
    feature('patch', 'PATCH.'),
    feature('bulk', 'Bulk requests.', [
      told('maxOperations', 'integer', 'Most operations of one request.'),
      told('maxPayloadSize', 'integer', 'Most bytes of one request.'),
    ]),
    feature('filter', 'Filters.', [told('maxResults', 'integer', 'Most resources of one answer.')]),
    feature('changePassword', 'Changing passwords.'),
    feature('sort', 'Sorting.'),
    feature('etag', 'Entity tags.'),
    complex(
      'pagination',
      'Paging.',
      [
        told('cursor', 'boolean', 'Whether by cursor.'),
        told('index', 'boolean', 'Whether by index.'),
        told('defaultPaginationMethod', 'string', 'Where a request names none.', readOnly),
        told('defaultPageSize', 'integer', 'Resources of a page where a request says no count.', readOnly),
        told('maxPageSize', 'integer', 'Most resources of a page.', readOnly),
        told('cursorTimeout', 'integer', 'Seconds that a cursor lives.', readOnly),
      ],
      readOnly,
    ),
    complex(
      'authenticationSchemes',
      'How clients prove who they are.',
      [
        told('type', 'string', 'Kind of the scheme.', {
          ...required,
          canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'],
        }),
        told('name', 'string', 'Its name.'),
        told('description', 'string', 'What it is.'),
        told('specUri', 'reference', 'Address of its specification.', {
          ...readOnly,
          referenceTypes: ['external'],
        }),
        told('documentationUri', 'reference', 'Address of its documentation.', {
          ...readOnly,
          referenceTypes: ['external'],
        }),
        told('primary', 'boolean', 'Whether it is the preferred one.', readOnly),
      ],
      { ...required, multiValued: true },
    ),
  ],
};

/** RFC 7643 sections 6 and 8.7.2. */
export const resourceTypeSchema: ScimSchema = {
  id: resourceTypeUrn,
  name: 'ResourceType',
  description: 'A type of resource',
  attributes: [
    told('id', 'string', 'Its name, as an identifier.', readOnly),
    told('name', 'string', 'Its name.'),
    told('description', 'string', 'What it is.', readOnly),
    told('endpoint', 'reference', 'Address relative to the base.'),
    told('schema', 'reference', 'URN of the core schema.', { ...required, caseExact: true }),
    complex(
      'schemaExtensions',
      'Extensions of the core schema.',
      [
        told('schema', 'reference', 'URN of the extension.', { ...required, caseExact: true }),
        told('required', 'boolean', 'Whether each resource must have it.'),
      ],
      { ...readOnly, multiValued: true },
    ),
  ],
};

const characteristics: readonly ScimAttribute[] = [
  told('name', 'string', 'Name of the attribute.', { ...required, caseExact: true }),
  told('type', 'string', 'Type of its values.', {
    ...required,
    canonicalValues: [
      'string',
      'complex',
      'boolean',
      'decimal',
      'integer',
      'dateTime',
      'reference',
      'binary',
    ],
  }),
  told('multiValued', 'boolean', 'Whether it has a list of values.'),
  told('description', 'string', 'What it is.', readOnly),
  told('required', 'boolean', 'Whether each resource must have it.', readOnly),
  told('canonicalValues', 'string', 'Values that are suggested.', {
    ...readOnly,
    multiValued: true,
    caseExact: true,
  }),
  told('caseExact', 'boolean', 'Whether text is compared with regard to case.', readOnly),
  told('mutability', 'string', 'Who may change it, and when.', {
    ...readOnly,
    caseExact: true,
    canonicalValues: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
  }),
  told('returned', 'string', 'When it is in an answer.', {
    ...readOnly,
    caseExact: true,
    canonicalValues: ['always', 'never', 'default', 'request'],
  }),
  told('uniqueness', 'string', 'Among what its value is unique.', {
    ...readOnly,
    caseExact: true,
    canonicalValues: ['none', 'server', 'global'],
  }),
  told('referenceTypes', 'string', 'What a reference points to.', {
    ...readOnly,
    multiValued: true,
    caseExact: true,
  }),
];

/** RFC 7643 sections 7 and 8.7.2. */
export const schemaSchema: ScimSchema = {
  id: schemaUrn,
  name: 'Schema',
  description: 'A schema',
  attributes: [
    told('id', 'string', 'Its URN.', required),
    told('name', 'string', 'Its name.'),
    told('description', 'string', 'What it describes.', readOnly),
    complex(
      'attributes',
      'Its attributes.',
      [
        ...characteristics,
        complex('subAttributes', 'Attributes of a complex one.', characteristics, {
          ...readOnly,
          multiValued: true,
        }),
      ],
      { ...required, multiValued: true },
    ),
  ],
};
