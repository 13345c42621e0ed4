import type { ObjectType } from '../state/directory-object.ts';

/** What the API knows of a property. */
export interface PropertyRule {
  readonly type: 'string' | 'boolean' | 'dateTime' | 'strings' | 'object' | 'objects';
  /** Longest value in UTF-16 code units; of a list, of each value. */
  readonly maxLength?: number;
  /** Most values of a list. */
  readonly maxItems?: number;
  /** In the answer when nothing is selected. */
  readonly byDefault?: true;
  readonly readOnly?: true;
  /** Taken and never given back. */
  readonly writeOnly?: true;
  /** `basic`: eq and startsWith at once; `advanced`: only with ConsistencyLevel eventual and $count; none when absent. */
  readonly filter?: 'basic' | 'advanced';
  /** Null is refused. */
  readonly required?: true;
}

type PropertyTable = Readonly<Record<string, PropertyRule>>;

const text = (maxLength: number, more: Omit<PropertyRule, 'type'> = {}): PropertyRule => ({
  type: 'string',
  maxLength,
  ...more,
});
const readOnly = (type: PropertyRule['type'], more: Omit<PropertyRule, 'type'> = {}): PropertyRule => ({
  type,
  readOnly: true,
  ...more,
});
const basic = { filter: 'basic' } as const;
const advanced = { filter: 'advanced' } as const;
const byDefault = { byDefault: true } as const;
const required = { required: true } as const;

const shared: PropertyTable = {
  id: readOnly('string', { ...byDefault, ...basic }),
  deletedDateTime: readOnly('dateTime'),
};

const user: PropertyTable = {
  businessPhones: { type: 'strings', maxItems: 1, maxLength: 64, ...byDefault, ...basic },
  displayName: text(256, { ...byDefault, ...basic, ...required }),
  givenName: text(64, { ...byDefault, ...basic }),
  jobTitle: text(128, { ...byDefault, ...basic }),
  mail: text(256, { ...byDefault, ...basic }),
  mobilePhone: text(64, { ...byDefault, ...advanced }),
  officeLocation: text(128, { ...byDefault, ...advanced }),
  preferredLanguage: text(20, { ...byDefault, ...advanced }),
  surname: text(64, { ...byDefault, ...basic }),
  userPrincipalName: text(113, { ...byDefault, ...basic, ...required }),
  ...shared,
  accountEnabled: { type: 'boolean', ...basic, ...required },
  ageGroup: text(64, advanced),
  assignedLicenses: readOnly('objects', basic),
  assignedPlans: readOnly('objects', advanced),
  city: text(128, basic),
  companyName: text(64, advanced),
  consentProvidedForMinor: text(64, advanced),
  country: text(128, basic),
  createdDateTime: readOnly('dateTime', basic),
  creationType: readOnly('string', basic),
  department: text(64, basic),
  employeeHireDate: { type: 'dateTime', ...advanced },
  employeeId: text(16, basic),
  employeeOrgData: { type: 'object', ...advanced },
  employeeType: text(256, advanced),
  externalUserState: readOnly('string', basic),
  faxNumber: text(64, advanced),
  identities: { type: 'objects', ...basic },
  imAddresses: readOnly('strings', basic),
  isResourceAccount: readOnly('boolean'),
  mailNickname: text(64, { ...basic, ...required }),
  onPremisesDistinguishedName: readOnly('string'),
  onPremisesDomainName: readOnly('string'),
  onPremisesExtensionAttributes: { type: 'object', ...advanced },
  onPremisesImmutableId: text(1024, basic),
  onPremisesLastSyncDateTime: readOnly('dateTime', basic),
  onPremisesSamAccountName: readOnly('string', advanced),
  onPremisesSecurityIdentifier: readOnly('string', advanced),
  onPremisesSyncEnabled: readOnly('boolean', basic),
  onPremisesUserPrincipalName: readOnly('string', advanced),
  otherMails: { type: 'strings', maxItems: 250, maxLength: 250, ...basic },
  passwordPolicies: text(256, advanced),
  passwordProfile: { type: 'object', writeOnly: true },
  postalCode: text(40, advanced),
  proxyAddresses: readOnly('strings', basic),
  securityIdentifier: readOnly('string', advanced),
  showInAddressList: { type: 'boolean' },
  state: text(128, basic),
  streetAddress: text(1024, advanced),
  usageLocation: text(2, basic),
  userType: text(64, basic),
};

