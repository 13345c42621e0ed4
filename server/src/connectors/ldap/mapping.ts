import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { correspondenceMapping, correspondences } from '../../directory/inet-org-person.ts';
import type { KindMapping, Mapping, MatchRules } from '../../mapping/rules.ts';
import type { LdapShape } from './config.ts';

export const ldapDefaultMatch: MatchRules = {
  user: ['username'],
  organizationalUnit: ['path'],
  group: ['path'],
};

/** The documented default mapping; written are only attributes that the written object classes have. */
export function ldapDefaultMapping(direction: 'ingress' | 'egress', shape: LdapShape): Mapping {
  // The attribute that marks disabled accounts is the account's state, and no value of its own.
  const state = shape.disabled?.attribute.toLowerCase();
  const build = (kind: ObjectKind): KindMapping => {
    const written = new Set(shape.kinds[kind].writeClasses.map((name) => name.toLowerCase()));
    const entries = correspondences[kind]
      .filter(({ ldap }) => kind !== 'user' || ldap.toLowerCase() !== state)
      .filter(
        ({ classes }) => direction === 'ingress' || (classes?.some((name) => written.has(name)) ?? true),
      );
    return correspondenceMapping(direction, entries);
  };
  return {
    user: build('user'),
    organizationalUnit: build('organizationalUnit'),
    group: build('group'),
  };
}
