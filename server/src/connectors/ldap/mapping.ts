import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { KindMapping, Mapping, MatchRules } from '../../mapping/rules.ts';
import type { LdapShape } from './config.ts';

/** One attribute of the directory and its counterpart in LDAP. */
interface Pair {
  readonly directory: string;
  readonly ldap: string;
  /** Further LDAP attributes that are read where the first has no values. */
  readonly fallback?: readonly string[];
  /** Written only when one of these object classes (lower case) is. */
  readonly classes?: readonly string[];
  /** Its values are DNs of the system they were read from: read, and written elsewhere only when a map says so. */
  readonly names?: 'object';
}

const posixAccount = ['posixaccount'];
const namedGroup = ['groupofnames', 'groupofuniquenames'];

/** RFC 4519, RFC 4524, RFC 2798 and RFC 2307 attributes of a person. */
const userPairs: readonly Pair[] = [
  { directory: 'username', ldap: 'uid', fallback: ['cn'] },
  { directory: 'commonName', ldap: 'cn' },
  { directory: 'familyName', ldap: 'sn' },
  same('givenName'),
  same('displayName'),
  same('initials'),
  same('mail'),
  { directory: 'phoneNumber', ldap: 'telephoneNumber' },
  same('mobile'),
  { directory: 'fax', ldap: 'facsimileTelephoneNumber' },
  same('homePhone'),
  same('pager'),
  same('employeeNumber'),
  same('employeeType'),
  same('departmentNumber'),
  same('title'),
  same('description'),
  { directory: 'photo', ldap: 'jpegPhoto' },
  { directory: 'certificate', ldap: 'userCertificate;binary' },
  { directory: 'organizationName', ldap: 'o' },
  { directory: 'organizationalUnitName', ldap: 'ou' },
  same('businessCategory'),
  same('street'),
  { directory: 'locality', ldap: 'l' },
  { directory: 'state', ldap: 'st' },
  same('postalCode'),
  same('postalAddress'),
  same('postOfficeBox'),
  same('physicalDeliveryOfficeName'),
  same('homePostalAddress'),
  same('roomNumber'),
  same('preferredLanguage'),
  same('labeledURI'),
  same('carLicense'),
  { directory: 'manager', ldap: 'manager', names: 'object' },
  { directory: 'secretary', ldap: 'secretary', names: 'object' },
  { directory: 'uidNumber', ldap: 'uidNumber', classes: posixAccount },
  { directory: 'gidNumber', ldap: 'gidNumber', classes: posixAccount },
  { directory: 'homeDirectory', ldap: 'homeDirectory', classes: posixAccount },
  { directory: 'loginShell', ldap: 'loginShell', classes: posixAccount },
  { directory: 'gecos', ldap: 'gecos', classes: posixAccount },
];

const organizationalUnitPairs: readonly Pair[] = [
  { directory: 'name', ldap: 'ou' },
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

const groupPairs: readonly Pair[] = [
  { directory: 'name', ldap: 'cn' },
  same('description'),
  { directory: 'businessCategory', ldap: 'businessCategory', classes: namedGroup },
  { directory: 'organizationName', ldap: 'o', classes: namedGroup },
  { directory: 'organizationalUnitName', ldap: 'ou', classes: namedGroup },
  { directory: 'owner', ldap: 'owner', classes: namedGroup, names: 'object' },
  { directory: 'gidNumber', ldap: 'gidNumber', classes: ['posixgroup'] },
];

const pairs: Readonly<Record<ObjectKind, readonly Pair[]>> = {
  user: userPairs,
  organizationalUnit: organizationalUnitPairs,
  group: groupPairs,
};

export const ldapDefaultMatch: MatchRules = {
  user: ['username'],
  organizationalUnit: ['path'],
  group: ['path'],
};

/** The documented default mapping; the two directions are inverse to each other, so that values pass through whole. */
export function ldapDefaultMapping(direction: 'ingress' | 'egress', shape: LdapShape): Mapping {
  // The attribute that marks disabled accounts is the account's state, and no value of its own.
  const state = shape.disabled?.attribute.toLowerCase();
  const build = (kind: ObjectKind): KindMapping => {
    const mapped = pairs[kind].filter(({ ldap }) => kind !== 'user' || ldap.toLowerCase() !== state);
    return direction === 'ingress' ? ingress(mapped) : egress(mapped, shape.kinds[kind].writeClasses);
  };
  return {
    user: build('user'),
    organizationalUnit: build('organizationalUnit'),
    group: build('group'),
  };
}

function same(name: string): Pair {
  return { directory: name, ldap: name };
}

function ingress(pairs: readonly Pair[]): KindMapping {
  return Object.fromEntries(
    pairs.map(({ directory, ldap, fallback = [] }) => [directory, { from: [ldap, ...fallback] }]),
  );
}

function egress(pairs: readonly Pair[], writeClasses: readonly string[]): KindMapping {
  const written = new Set(writeClasses.map((name) => name.toLowerCase()));
  return Object.fromEntries(
    pairs
      .filter(({ names }) => names === undefined)
      .filter(({ classes }) => classes === undefined || classes.some((name) => written.has(name)))
      .map(({ directory, ldap }) => [ldap, { from: [directory] }]),
  );
}
