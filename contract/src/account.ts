import { z } from 'zod';

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
