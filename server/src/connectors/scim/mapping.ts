import { objectIdAttribute } from '../../sync/egress-source.ts';
import type { KindMapping, Mapping, MatchRules } from '../../mapping/rules.ts';
import { enterpriseUserUrn } from '../../scim/urns.ts';

export const scimDefaultMatch: MatchRules = {
  user: ['username', 'mail'],
  organizationalUnit: [],
  group: ['name'],
};

/** One attribute of the directory and where it lies in a SCIM resource. */
interface Correspondence {
  readonly scim: string;
  /** Written from the first that has values. */
  readonly directory: readonly string[];
  /** Read where `scim` has no values. */
  readonly fallbacks?: readonly string[];
}

const enterprise = (attribute: string): string => `${enterpriseUserUrn}:${attribute}`;
const typed = (attribute: string, type: string, sub = 'value'): string =>
  `${attribute}[type eq "${type}"].${sub}`;

const ofUser: readonly Correspondence[] = [
  { scim: 'userName', directory: ['username'] },
  { scim: 'name.formatted', directory: ['commonName'], fallbacks: ['displayName'] },
  { scim: 'name.familyName', directory: ['familyName'] },
  { scim: 'name.givenName', directory: ['givenName'] },
  { scim: 'displayName', directory: ['displayName', 'commonName'] },
  {
    scim: typed('emails', 'work'),
    directory: ['mail'],
    fallbacks: ['emails[primary eq true].value', 'emails.value'],
  },
  { scim: typed('phoneNumbers', 'work'), directory: ['phoneNumber'] },
  { scim: typed('phoneNumbers', 'mobile'), directory: ['mobile'] },
  { scim: typed('phoneNumbers', 'home'), directory: ['homePhone'] },
  { scim: typed('phoneNumbers', 'fax'), directory: ['fax'] },
  { scim: typed('phoneNumbers', 'pager'), directory: ['pager'] },
  { scim: typed('addresses', 'work', 'streetAddress'), directory: ['street'] },
  { scim: typed('addresses', 'work', 'locality'), directory: ['locality'] },
  { scim: typed('addresses', 'work', 'region'), directory: ['state'] },
  { scim: typed('addresses', 'work', 'postalCode'), directory: ['postalCode'] },
  { scim: 'title', directory: ['title'] },
  { scim: 'userType', directory: ['employeeType'] },
  { scim: 'preferredLanguage', directory: ['preferredLanguage'] },
  { scim: enterprise('employeeNumber'), directory: ['employeeNumber'] },
  { scim: enterprise('department'), directory: ['organizationalUnitName', 'departmentNumber'] },
  { scim: enterprise('organization'), directory: ['organizationName'] },
  { scim: enterprise('manager.value'), directory: ['manager'] },
];
const ofGroup: readonly Correspondence[] = [{ scim: 'displayName', directory: ['name'] }];

/** The identity of the directory's object, so that the service names it as Lockstep does. */
const identity: KindMapping = { externalId: { from: [objectIdAttribute] } };

function ingress(entries: readonly Correspondence[]): KindMapping {
  return Object.fromEntries(
    entries.flatMap(({ scim, directory: [first], fallbacks = [] }) =>
      first === undefined ? [] : [[first, { from: [scim, ...fallbacks] }]],
    ),
  );
}

function egress(entries: readonly Correspondence[]): KindMapping {
  return {
    ...Object.fromEntries(entries.map(({ scim, directory }) => [scim, { from: directory }])),
    ...identity,
  };
}

export function scimDefaultMapping(direction: 'ingress' | 'egress'): Mapping {
  const build = direction === 'ingress' ? ingress : egress;
  return { user: build(ofUser), organizationalUnit: {}, group: build(ofGroup) };
}
