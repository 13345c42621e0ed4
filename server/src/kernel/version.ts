import manifest from '../../../package.json' with { type: 'json' };

/** The version of this installation: the root package.json is the only place that states it. */
export const version: string = manifest.version;
