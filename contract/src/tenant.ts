import { z } from 'zod';
import { resourceNameSchema } from './connection.ts';
import { pageOf, pageQuery, timeSchema } from './page.ts';
import type { Route } from './route.ts';

/** One customer's directory and everything in it. */
export const tenantSchema = z.object({ id: z.string(), name: z.string(), createdAt: timeSchema });
export type TenantView = z.infer<typeof tenantSchema>;

export const tenantRequestSchema = z.strictObject({
  name: resourceNameSchema.describe('No other tenant of the installation has it.'),
});

/** The only answer that has the credentials of the tenant's first administrator, named as in `admin.json`. */
export const createdTenantSchema = tenantSchema.extend({
  administrator: z.object({
    accountId: z.string(),
    accessKeyId: z.string(),
    accessKeySecret: z.string(),
    apiToken: z.string(),
  }),
});
export type CreatedTenant = z.infer<typeof createdTenantSchema>;

/** The tenants of an installation, for the administrators of its first one alone. */
export const tenantRoutes = {
  listTenants: {
    method: 'GET',
    path: '/tenants',
    summary: 'List the tenants of the installation; for administrators of its first one',
    tag: 'store',
    role: 'administrator',
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(tenantSchema),
    errors: [],
  },
  createTenant: {
    method: 'POST',
    path: '/tenants',
    summary:
      'Make a tenant with an administrator, whose credentials the answer alone has; for administrators of the first one',
    tag: 'store',
    role: 'administrator',
    body: tenantRequestSchema,
    status: 201,
    response: createdTenantSchema,
    errors: ['Conflict'],
  },
} as const satisfies Record<string, Route>;
