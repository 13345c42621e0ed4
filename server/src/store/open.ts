import { openEmbeddedStore } from './embedded.ts';
import type { EmbeddedOptions } from './embedded.ts';
import { openServerStore } from './postgres.ts';
import type { Store } from './store.ts';

export type { Store } from './store.ts';

export type StoreLocation = { readonly data: string } | { readonly databaseUrl: string };

export interface StoreOptions extends EmbeddedOptions {
  /** Size of the pool on a server. */
  readonly connections?: number;
}

/**
 * Opens the store at a location and brings its schema up to date. Close it, or use `await using`.
 * @throws LockstepError DataDirectoryLocked, StoreUnavailable
 */
export async function openStore(location: StoreLocation, options: StoreOptions = {}): Promise<Store> {
  return 'data' in location
    ? openEmbeddedStore(location.data, options)
    : openServerStore(location.databaseUrl, options.connections);
}
