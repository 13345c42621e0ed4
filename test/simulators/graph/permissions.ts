import type { GraphRequest } from './exchange.ts';
import { GraphError } from './graph-error.ts';

/** Application permissions that all the simulator's resources can be used with. */
export const allRoles = [
  'User.ReadWrite.All',
  'Group.ReadWrite.All',
  'Directory.ReadWrite.All',
  'AdministrativeUnit.ReadWrite.All',
  'Organization.Read.All',
  'Domain.Read.All',
] as const;

/** Which permission family guards a path. */
const families: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^\/users/, ['User', 'Directory']],
  [/^\/groups/, ['Group', 'GroupMember', 'Directory']],
  [/^\/(directory\/)?administrativeUnits/, ['AdministrativeUnit', 'Directory']],
  [/^\/directory\/deletedItems/, ['User', 'Group', 'Directory']],
  [/^\/organization/, ['Organization', 'Directory', 'User']],
  [/^\/domains/, ['Domain', 'Directory']],
  [/^\/subscribedSkus/, ['Organization', 'Directory', 'LicenseAssignment']],
  [/^\/directoryObjects/, ['Directory', 'User', 'Group']],
];

/** @throws GraphError 403 when no role of the caller is enough. */
export function checkPermission(request: GraphRequest, pattern: string): void {
  const read = request.method === 'GET' || pattern === '/directoryObjects/getByIds';
  const names = families.find(([path]) => path.test(pattern))?.[1] ?? [];
  const enough = names.flatMap((name) => [
    `${name}.ReadWrite.All`,
    ...(read ? [`${name}.Read.All`, `${name}.ReadBasic.All`] : []),
  ]);
  if (request.caller.roles.some((role) => enough.includes(role))) return;
  throw new GraphError(
    403,
    'Authorization_RequestDenied',
    'Insufficient privileges to complete the operation.',
  );
}
