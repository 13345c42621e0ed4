import { formatOf } from '../connectors/file/config.ts';
import { parseLdapUrl } from '../connectors/ldap/protocol/client/address.ts';
import { parseDn } from '../directory/dn/dn.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { Fault } from './fault.ts';
import { faultOf } from './fault.ts';
import type { FieldPath } from './field-path.ts';
import { valueAt } from './field-path.ts';

/** What cannot be used of a connection's settings; fields of another type than expected are the schema's matter. */
export function connectionFaults(settings: unknown): Fault[] {
  const type = valueAt(settings, ['type']);
  if (type === 'ldap') return ldapFaults(settings);
  if (type === 'file') return fileFaults(settings);
  if (type === 'entra_id') return entraFaults(settings);
  if (type === 'scim') return scimFaults(settings);
  return type === 'event_callback' ? eventCallbackFaults(settings) : [];
}

function fault(path: FieldPath, message: string, remedy: string): Fault {
  return { path, code: 'InvalidConfiguration', message, remedy };
}

/** Whatever is in an address is shown to readers; and no request would carry a name and password from there. */
function accountFaults(settings: unknown, path: FieldPath, remedy: string): Fault[] {
  const url = valueAt(settings, path);
  if (typeof url !== 'string' || !/^https?:\/\/[^/?#]*@/i.test(url)) return [];
  return [fault(path, 'this names an account before the host', remedy)];
}

const entraRemedy = 'Leave it out: clientId says who signs in.';
const entraCredentials = ['clientSecret', 'certificate', 'federatedToken'] as const;

function entraFaults(settings: unknown): Fault[] {
  const given = entraCredentials.filter((field) => valueAt(settings, [field]) !== undefined);
  const [first = '', second] = given;
  const graphUrl = valueAt(settings, ['graphUrl']);
  return [
    ...accountFaults(settings, ['graphUrl'], entraRemedy),
    ...accountFaults(settings, ['authorityUrl'], entraRemedy),
    ...(given.length === 0
      ? [
          fault(
            ['clientSecret'],
            'the application has no credential',
            `Give one of ${entraCredentials.join(', ')}.`,
          ),
        ]
      : []),
    ...(second === undefined
      ? []
      : [fault([second], `the application has two credentials, ${first} and this`, 'Keep one of the two.')]),
    ...(typeof graphUrl === 'string' && /\/(v1\.0|beta)\/?$/.test(graphUrl)
      ? [fault(['graphUrl'], 'this names a version of the API', 'Leave the last part out, with its slash.')]
      : []),
  ];
}

function scimFaults(settings: unknown): Fault[] {
  const isTwofold = valueAt(settings, ['token']) !== undefined && valueAt(settings, ['oauth']) !== undefined;
  return [
    ...accountFaults(settings, ['url'], 'Leave it out, and give token or oauth.'),
    ...accountFaults(settings, ['oauth', 'tokenUrl'], 'Leave it out: oauth.clientId says who asks.'),
    ...(isTwofold ? [fault(['oauth'], 'there is a token as well', 'Keep token or oauth.')] : []),
  ];
}

/** The key itself is never a part of a message. A key in a file is looked at by the connector. */
function eventCallbackFaults(settings: unknown): Fault[] {
  const key = valueAt(settings, ['encryptKey']);
  const remedy = 'Make one with: openssl rand -hex 32';
  const isMalformed = typeof key === 'string' && !/^[0-9a-fA-F]{64}$/.test(key);
  const isMissing = key === undefined && valueAt(settings, ['encrypt']) === true;
  return [
    ...accountFaults(settings, ['url'], 'Leave it out: the application knows events by their signature.'),
    ...(isMalformed ? [fault(['encryptKey'], 'this is not 64 hexadecimal digits', remedy)] : []),
    ...(isMissing ? [fault(['encryptKey'], 'events shall be encrypted, and there is no key', remedy)] : []),
  ];
}

function ldapFaults(settings: unknown): Fault[] {
  return [
    ...textFaults(settings, ['url'], parseServerUrl),
    ...textFaults(settings, ['baseDn'], parseDn),
    ...textFaults(settings, ['bindDn'], (name) => (isAccountName(name) ? undefined : parseDn(name))),
    ...textFaults(settings, ['group', 'placeholderMember'], (member) =>
      member === 'self' || member === 'empty' ? undefined : parseDn(member),
    ),
  ];
}

/** What an LDAP URL says beyond the server would be passed over; of the path of a socket without escapes that is all of it. */
function parseServerUrl(url: string): void {
  const { address: _, ...rest } = parseLdapUrl(url);
  if (/^ldaps?:\/\/(?:[:/?]|$)/i.test(url)) {
    throw new LockstepError('InvalidConfiguration', `"${url}" names no host`, {
      remedy: 'Write it as ldap://HOST:PORT or ldaps://HOST:PORT; localhost is this machine.',
    });
  }
  const beyond = Object.values(rest).flat();
  if (beyond.every((part) => part === undefined)) return;
  throw new LockstepError('InvalidConfiguration', `"${url}" names more than a server`, {
    remedy:
      'Leave out what follows host and port. The path of a socket is written as in ldapi://%2Frun%2Fslapd%2Fldapi.',
  });
}

/** Active Directory takes `name@domain` and `DOMAIN\name` in place of a DN ([MS-ADTS] section 5.1.1.1.1). */
function isAccountName(name: string): boolean {
  return !name.includes('=') && /^[^@\\]+[@\\][^@\\]+$/.test(name);
}

function fileFaults(settings: unknown): Fault[] {
  const format = textFaults(settings, ['path'], (path) => fileFormat(settings, path));
  return fileFormat(settings) === 'ldif' ? [...format, ...textFaults(settings, ['baseDn'], parseDn)] : format;
}

/** @throws LockstepError when a path is given and neither it nor `format` tells the format. */
function fileFormat(settings: unknown, path?: string): string | undefined {
  const format = valueAt(settings, ['format']);
  if (typeof format === 'string') return format;
  if (path !== undefined) return formatOf({ path });
  try {
    return formatOf({ path: String(valueAt(settings, ['path'])) });
  } catch {
    return undefined;
  }
}

function textFaults(settings: unknown, path: FieldPath, use: (text: string) => unknown): Fault[] {
  const text = valueAt(settings, path);
  return typeof text === 'string' ? faultOf(path, () => use(text)) : [];
}

/** How the nodes of a connection are written: DNs, or ids of units; undefined while its settings do not tell. */
export function nodeNotation(settings: unknown): 'dn' | 'id' | undefined {
  if (valueAt(settings, ['type']) === 'ldap') return 'dn';
  if (valueAt(settings, ['type']) !== 'file') return undefined;
  const format = fileFormat(settings);
  return format === undefined ? undefined : format === 'ldif' ? 'dn' : 'id';
}
