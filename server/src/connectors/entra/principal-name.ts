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

/**
 * The user principal name of a person: the wanted one when its domain is verified, else the user name at the default
 * domain. Undefined when nothing of either can stand in a name.
 * @param wanted usually the mail address
 * @param username with or without a domain, which then does not count
 */
export function principalName(
  wanted: string | undefined,
  username: string | undefined,
  { verified, defaultName }: TenantDomains,
): string | undefined {
  const at = wanted?.lastIndexOf('@') ?? -1;
  if (wanted !== undefined && at > 0 && verified.has(wanted.slice(at + 1).toLowerCase())) {
    const local = cleanLocal(wanted.slice(0, at));
    if (local !== '') return `${local}@${wanted.slice(at + 1).toLowerCase()}`;
  }
  for (const name of [username, wanted]) {
    const local = name === undefined ? '' : cleanLocal(localPart(name));
    if (local !== '') return `${local}@${defaultName}`;
  }
  return undefined;
}
