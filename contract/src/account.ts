import { z } from 'zod';
import { timeSchema } from './page.ts';
import { tokenSchema } from './token.ts';

/** What an account may do, each including the ones after it: change configuration; run, approve and cancel jobs; read. */
export const roles = ['administrator', 'operator', 'reader'] as const;
export type Role = (typeof roles)[number];

/** Whom the credential of the request stands for. */
export const identitySchema = z.object({
  tenantId: z.string(),
  tenantName: z.string(),
  accountId: z.string(),
  role: z.enum(roles),
});
export type Identity = z.infer<typeof identitySchema>;

/** A person or program that calls the APIs of a tenant; jobs tell by its name who started them. */
export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  createdAt: timeSchema,
});
export type AccountView = z.infer<typeof accountSchema>;

export const accountPutSchema = z.strictObject({
  role: z
    .enum(roles)
    .describe(
      'What it may do: a reader sees everything but secrets, an operator also runs, approves and cancels jobs, an administrator also changes the configuration.',
    ),
});

/** The only answer that has the token itself. */
export const createdTokenSchema = tokenSchema.extend({
  token: z.string().describe('Sent as `Authorization: Bearer TOKEN`.'),
});
export type CreatedToken = z.infer<typeof createdTokenSchema>;
