import { userSchemaUrn } from '../urns.ts';
import { attribute, complex, type ScimAttribute, type ScimSchema } from './attribute.ts';

const string = (name: string, description: string) => attribute(name, 'string', description);

/** The sub-attributes of most multi-valued attributes (RFC 7643 section 2.4). */
function multiple(
  name: string,
  description: string,
  value: ScimAttribute,
  types: readonly string[] | undefined,
): ScimAttribute {
  return complex(
    name,
    description,
    [
      value,
      string('display', 'A name to show.'),
      attribute('type', 'string', 'What it is used for.', types ? { canonicalValues: types } : {}),
      attribute('primary', 'boolean', 'Whether it is the preferred one; true once at most.'),
    ],
    { multiValued: true },
  );
}

const name = complex('name', "The parts of the person's name.", [
  string('formatted', 'The full name, ready to show.'),
  string('familyName', 'Family name, or last name.'),
  string('givenName', 'Given name, or first name.'),
  string('middleName', 'Middle names.'),
  string('honorificPrefix', 'Titles before the name.'),
  string('honorificSuffix', 'Suffixes after the name.'),
]);

const addresses = complex(
  'addresses',
  'Postal addresses.',
  [
    string('formatted', 'The full address, ready to show; may have line breaks.'),
    string('streetAddress', 'Street and number; may have line breaks.'),
    string('locality', 'City.'),
    string('region', 'State or region.'),
    string('postalCode', 'Postal code.'),
    attribute('country', 'string', 'Country, ISO 3166-1 alpha-2.'),
    attribute('type', 'string', 'What it is used for.', { canonicalValues: ['work', 'home', 'other'] }),
    attribute('primary', 'boolean', 'Whether it is the preferred one; true once at most.'),
  ],
  { multiValued: true },
);

const readOnly = { mutability: 'readOnly' } as const;

const groups = complex(
  'groups',
  'Groups that the user is in; they are changed at the group.',
  [
    attribute('value', 'string', 'Id of the group.', { ...readOnly, caseExact: true }),
    attribute('$ref', 'reference', 'Address of the group.', {
      ...readOnly,
      referenceTypes: ['User', 'Group'],
    }),
    attribute('display', 'string', 'Name of the group.', readOnly),
    attribute('type', 'string', 'Whether directly or by a nested group.', {
      ...readOnly,
      canonicalValues: ['direct', 'indirect'],
    }),
  ],
  { ...readOnly, multiValued: true },
);

/** RFC 7643 sections 4.1 and 8.7.1. */
export const userSchema: ScimSchema = {
  id: userSchemaUrn,
  name: 'User',
  description: 'User account',
  attributes: [
    attribute('userName', 'string', 'The name that the user signs in with.', {
      required: true,
      uniqueness: 'server',
    }),
    name,
    string('displayName', 'The name to show.'),
    string('nickName', 'The casual name.'),
    attribute('profileUrl', 'reference', 'Address of a page about the user.', {
      referenceTypes: ['external'],
    }),
    string('title', 'Job title.'),
    string('userType', 'Relation to the organization, as Employee or Contractor.'),
    string('preferredLanguage', 'Language, as in Accept-Language.'),
    string('locale', 'Locale, as en-US.'),
    string('timezone', 'Time zone, as Europe/Berlin.'),
    attribute('active', 'boolean', 'Whether the user may sign in.'),
    attribute('password', 'string', 'Password; never returned.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
    }),
    multiple('emails', 'E-mail addresses.', string('value', 'The address.'), ['work', 'home', 'other']),
    multiple('phoneNumbers', 'Telephone numbers.', string('value', 'The number.'), [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    multiple('ims', 'Addresses for instant messages.', string('value', 'The address.'), [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    multiple(
      'photos',
      'Photos.',
      attribute('value', 'reference', 'Address of the photo.', { referenceTypes: ['external'] }),
      ['photo', 'thumbnail'],
    ),
    addresses,
    groups,
    multiple(
      'entitlements',
      'Things that the user is entitled to.',
      string('value', 'The entitlement.'),
      undefined,
    ),
    multiple('roles', 'Roles of the user.', string('value', 'The role.'), undefined),
    multiple('x509Certificates', 'Certificates.', attribute('value', 'binary', 'DER, in base64.'), undefined),
  ],
};
