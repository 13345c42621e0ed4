import type { LdapConnection } from '@lockstep/contract/connection-configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { normaliseType } from '../../directory/dn/dn.ts';
import { binaryAttributes } from '../../directory/inet-org-person.ts';

/** What a kind looks like in this directory. Object classes are spelled as configured. */
export interface KindShape {
  /** An entry with any of these classes (or a class derived from one) is of this kind. */
  readonly readClasses: readonly string[];
  /** All of these are written. */
  readonly writeClasses: readonly string[];
  readonly rdnAttribute: string;
}

/** The settings of a connection with every default filled in. */
export interface LdapShape {
  readonly kinds: Readonly<Record<ObjectKind, KindShape>>;
  readonly externalIdAttribute: string;
  /** 'self', 'empty' or a DN. */
  readonly placeholderMember: string;
  readonly disabled: LdapConnection['disabled'];
  /** Active Directory keeps passwords in an attribute and a form of its own, and takes them protected only. */
  readonly isActiveDirectory: boolean;
  /** Nobody on the way can read what is sent. */
  readonly isProtected: boolean;
  /** Whether the values of this attribute (spelled as the server does, options included) are bytes. */
  readonly isBinary: (attribute: string) => boolean;
}

const defaults: Readonly<Record<ObjectKind, KindShape>> = {
  user: {
    readClasses: ['inetOrgPerson', 'organizationalPerson', 'person', 'posixAccount'],
    writeClasses: ['inetOrgPerson', 'organizationalPerson', 'person', 'top'],
    rdnAttribute: 'uid',
  },
  organizationalUnit: {
    readClasses: ['organizationalUnit'],
    writeClasses: ['organizationalUnit', 'top'],
    rdnAttribute: 'ou',
  },
  group: {
    readClasses: ['groupOfNames', 'groupOfUniqueNames', 'posixGroup', 'groupOfMembers'],
    writeClasses: ['groupOfNames', 'top'],
    rdnAttribute: 'cn',
  },
};

export function resolveShape(settings: LdapConnection): LdapShape {
  const binary = new Set([...binaryAttributes, ...settings.binaryAttributes.map((name) => baseName(name))]);
  return {
    kinds: {
      user: kindShape('user', settings),
      organizationalUnit: kindShape('organizationalUnit', settings),
      group: kindShape('group', settings),
    },
    externalIdAttribute: settings.externalIdAttribute,
    placeholderMember: settings.group?.placeholderMember ?? 'self',
    disabled: settings.disabled,
    isActiveDirectory: settings.externalIdAttribute.toLowerCase() === 'objectguid',
    isProtected: settings.startTls || !/^ldap:/i.test(settings.url),
    isBinary: remembered((attribute) => isBinaryOption(attribute) || binary.has(baseName(attribute))),
  };
}

const mostRemembered = 10_000;

/** Answers each question once: attribute names repeat in every entry. */
export function remembered<Answer>(answer: (name: string) => Answer): (name: string) => Answer {
  const known = new Map<string, Answer>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined) {
      found = answer(name);
      if (known.size < mostRemembered) known.set(name, found);
    }
    return found;
  };
}

function kindShape(kind: ObjectKind, settings: LdapConnection): KindShape {
  const configured = settings[kind];
  return {
    readClasses: configured?.readObjectClasses ?? defaults[kind].readClasses,
    writeClasses: configured?.writeObjectClasses ?? defaults[kind].writeClasses,
    rdnAttribute: configured?.rdnAttribute ?? defaults[kind].rdnAttribute,
  };
}

/** The attribute type without options, in lower case (RFC 4512 section 2.5). */
export function baseName(attribute: string): string {
  const end = attribute.indexOf(';');
  return (end < 0 ? attribute : attribute.slice(0, end)).toLowerCase();
}

/** An attribute description as it is compared: in lower case, and of several names of its type the one. */
export const sameDescription = remembered((description) => {
  const [type = '', ...options] = description.toLowerCase().split(';');
  return [normaliseType(type), ...options].join(';');
});

/** RFC 4522: the `binary` transfer option. */
function isBinaryOption(attribute: string): boolean {
  return /;binary(;|$)/i.test(attribute);
}
