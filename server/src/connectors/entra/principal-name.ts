import { localPart, plainLetters } from './nickname.ts';

/** Longest parts of a user principal name. */
const longestLocal = 64;

export interface TenantDomains {
  /** In lower case. */
  readonly verified: ReadonlySet<string>;
  readonly defaultName: string;
}

/** Letters, digits and `' . - _ ! # ^ ~`, no dot at the ends. */
function cleanLocal(text: string): string {
  return plainLetters(text)
    .replaceAll(/[^A-Za-z0-9'._!#^~-]/g, '')
    .replaceAll(/\.{2,}/g, '.')
    .replaceAll(/^\.+|\.+$/g, '')
    .slice(0, longestLocal)
    .replaceAll(/\.+$/g, '');
}

/** An address of one of the tenant's own domains, as a principal name has it. */
function ownAddress(address: string | undefined, verified: ReadonlySet<string>): string | undefined {
  const at = address?.lastIndexOf('@') ?? -1;
  if (address === undefined || at <= 0) return undefined;
  const domain = address.slice(at + 1).toLowerCase();
  const local = cleanLocal(address.slice(0, at));
  return local !== '' && verified.has(domain) ? `${local}@${domain}` : undefined;
}

/**
 * The user principal name of a person: the wanted one when its domain is verified, else the user name, at its own domain
 * where that is verified, or at the default one. Undefined when nothing of either can stand in a name.
 * @param wanted usually the mail address
 * @param username with or without a domain
 */
export function principalName(
  wanted: string | undefined,
  username: string | undefined,
  { verified, defaultName }: TenantDomains,
): string | undefined {
  const own = ownAddress(wanted, verified) ?? ownAddress(username, verified);
  if (own !== undefined) return own;
  for (const name of [username, wanted]) {
    const local = name === undefined ? '' : cleanLocal(localPart(name));
    if (local !== '') return `${local}@${defaultName}`;
  }
  return undefined;
}
