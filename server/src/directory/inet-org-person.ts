import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';

/**
 * How the attributes of the directory correspond to those of LDAP (RFC 2798, RFC 4519, RFC 2307).
 * The ldap connector and LDIF files take their default mapping from here.
 */
export interface Correspondence {
  readonly directory: string;
  readonly ldap: string;
  /** Further LDAP attributes to read from when the first has no value. */
  readonly ldapFallbacks?: readonly string[];
  /** Further directory attributes to write from when the first has no value. */
  readonly directoryFallbacks?: readonly string[];
}

function pair(directory: string, ldap: string = directory): Correspondence {
  return { directory, ldap };
}

const postal: readonly Correspondence[] = [
  pair('phoneNumber', 'telephoneNumber'),
  pair('fax', 'facsimileTelephoneNumber'),
  pair('street'),
  pair('locality', 'l'),
  pair('state', 'st'),
  pair('postalCode'),
  pair('postalAddress'),
  pair('businessCategory'),
  pair('description'),
];

export const correspondences: Readonly<Record<ObjectKind, readonly Correspondence[]>> = {
  user: [
    { directory: 'username', ldap: 'uid', ldapFallbacks: ['cn'] },
    { directory: 'commonName', ldap: 'cn', directoryFallbacks: ['displayName', 'username'] },
    { directory: 'familyName', ldap: 'sn', directoryFallbacks: ['commonName', 'displayName', 'username'] },
    pair('givenName'),
    pair('displayName'),
    pair('initials'),
    pair('mail'),
    pair('mobile'),
    pair('homePhone'),
    pair('pager'),
    pair('employeeNumber'),
    pair('employeeType'),
    pair('departmentNumber'),
    pair('title'),
    pair('photo', 'jpegPhoto'),
    pair('organizationName', 'o'),
    pair('organizationalUnitName', 'ou'),
    pair('roomNumber'),
    pair('preferredLanguage'),
    pair('labeledURI'),
    pair('carLicense'),
    pair('manager'),
    pair('secretary'),
    pair('uidNumber'),
    pair('gidNumber'),
    pair('homeDirectory'),
    pair('loginShell'),
    pair('gecos'),
    ...postal,
  ],
  organizationalUnit: [pair('name', 'ou'), ...postal],
  group: [pair('name', 'cn'), pair('description'), pair('gidNumber'), pair('businessCategory')],
};

/** Target attribute to the source attributes it is taken from, the first that has values. */
export type CorrespondenceMapping = Readonly<Record<string, { readonly from: readonly string[] }>>;

function mapKind(kind: ObjectKind, direction: 'ingress' | 'egress'): CorrespondenceMapping {
  return Object.fromEntries(
    correspondences[kind].map((entry) =>
      direction === 'ingress'
        ? [entry.directory, { from: [entry.ldap, ...(entry.ldapFallbacks ?? [])] }]
        : [entry.ldap, { from: [entry.directory, ...(entry.directoryFallbacks ?? [])] }],
    ),
  );
}

/** The default mapping of everything that speaks LDAP's attribute names. */
export function inetOrgPersonMapping(
  direction: 'ingress' | 'egress',
): Readonly<Record<ObjectKind, CorrespondenceMapping>> {
  return {
    user: mapKind('user', direction),
    organizationalUnit: mapKind('organizationalUnit', direction),
    group: mapKind('group', direction),
  };
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

const binaryNames = new Set([
  'jpegphoto',
  'photo',
  'audio',
  'usercertificate',
  'usersmimecertificate',
  'userpkcs12',
  'cacertificate',
  'certificaterevocationlist',
  'authorityrevocationlist',
  'crosscertificatepair',
  'x500uniqueidentifier',
  'objectguid',
  'objectsid',
]);

/** Whether the values of an attribute are bytes even where they happen to be valid UTF-8. Takes options (`;binary`). */
export function isBinaryAttribute(name: string): boolean {
  const lower = name.toLowerCase();
  if (lower.endsWith(';binary')) return true;
  const semicolon = lower.indexOf(';');
  return binaryNames.has(semicolon < 0 ? lower : lower.slice(0, semicolon));
}
