import { z } from 'zod';
import { authZoneSchema, nameSchema } from './configuration.ts';
import { pageOf, pageQuery, timeSchema } from './page.ts';
import type { Route } from './route.ts';

/** An authorization zone as the API shows it. */
export const authZoneViewSchema = z.object({
  id: z.string(),
  serial: z.int(),
  name: z.string(),
  configuration: authZoneSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type AuthZoneView = z.infer<typeof authZoneViewSchema>;

const zoneParams = z.object({ zone: nameSchema.describe('Name; where it exists, id.') });

/** Zones that people may be let into; the Meraki API authorizes people in them. */
export const authZoneRoutes = {
  listAuthZones: {
    method: 'GET',
    path: '/auth-zones',
    summary: 'List authorization zones',
    tag: 'configuration',
    role: 'reader',
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(authZoneViewSchema),
    errors: [],
  },
  getAuthZone: {
    method: 'GET',
    path: '/auth-zones/{zone}',
    summary: 'Show an authorization zone',
    tag: 'configuration',
    role: 'reader',
    params: zoneParams,
    status: 200,
    response: authZoneViewSchema,
    errors: ['NotFound'],
  },
  putAuthZone: {
    method: 'PUT',
    path: '/auth-zones/{zone}',
    summary: 'Create an authorization zone under this name, or replace it',
    tag: 'configuration',
    role: 'administrator',
    params: zoneParams,
    body: authZoneSchema,
    status: 200,
    response: authZoneViewSchema,
    errors: ['InvalidConfiguration'],
  },
  deleteAuthZone: {
    method: 'DELETE',
    path: '/auth-zones/{zone}',
    summary: 'Delete an authorization zone with the authorizations in it',
    tag: 'configuration',
    role: 'administrator',
    params: zoneParams,
    status: 204,
    response: null,
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Route>;
