import { LockstepError } from '../../../kernel/errors.ts';

/** What the API calls types of connections; the vendor has the first one alone. */
const names: Readonly<Record<string, string>> = {
  entra_id: 'Azure AD',
  ldap: 'LDAP',
  file: 'File',
  scim: 'SCIM',
  google_workspace: 'Google Workspace',
};

export function typeName(connectionType: string): string {
  return names[connectionType] ?? connectionType;
}

/** The same as a key, as some answers spell it: `azure_ad`. */
export function typeKey(connectionType: string): string {
  return typeName(connectionType).toLowerCase().replaceAll(' ', '_');
}

/** @throws LockstepError InvalidRequest. */
export function connectionTypeOf(name: string): string {
  const found = Object.entries(names).find(([, one]) => one === name)?.[0];
  if (found !== undefined) return found;
  throw new LockstepError('InvalidRequest', `'type' must be one of: ${Object.values(names).join(', ')}`, {
    field: 'type',
  });
}

/** Where people and groups are from that no identity provider brought. */
export const localIdp = { id: '0', name: 'Meraki', type: 'Meraki' };
