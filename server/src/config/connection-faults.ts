import { formatOf } from '../connectors/file/config.ts';
import { parseLdapUrl } from '../connectors/ldap/protocol/client/address.ts';
import { parseDn } from '../directory/dn/dn.ts';
import type { Fault } from './fault.ts';
import { faultOf } from './fault.ts';
import type { FieldPath } from './field-path.ts';
import { valueAt } from './field-path.ts';

/** What cannot be used of a connection's settings; fields of another type than expected are the schema's matter. */
export function connectionFaults(settings: unknown): Fault[] {
  const type = valueAt(settings, ['type']);
  if (type === 'ldap') return ldapFaults(settings);
  return type === 'file' ? fileFaults(settings) : [];
}

function ldapFaults(settings: unknown): Fault[] {
  return [
    ...textFaults(settings, ['url'], parseLdapUrl),
    ...textFaults(settings, ['baseDn'], parseDn),
    ...textFaults(settings, ['bindDn'], (name) => (isAccountName(name) ? undefined : parseDn(name))),
    ...textFaults(settings, ['group', 'placeholderMember'], (member) =>
      member === 'self' || member === 'empty' ? undefined : parseDn(member),
    ),
  ];
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
