import { resolve } from 'node:path';
import type { ResolvedConfiguration } from '@lockstep/contract/installationConfiguration.ts';
import type { LoadedConfiguration } from '../config/loaded.ts';
import { LockstepError } from '../kernel/errors.ts';

type Settings = Readonly<Record<string, unknown>>;

/** Settings that name files; in the file they are relative to it, in the store they must not depend on who asks. */
const pathSettings = ['path', 'caFile'];
const innerPathSettings: Readonly<Record<string, readonly string[]>> = {
  tls: ['caFile', 'certFile', 'keyFile'],
  certificate: ['file'],
  federatedToken: ['file'],
};

function resolvePaths(settings: Settings, names: readonly string[], base: string): Settings {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      names.includes(name) && typeof value === 'string' ? resolve(base, value) : value,
    ]),
  );
}

function resolveSettings(settings: Settings, base: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(resolvePaths(settings, pathSettings, base)).map(([name, value]) => {
      const inner = innerPathSettings[name];
      const group = inner !== undefined && typeof value === 'object' && value !== null;
      return [name, group ? resolvePaths(value as Settings, inner, base) : value];
    }),
  );
}

/** A configuration as commands send it, and where it came from. */
export interface ConfigurationFile {
  readonly configuration: ResolvedConfiguration;
  /** Awaits the answer to a call with the configuration; a refusal that names a field gets its place in the file. */
  placing<Answer>(call: Promise<Answer>): Promise<Answer>;
}

/**
 * Loads a configuration file with its secrets and with absolute paths.
 * Throws LockstepError with the position of every fault.
 */
export async function loadConfiguration(file: string): Promise<ConfigurationFile> {
  const { loadConfiguration: load } = await import('../config/load.ts');
  const loaded = await load(file, process.env);
  return {
    configuration: resolveConfiguration(loaded),
    async placing(call) {
      try {
        return await call;
      } catch (error) {
        throw placed(loaded, error);
      }
    },
  };
}

function placed(loaded: LoadedConfiguration, error: unknown): unknown {
  if (!(error instanceof LockstepError) || error.position !== undefined) return error;
  const { code, message, field, remedy } = error;
  if (field === undefined || !/^(connections|syncs|precedence|authZones)\b/.test(field)) return error;
  const position = loaded.positionOf(field);
  return new LockstepError(code, message, { field, remedy, position, cause: error });
}

function resolveConfiguration(loaded: LoadedConfiguration): ResolvedConfiguration {
  const { baseDirectory, connections, syncs, precedence, authZones } = loaded;
  return {
    connections: connections.map(({ name, type, settings, secrets }) => ({
      name,
      type,
      settings: resolveSettings(settings, baseDirectory),
      secrets: { ...secrets },
    })),
    syncs: syncs.map(({ name, settings }) => ({ name, settings })),
    precedence: Object.fromEntries(Object.entries(precedence).map(([name, order]) => [name, [...order]])),
    authZones: authZones.map(({ name, settings }) => ({ name, settings })),
  };
}