const group: PropertyTable = {
  ...shared,
  deletedDateTime: readOnly('dateTime', byDefault),
  classification: text(1024, byDefault),
  createdDateTime: readOnly('dateTime', { ...byDefault, ...advanced }),
  description: text(1024, { ...byDefault, ...advanced }),
  displayName: text(256, { ...byDefault, ...basic, ...required }),
  expirationDateTime: readOnly('dateTime', { ...byDefault, ...basic }),
  groupTypes: { type: 'strings', ...byDefault, ...basic },
  isAssignableToRole: { type: 'boolean', ...byDefault, ...basic },
  mail: readOnly('string', { ...byDefault, ...basic }),
  mailEnabled: { type: 'boolean', ...byDefault, ...basic, ...required },
  mailNickname: text(64, { ...byDefault, ...basic, ...required }),
  membershipRule: text(3072, { ...byDefault, ...advanced }),
  membershipRuleProcessingState: text(32, { ...byDefault, ...advanced }),
  onPremisesLastSyncDateTime: readOnly('dateTime', { ...byDefault, ...basic }),
  onPremisesSamAccountName: readOnly('string', { ...byDefault, ...advanced }),
  onPremisesSecurityIdentifier: readOnly('string', { ...byDefault, ...basic }),
  onPremisesSyncEnabled: readOnly('boolean', { ...byDefault, ...basic }),
  preferredDataLocation: text(64, byDefault),
  preferredLanguage: text(20, { ...byDefault, ...basic }),
  proxyAddresses: readOnly('strings', { ...byDefault, ...basic }),
  renewedDateTime: readOnly('dateTime', { ...byDefault, ...basic }),
  securityEnabled: { type: 'boolean', ...byDefault, ...basic, ...required },
  securityIdentifier: readOnly('string', { ...byDefault, ...basic }),
  theme: text(32, byDefault),
  visibility: text(32, { ...byDefault, ...basic }),
};

const administrativeUnit: PropertyTable = {
  ...shared,
  deletedDateTime: readOnly('dateTime', byDefault),
  createdDateTime: readOnly('dateTime'),
  description: text(1024, { ...byDefault, ...advanced }),
  displayName: text(256, { ...byDefault, ...basic, ...required }),
  isMemberManagementRestricted: { type: 'boolean', ...byDefault },
  membershipRule: text(3072, byDefault),
  membershipType: text(32, byDefault),
  visibility: text(32, byDefault),
};

export const propertyTables: Readonly<Record<ObjectType, PropertyTable>> = {
  user,
  group,
  administrativeUnit,
};

/** References that may be selected in delta queries and expanded. */
export const navigations: Readonly<Record<ObjectType, readonly string[]>> = {
  user: ['manager', 'memberOf', 'directReports'],
  group: ['members', 'owners', 'memberOf'],
  administrativeUnit: ['members'],
};

/** The rule of a property, also of `onPremisesExtensionAttributes/extensionAttribute1` and extension properties. */
export function findRule(type: ObjectType, name: string): PropertyRule | undefined {
  const table = propertyTables[type];
  if (Object.hasOwn(table, name)) return table[name];
  if (/^onPremisesExtensionAttributes\/extensionAttribute\d+$/.test(name)) return text(1024, advanced);
  if (/^extension_[0-9a-f]{32}_\w+$/.test(name)) return text(256, basic);
  return undefined;
}

/** Names of the answer when nothing is selected. */
export const defaultSelection = (type: ObjectType): readonly string[] =>
  Object.entries(propertyTables[type])
    .filter(([, rule]) => rule.byDefault)
    .map(([name]) => name);
