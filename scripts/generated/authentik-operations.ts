import { operationTable } from '../../server/src/http/surfaces/authentik/operation-table.ts';

/** Operations of the families around synchronization that answer 404. */
const absent: readonly string[] = [
  'outposts, sources_ldap (all but sync_status), sources_scim, propertymappings_source_*',
  'core_users_create, core_groups_create, root_config_retrieve, schema_retrieve',
];

/** The table of docs/surfaces.md: what is implemented of the authentik API, and what is different. */
export function renderAuthentikOperations(): string {
  const rows = operationTable.map(({ name, method, path, deviations }) => {
    const different = deviations.length === 0 ? '' : deviations.join('; ');
    return `| \`${name}\` | \`${method} ${path}\` | yes | ${different} |`;
  });
  return [
    '| operation | address | implemented | what is different |',
    '| --- | --- | --- | --- |',
    ...rows,
    ...absent.map((names) => `| ${names} | | no | |`),
  ].join('\n');
}
