import { z } from 'zod';
import { roles } from './account.ts';
import { endSchema, timeSchema } from './page.ts';

/** The name of a policy, as RAM has it. */
export const policyNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,127}$/, 'a name has letters, digits and `-`, at most 128');

/** A policy document of Alibaba Cloud RAM. What is in it is checked by the server when it is put. */
export const policyDocumentSchema = z
  .record(z.string(), z.unknown())
  .describe(
    '`{"Version": "1", "Statement": [{"Effect", "Action", "Resource", "Condition"}]}`, in the language of RAM.',
  );

/** An access key, which signs requests to the EIAM API. */
export const accessKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The account that it acts for, and its role, which bounds it. */
  account: z.string(),
  role: z.enum(roles),
  /** Names of its policies; without any it may do what its account may. */
  policies: z.array(z.string()),
  status: z.enum(['active', 'expired', 'revoked']),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  /** To the minute. */
  lastUsedAt: timeSchema.nullable(),
  revokedAt: timeSchema.nullable(),
});
export type AccessKeyView = z.infer<typeof accessKeySchema>;

/** The only answer that has the secret. */
export const createdAccessKeySchema = accessKeySchema.extend({ secret: z.string() });
export type CreatedAccessKey = z.infer<typeof createdAccessKeySchema>;

export const accessKeyRequestSchema = z.strictObject({
  name: z.string().trim().min(1).max(100).describe('What it is for.'),
  account: z.string().min(1).max(200).optional().describe('Name of the account it acts for; else your own.'),
  expiresAt: endSchema.optional().describe('When it ends; without it when it is revoked.'),
  policies: z.array(policyNameSchema).max(20).optional().describe('Policies to attach.'),
});

export const policySchema = z.object({
  name: z.string(),
  description: z.string(),
  document: z.record(z.string(), z.unknown()),
  /** Ids of the keys that have it. */
  accessKeys: z.array(z.string()),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type PolicyView = z.infer<typeof policySchema>;

export const policyPutSchema = z.strictObject({
  document: policyDocumentSchema,
  description: z.string().max(1000).optional(),
});

export const securityTokenRequestSchema = z.strictObject({
  durationSeconds: z.int().min(60).max(43_200).default(3600).describe('How long it lives, up to 12 hours.'),
  policy: policyDocumentSchema.optional().describe('Narrows what the parent key may do.'),
});

/** A temporary key; requests carry the token as well. Shown once. */
export const securityTokenSchema = z.object({
  accessKeyId: z.string(),
  accessKeySecret: z.string(),
  securityToken: z.string(),
  expiresAt: timeSchema,
});
export type SecurityTokenView = z.infer<typeof securityTokenSchema>;
