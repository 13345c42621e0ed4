import { resolve } from 'node:path';
import type { ResolvedConfiguration } from '@lockstep/contract/installationConfiguration.ts';

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

/**
 * Loads a configuration file with its secrets and with absolute paths.
 * Throws LockstepError with the position of every fault.
 */
export async function loadConfiguration(file: string): Promise<ResolvedConfiguration> {
  const { loadConfiguration: load } = await import('../config/load.ts');
  const { baseDirectory, connections, syncs, precedence, authZones } = await load(file, process.env);
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
