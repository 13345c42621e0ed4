import { objectKinds, type ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { correspondenceMapping, correspondences } from '../../directory/inet-org-person.ts';
import type { KindMapping, Mapping, MatchRules } from '../../mapping/rules.ts';
import type { FileFormat } from './config.ts';

/** Users by mail, then user name; what has no such value by its place. */
export const defaultMatch: MatchRules = {
  user: ['mail', 'username'],
  organizationalUnit: ['path'],
  group: ['name'],
};

/** CSV and JSON Lines carry the directory's own attribute names; `name` is the record's name. */
function plainKind(kind: ObjectKind, direction: 'ingress' | 'egress'): KindMapping {
  const identifier = kind === 'user' ? 'username' : 'name';
  const others = correspondences[kind]
    .filter(({ directory }) => directory !== identifier)
    .map(({ directory }) => ({ directory, ldap: directory }));
  const rest = correspondenceMapping(direction, others);
  if (direction === 'egress') return { name: { from: [identifier] }, ...rest };
  return { [identifier]: { from: kind === 'user' ? ['username', 'name'] : ['name'] }, ...rest };
}

/** LDIF: the correspondence of LDAP attributes. CSV and JSON Lines: attributes keep their names. */
export function defaultMapping(direction: 'ingress' | 'egress', format: FileFormat): Mapping {
  const build = (kind: ObjectKind): KindMapping =>
    format === 'ldif' ? correspondenceMapping(direction, correspondences[kind]) : plainKind(kind, direction);
  return Object.fromEntries(objectKinds.map((kind) => [kind, build(kind)])) as Mapping;
}
