import type { Capabilities } from '../../sync/connector.ts';

/** SCIM has users and groups and no tree; `active` tells and sets the state of an account. */
export function scimCapabilities(groups: boolean): Capabilities {
  return {
    source: true,
    target: true,
    kinds: groups ? ['user', 'group', 'membership'] : ['user'],
    disable: true,
    moveCarriesChildren: false,
    exports: false,
  };
}
