import type { KindMapping, Mapping, MatchRules } from '../../mapping/rules.ts';

export const entraDefaultMatch: MatchRules = {
  user: ['mail', 'username'],
  organizationalUnit: [],
  group: ['name'],
};

/** Directory attribute to property, where one is the other. */
const ofUser: readonly (readonly [directory: string, property: string])[] = [
  ['givenName', 'givenName'],
  ['familyName', 'surname'],
  ['phoneNumber', 'businessPhones'],
  ['mobile', 'mobilePhone'],
  ['fax', 'faxNumber'],
  ['title', 'jobTitle'],
  ['organizationName', 'companyName'],
  ['physicalDeliveryOfficeName', 'officeLocation'],
  ['street', 'streetAddress'],
  ['locality', 'city'],
  ['state', 'state'],
  ['postalCode', 'postalCode'],
  ['employeeNumber', 'employeeId'],
  ['employeeType', 'employeeType'],
  ['preferredLanguage', 'preferredLanguage'],
];

const from = (...names: readonly string[]): { from: readonly string[] } => ({ from: names });

function ingressUser(): KindMapping {
  return {
    username: from('userPrincipalName'),
    commonName: from('displayName', 'userPrincipalName'),
    displayName: from('displayName'),
    mail: from('mail'),
    organizationalUnitName: from('department'),
    manager: from('manager'),
    ...Object.fromEntries(ofUser.map(([directory, property]) => [directory, from(property)])),
  };
}

/** The first rule that reads a directory attribute tells what a match rule of this attribute compares. */
function egressUser(): KindMapping {
  return {
    matchAddress: from('mail'),
    matchName: from('username'),
    userPrincipalName: from('mail', 'username'),
    mailNickname: from('username', 'mail'),
    displayName: from('displayName', 'commonName', 'username'),
    department: from('organizationalUnitName', 'departmentNumber'),
    manager: from('manager'),
    ...Object.fromEntries(ofUser.map(([directory, property]) => [property, from(directory)])),
  };
}

const ingressGroup: KindMapping = { name: from('displayName'), description: from('description') };
const egressGroup: KindMapping = {
  displayName: from('name'),
  mailNickname: from('name'),
  description: from('description'),
};

/** The documented default mapping: docs/connectors/entra.md. */
export function entraDefaultMapping(direction: 'ingress' | 'egress'): Mapping {
  return direction === 'ingress'
    ? { user: ingressUser(), organizationalUnit: {}, group: ingressGroup }
    : { user: egressUser(), organizationalUnit: {}, group: egressGroup };
}
