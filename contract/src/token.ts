import { z } from 'zod';
import { endSchema, timeSchema } from './page.ts';

/** A bearer token as it is listed: the store keeps no more of it than a hash. */
export const tokenSchema = z.object({
  id: z.string(),
  label: z.string().describe('What it is for.'),
  status: z
    .enum(['active', 'expiring', 'expired', 'revoked'])
    .describe('expiring: it ends within 14 days; make a new one and give it to whoever uses it.'),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  lastUsedAt: timeSchema.nullable().describe('To the minute.'),
  revokedAt: timeSchema.nullable(),
});
export type TokenView = z.infer<typeof tokenSchema>;

export const tokenRequestSchema = z.strictObject({
  label: z.string().trim().max(100).default('').describe('What it is for.'),
  expiresAt: endSchema.optional().describe('When it ends; without it when it is revoked.'),
});

export const tokenIdSchema = z.string().regex(/^[a-z0-9_]{1,64}$/, 'is no id of a token');
