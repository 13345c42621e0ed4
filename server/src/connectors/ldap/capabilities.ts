import type { Capabilities } from '../../sync/connector.ts';
import type { LdapShape } from './config.ts';

export function ldapCapabilities(shape: LdapShape): Capabilities {
  return {
    source: true,
    target: true,
    kinds: ['organizationalUnit', 'user', 'group', 'membership'],
    disable: shape.disabled !== undefined,
    moveCarriesChildren: true,
    exports: false,
    passwords: true,
  };
}
