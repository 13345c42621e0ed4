import { attribute, complex, type ScimAttribute } from './attribute.ts';

/** Attributes that every resource has (RFC 7643 section 3.1) and that no schema lists. */
export const commonAttributes: readonly ScimAttribute[] = [
  attribute('schemas', 'reference', 'URNs of the schemas that the resource uses.', {
    multiValued: true,
    returned: 'always',
    required: true,
  }),
  attribute('id', 'string', 'Identifier, given out by the server.', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
  }),
  attribute('externalId', 'string', 'Identifier in the system that the resource comes from.', {
    caseExact: true,
  }),
  complex(
    'meta',
    'What the server knows about the resource.',
    [
      attribute('resourceType', 'string', 'Name of the resource type.', {
        caseExact: true,
        mutability: 'readOnly',
      }),
      attribute('created', 'dateTime', 'When it was created.', { mutability: 'readOnly' }),
      attribute('lastModified', 'dateTime', 'When it was last changed.', { mutability: 'readOnly' }),
      attribute('location', 'reference', 'Its address.', { mutability: 'readOnly' }),
      attribute('version', 'string', 'Its entity tag.', { caseExact: true, mutability: 'readOnly' }),
    ],
    { mutability: 'readOnly' },
  ),
];
