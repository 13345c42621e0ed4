import { z } from 'zod';
import {
  connectionSchema,
  entraIdConnectionSchema,
  eventCallbackConnectionSchema,
  fileConnectionSchema,
  googleWorkspaceConnectionSchema,
  ldapConnectionSchema,
  scimConnectionSchema,
  scimOauthSchema,
  scimServerConnectionSchema,
  secretFields,
} from './connection-configuration.ts';
import { timeSchema } from './page.ts';

/** Members of a connection's configuration that are secrets: sealed in the store and never shown again. */
export const secretNames: Readonly<Record<string, readonly string[]>> = secretFields;

const shownConfigurationSchema = z.discriminatedUnion('type', [
  ldapConnectionSchema.omit({ password: true }),
  fileConnectionSchema,
  entraIdConnectionSchema.omit({ clientSecret: true }),
  scimConnectionSchema
    .omit({ token: true })
    .extend({ oauth: scimOauthSchema.omit({ clientSecret: true }).optional() }),
  scimServerConnectionSchema,
  googleWorkspaceConnectionSchema.omit({ credentials: true }),
  eventCallbackConnectionSchema.omit({ encryptKey: true }),
]);

/** A connection as the API shows it: with the names of its secrets and without their values. */
export const connectionViewSchema = z.object({
  id: z.string(),
  serial: z.int(),
  name: z.string(),
  type: z.string(),
  configuration: shownConfigurationSchema,
  secrets: z.array(z.string()).describe('Names of the secrets that are set.'),
  revision: z.int(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type ConnectionView = z.infer<typeof connectionViewSchema>;

/** What a connection shall be. A secret that is left out keeps its value. */
export const connectionPutSchema = connectionSchema;

export const testStepSchema = z.object({
  step: z.string().describe('dns, tcp, tls, bind, read or another step of the connector'),
  ok: z.boolean(),
  detail: z.string(),
  remedy: z.string().optional(),
});
export const connectionTestSchema = z.object({ ok: z.boolean(), steps: z.array(testStepSchema) });
export type ConnectionTest = z.infer<typeof connectionTestSchema>;

/** A name of a connection or sync: shown, typed and put into addresses, so without control characters and slashes. */
export const resourceNameSchema = z
  .string()
  .min(1)
  .max(200)
  // oxlint-disable-next-line no-control-regex -- exactly those are refused
  .regex(/^[^\u0000-\u001f\u007f/]+$/, 'must not contain slashes or control characters');
