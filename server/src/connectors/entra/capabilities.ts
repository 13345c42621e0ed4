import type { Capabilities } from '../../sync/connector.ts';

/** Entra ID has no organizational units. */
export const entraCapabilities: Capabilities = {
  source: true,
  target: true,
  kinds: ['user', 'group', 'membership'],
  disable: true,
  moveCarriesChildren: false,
  exports: false,
  changes: true,
  referencesApart: true,
};
