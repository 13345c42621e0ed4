import { z } from 'zod';
import { resourceNameSchema } from './connection.ts';
import { authZoneSchema, syncSchema } from './configuration.ts';

/**
 * A whole configuration with its references resolved, as `lockstep apply` sends it. Lists, because the order of the
 * syncs counts.
 */
export const resolvedConfigurationSchema = z.strictObject({
  connections: z.array(
    z.strictObject({
      name: resourceNameSchema,
      type: z.string(),
      /** The configuration of the connection without its secrets. */
      settings: z.record(z.string(), z.unknown()),
      secrets: z.record(z.string(), z.string()).default({}),
    }),
  ),
  syncs: z.array(z.strictObject({ name: resourceNameSchema, settings: syncSchema })),
  /** Directory attribute to the ingress syncs that may set it, best first. */
  precedence: z.record(z.string(), z.array(z.string())).default({}),
  authZones: z.array(z.strictObject({ name: resourceNameSchema, settings: authZoneSchema })).default([]),
});
export type ResolvedConfiguration = z.infer<typeof resolvedConfigurationSchema>;

/** One thing that applying a configuration would do, or did. */
export const configurationChangeSchema = z.object({
  action: z.enum(['create', 'update', 'delete']),
  resource: z.enum(['connection', 'sync', 'precedence', 'authZone']),
  name: z.string(),
  /** Members that differ; of a secret only its name, and whether it is given or taken away. */
  fields: z.array(
    z.object({
      field: z.string(),
      before: z.json().optional(),
      after: z.json().optional(),
      secret: z.enum(['given', 'removed']).optional(),
    }),
  ),
});
export type ConfigurationChange = z.infer<typeof configurationChangeSchema>;

export const configurationDifferenceSchema = z.object({ changes: z.array(configurationChangeSchema) });
export type ConfigurationDifference = z.infer<typeof configurationDifferenceSchema>;
