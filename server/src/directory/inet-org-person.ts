import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from './attributes.ts';

/**
 * One attribute of the directory and its counterpart in LDAP (RFC 4519, RFC 4524, RFC 2798, RFC 2307). The LDAP
 * connector and files take their default mapping from this one table.
 */
export interface Correspondence {
  readonly directory: string;
  readonly ldap: string;
  /** Further LDAP attributes that are read where the first has no values. */
  readonly ldapFallbacks?: readonly string[];
  /** An entry holds it only when it is of one of these object classes (lower case). */
  readonly classes?: readonly string[];
}

const posixAccount = ['posixaccount'];
const posixGroup = ['posixgroup'];
const namedGroup = ['groupofnames', 'groupofuniquenames'];

function same(name: string): Correspondence {
  return { directory: name, ldap: name };
}

/** What people and organizational units have alike. */
const postal: readonly Correspondence[] = [
  same('description'),
  same('businessCategory'),
  { directory: 'phoneNumber', ldap: 'telephoneNumber' },
  { directory: 'fax', ldap: 'facsimileTelephoneNumber' },
  same('street'),
  { directory: 'locality', ldap: 'l' },
  { directory: 'state', ldap: 'st' },
  same('postalCode'),
  same('postalAddress'),
  same('postOfficeBox'),
  same('physicalDeliveryOfficeName'),
];

const ofUser: readonly Correspondence[] = [
  { directory: 'username', ldap: 'uid', ldapFallbacks: ['cn'] },
  { directory: 'commonName', ldap: 'cn' },
  { directory: 'familyName', ldap: 'sn' },
  same('givenName'),
  same('displayName'),
  same('initials'),
  same('mail'),
  same('mobile'),
  same('homePhone'),
  same('pager'),
  same('employeeNumber'),
  same('employeeType'),
  same('departmentNumber'),
  same('title'),
  { directory: 'photo', ldap: 'jpegPhoto' },
  { directory: 'certificate', ldap: 'userCertificate;binary' },
  { directory: 'organizationName', ldap: 'o' },
  { directory: 'organizationalUnitName', ldap: 'ou' },
  same('homePostalAddress'),
  same('roomNumber'),
  same('preferredLanguage'),
  same('labeledURI'),
  same('carLicense'),
  same('manager'),
  same('secretary'),
  { ...same('uidNumber'), classes: posixAccount },
  { ...same('gidNumber'), classes: posixAccount },
  { ...same('homeDirectory'), classes: posixAccount },
  { ...same('loginShell'), classes: posixAccount },
  { ...same('gecos'), classes: posixAccount },
  ...postal,
];

const ofGroup: readonly Correspondence[] = [
  { directory: 'name', ldap: 'cn' },
  same('description'),
  { ...same('businessCategory'), classes: namedGroup },
  { directory: 'organizationName', ldap: 'o', classes: namedGroup },
  { directory: 'organizationalUnitName', ldap: 'ou', classes: namedGroup },
  { ...same('owner'), classes: namedGroup },
  { ...same('gidNumber'), classes: posixGroup },
];

export const correspondences: Readonly<Record<ObjectKind, readonly Correspondence[]>> = {
  user: ofUser,
  organizationalUnit: [{ directory: 'name', ldap: 'ou' }, ...postal],
  group: ofGroup,
};

/** Target attribute to the source attributes it is taken from, the first that has values. */
export type CorrespondenceMapping = Readonly<Record<string, { readonly from: readonly string[] }>>;

/**
 * The default mapping of one kind; the two directions are inverse to each other, so that values pass through whole.
 */
export function correspondenceMapping(
  direction: 'ingress' | 'egress',
  entries: readonly Correspondence[],
): CorrespondenceMapping {
  if (direction === 'ingress') {
    return Object.fromEntries(
      entries.map(({ directory, ldap, ldapFallbacks = [] }) => [
        directory,
        { from: [ldap, ...ldapFallbacks] },
      ]),
    );
  }
  return Object.fromEntries(entries.map(({ directory, ldap }) => [ldap, { from: [directory] }]));
}

/** Object classes that make an entry one of a kind on reading (any of them), lower case, in the order of asking. */
export const readObjectClasses: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: ['inetorgperson', 'organizationalperson', 'person', 'account', 'posixaccount'],
  group: ['groupofnames', 'groupofuniquenames', 'posixgroup'],
  organizationalUnit: ['organizationalunit'],
};

/** Object classes that a new entry of a kind gets. */
export const writeObjectClasses: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: ['top', 'person', 'organizationalPerson', 'inetOrgPerson'],
  organizationalUnit: ['top', 'organizationalUnit'],
  group: ['top', 'groupOfNames'],
};

/** The attribute that names a new entry of a kind within its parent. */
export const namingAttributes: Readonly<Record<ObjectKind, string>> = {
  user: 'uid',
  organizationalUnit: 'ou',
  group: 'cn',
};

/** Attributes of RFC 4519, RFC 4523, RFC 2798 and of Active Directory whose values are bytes, in lower case. */
export const binaryAttributes: readonly string[] = [
  'audio',
  'authorityrevocationlist',
  'cacertificate',
  'certificaterevocationlist',
  'crosscertificatepair',
  'deltarevocationlist',
  'jpegphoto',
  'logonhours',
  'ms-ds-consistencyguid',
  'msexchmailboxguid',
  'objectguid',
  'objectsid',
  'photo',
  'sidhistory',
  'thumbnaillogo',
  'thumbnailphoto',
  'usercertificate',
  'userpkcs12',
  'usersmimecertificate',
];

const binaryNames = new Set(binaryAttributes);

/** Whether the values of an attribute are bytes even where they happen to be valid UTF-8. Takes options (`;binary`). */
export function isBinaryAttribute(name: string): boolean {
  const lower = name.toLowerCase();
  if (lower.endsWith(';binary')) return true;
  const semicolon = lower.indexOf(';');
  return binaryNames.has(semicolon < 0 ? lower : lower.slice(0, semicolon));
}

/** Attributes of other than binary syntax whose values may be empty texts: IA5 strings, DNs, postal addresses. */
const possiblyEmpty = new Set([
  'gecos',
  'homedirectory',
  'homepostaladdress',
  'loginshell',
  'mail',
  'manager',
  'memberuid',
  'owner',
  'postaladdress',
  'secretary',
  'userpassword',
]);

/**
 * Mapped attributes as an entry can hold them: a Directory String has one character at least (RFC 4517 section 3.3.6), so
 * empty texts are left out where the syntax is not known to allow them, and attributes that are left without a value.
 */
export function withoutEmpty(mapped: Attributes): Attributes {
  const held: Attributes = {};
  for (const [name, values] of Object.entries(mapped)) {
    const kept = values.includes('') && !mayBeEmpty(name) ? values.filter((value) => value !== '') : values;
    if (kept.length > 0) held[name] = kept;
  }
  return held;
}

function mayBeEmpty(name: string): boolean {
  return isBinaryAttribute(name) || possiblyEmpty.has(name.toLowerCase());
}
