import { groupSchemaUrn } from '../urns.ts';
import { attribute, complex, type ScimSchema } from './attribute.ts';

/** RFC 7643 sections 4.2 and 8.7.1. */
export const groupSchema: ScimSchema = {
  id: groupSchemaUrn,
  name: 'Group',
  description: 'Group',
  attributes: [
    attribute('displayName', 'string', 'Name of the group.', { required: true }),
    complex(
      'members',
      'Members: users and groups.',
      [
        attribute('value', 'string', 'Id of the member.', { mutability: 'immutable', caseExact: true }),
        attribute('$ref', 'reference', 'Address of the member.', {
          mutability: 'immutable',
          referenceTypes: ['User', 'Group'],
        }),
        attribute('type', 'string', 'Resource type of the member.', {
          mutability: 'immutable',
          canonicalValues: ['User', 'Group'],
        }),
        attribute('display', 'string', 'Name of the member.', { mutability: 'immutable' }),
      ],
      { multiValued: true },
    ),
  ],
};
