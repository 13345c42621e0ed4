import type { Capabilities } from '../../sync/connector.ts';
import type { FileSettings } from './config.ts';

/** CSV and JSON Lines have a place for the account's state; LDIF only where the settings name an attribute for it. */
export function capabilitiesOf(settings: FileSettings): Capabilities {
  return {
    source: true,
    target: true,
    kinds: ['organizationalUnit', 'user', 'group', 'membership'],
    disable: settings.format !== 'ldif' || settings.disabled !== undefined,
    moveCarriesChildren: true,
    exports: true,
  };
}
