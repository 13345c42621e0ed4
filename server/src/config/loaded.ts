import type { ConnectionConfiguration } from '@lockstep/contract/connection-configuration.ts';
import type { LockstepError } from '../kernel/errors.ts';
import type { AuthZoneConfiguration, SyncConfiguration } from '@lockstep/contract/configuration.ts';

/** A connection: what may be stored and shown, and apart from it what must be sealed. */
export interface LoadedConnection {
  readonly name: string;
  readonly type: ConnectionConfiguration['type'];
  /** As the connection's schema parses it, without the fields that hold a secret. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Field to secret. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface LoadedSync {
  readonly name: string;
  readonly settings: SyncConfiguration;
}

/** What a configuration says, in the order in which it says it. */
export interface ConfigurationState {
  readonly connections: readonly LoadedConnection[];
  readonly syncs: readonly LoadedSync[];
  /** Directory attribute to the syncs that may set it, best first. */
  readonly precedence: Readonly<Record<string, readonly string[]>>;
  readonly authZones: readonly { readonly name: string; readonly settings: AuthZoneConfiguration }[];
}

export interface LoadedConfiguration extends ConfigurationState {
  readonly file: string;
  /** Relative paths in the configuration start here. */
  readonly baseDirectory: string;
  /** Where a field of the configuration stands (`syncs.corp-in.match[0]`), or the nearest thing around it. */
  positionOf(field: string): NonNullable<LockstepError['position']>;
}
