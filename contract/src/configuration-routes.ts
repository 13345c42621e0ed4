import { z } from 'zod';
import {
  connectionPutSchema,
  connectionTestSchema,
  connectionViewSchema,
  resourceNameSchema,
} from './connection.ts';
import { configurationDifferenceSchema, resolvedConfigurationSchema } from './installationConfiguration.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';
import { jobRequestSchema, requestedJobSchema, syncPutSchema, syncViewSchema } from './sync.ts';

const connectionParams = z.object({ connection: resourceNameSchema.describe('Id or name.') });
const syncParams = z.object({ sync: resourceNameSchema.describe('Id or name.') });

/** What settings can be refused for. */
const configurationErrors = [
  'InvalidConfiguration',
  'InvalidExpression',
  'InvalidSchedule',
  'InvalidDn',
  'InvalidFilter',
] as const;

/** A configuration as a whole. */
export const configurationRoutes = {
  compareConfiguration: {
    method: 'POST',
    path: '/configuration/difference',
    summary: 'What applying a configuration would change',
    tag: 'configuration',
    role: 'administrator',
    body: resolvedConfigurationSchema,
    status: 200,
    response: configurationDifferenceSchema,
    errors: configurationErrors,
  },
  applyConfiguration: {
    method: 'PUT',
    path: '/configuration',
    summary:
      'Bring connections and syncs to what the configuration says; those that it does not name are removed',
    tag: 'configuration',
    role: 'administrator',
    body: resolvedConfigurationSchema,
    status: 200,
    response: configurationDifferenceSchema,
    errors: [...configurationErrors, 'Conflict'],
  },
} as const satisfies Record<string, Route>;

/** Connections. */
export const connectionRoutes = {
  listConnections: {
    method: 'GET',
    path: '/connections',
    summary: 'List connections by name',
    tag: 'connections',
    role: 'reader',
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(connectionViewSchema),
    errors: [],
  },
  getConnection: {
    method: 'GET',
    path: '/connections/{connection}',
    summary: 'Show a connection, without its secrets',
    tag: 'connections',
    role: 'reader',
    params: connectionParams,
    status: 200,
    response: connectionViewSchema,
    errors: ['NotFound'],
  },
  putConnection: {
    method: 'PUT',
    path: '/connections/{connection}',
    summary: 'Create a connection under this name, or replace it; a secret that is left out is kept',
    tag: 'connections',
    role: 'administrator',
    params: connectionParams,
    body: connectionPutSchema,
    status: 200,
    response: connectionViewSchema,
    errors: ['InvalidConfiguration', 'InvalidDn', 'Conflict'],
  },
  deleteConnection: {
    method: 'DELETE',
    path: '/connections/{connection}',
    summary: 'Delete a connection that no sync uses',
    tag: 'connections',
    role: 'administrator',
    params: connectionParams,
    status: 204,
    response: null,
    errors: ['NotFound', 'Conflict'],
  },
  testConnection: {
    method: 'POST',
    path: '/connections/{connection}/test',
    summary: 'Test a connection step by step, up to the first step that fails',
    tag: 'connections',
    role: 'operator',
    params: connectionParams,
    status: 200,
    response: connectionTestSchema,
    errors: ['NotFound', 'ConnectorUnavailable'],
  },
} as const satisfies Record<string, Route>;

/** Syncs, and the jobs that they are asked for. */
export const syncRoutes = {
  listSyncs: {
    method: 'GET',
    path: '/syncs',
    summary: 'List syncs in the order of the configuration',
    tag: 'syncs',
    role: 'reader',
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(syncViewSchema),
    errors: [],
  },
  getSync: {
    method: 'GET',
    path: '/syncs/{sync}',
    summary: 'Show a sync',
    tag: 'syncs',
    role: 'reader',
    params: syncParams,
    status: 200,
    response: syncViewSchema,
    errors: ['NotFound'],
  },
  putSync: {
    method: 'PUT',
    path: '/syncs/{sync}',
    summary: 'Create a sync under this name, or replace its configuration',
    tag: 'syncs',
    role: 'administrator',
    params: syncParams,
    body: syncPutSchema,
    status: 200,
    response: syncViewSchema,
    errors: [...configurationErrors, 'Conflict'],
  },
  deleteSync: {
    method: 'DELETE',
    path: '/syncs/{sync}',
    summary: 'Delete a sync and its links; its jobs and the objects of the directory stay',
    tag: 'syncs',
    role: 'administrator',
    params: syncParams,
    status: 204,
    response: null,
    errors: ['NotFound', 'Conflict'],
  },
  requestJob: {
    method: 'POST',
    path: '/syncs/{sync}/jobs',
    summary: 'Run a sync, or preview it; answers with the job that is under way if there is one',
    tag: 'syncs',
    role: 'operator',
    params: syncParams,
    body: jobRequestSchema,
    status: 202,
    response: requestedJobSchema,
    errors: ['NotFound', 'Conflict'],
  },
} as const satisfies Record<string, Route>;
