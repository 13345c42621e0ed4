import { z } from 'zod';
import { identitySchema } from './account.ts';
import { changeSchema, objectChangeSchema } from './change.ts';
import {
  connectionPutSchema,
  connectionTestSchema,
  connectionViewSchema,
  resourceNameSchema,
} from './connection.ts';
import {
  directoryObjectDetailSchema,
  directoryObjectSchema,
  directorySegmentSchema,
  memberSchema,
} from './directoryObject.ts';
import { configurationDifferenceSchema, resolvedConfigurationSchema } from './installationConfiguration.ts';
import { jobViewSchema, messageSchema } from './job.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';
import { jobRequestSchema, requestedJobSchema, syncPutSchema, syncViewSchema } from './sync.ts';
import {
  directionSchema,
  jobModeSchema,
  jobStatusSchema,
  kindSchema,
  operationSchema,
  resultSchema,
  verbSchema,
} from './vocabulary.ts';

/** Everything of the native API lies under this. */
export const apiPrefix = '/lockstep/v1';

const connectionParams = z.object({ connection: resourceNameSchema.describe('Id or name.') });
const syncParams = z.object({ sync: resourceNameSchema.describe('Id or name.') });
const jobParams = z.object({ job: z.string().min(1).max(100) });
const objectParams = z.object({
  kind: directorySegmentSchema,
  object: z.string().min(1).max(4000).describe('Id, path (`/Sales/jdoe`, encoded), or user name of a user.'),
});
const timeFilter = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const several = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(item).min(1),
  );

const accountRoutes = {
  getIdentity: {
    method: 'GET',
    path: '/identity',
    summary: 'Whom the credential stands for',
    tag: 'account',
    role: 'reader',
    status: 200,
    response: identitySchema,
    errors: [],
  },
} as const satisfies Record<string, Route>;

const configurationRoutes = {
  compareConfiguration: {
    method: 'POST',
    path: '/configuration/difference',
    summary: 'What applying a configuration would change',
    tag: 'configuration',
    role: 'administrator',
    body: resolvedConfigurationSchema,
    status: 200,
    response: configurationDifferenceSchema,
    errors: ['InvalidConfiguration', 'InvalidExpression', 'InvalidSchedule'],
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
    errors: ['InvalidConfiguration', 'InvalidExpression', 'InvalidSchedule', 'Conflict'],
  },
} as const satisfies Record<string, Route>;

const connectionRoutes = {
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
    errors: ['InvalidConfiguration', 'Conflict'],
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

const syncRoutes = {
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
    errors: ['InvalidConfiguration', 'InvalidExpression', 'InvalidSchedule', 'Conflict'],
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

const jobRoutes = {
  listJobs: {
    method: 'GET',
    path: '/jobs',
    summary: 'List jobs, newest first',
    tag: 'jobs',
    role: 'reader',
    query: z.strictObject({
      ...pageQuery,
      status: several(jobStatusSchema).optional(),
      sync: resourceNameSchema.optional().describe('Id or name.'),
      direction: directionSchema.optional(),
      mode: jobModeSchema.optional(),
      startedAfter: timeFilter.optional().describe('Inclusive.'),
      startedBefore: timeFilter.optional().describe('Inclusive.'),
    }),
    status: 200,
    response: pageOf(jobViewSchema),
    errors: [],
  },
  getJob: {
    method: 'GET',
    path: '/jobs/{job}',
    summary: 'Show a job with its statistics',
    tag: 'jobs',
    role: 'reader',
    params: jobParams,
    status: 200,
    response: jobViewSchema,
    errors: ['NotFound'],
  },
  listChanges: {
    method: 'GET',
    path: '/jobs/{job}/changes',
    summary: 'List the changes of a job with their outcomes, in the order of the plan',
    tag: 'jobs',
    role: 'reader',
    params: jobParams,
    query: z.strictObject({
      ...pageQuery,
      kind: kindSchema.optional(),
      operation: operationSchema.optional(),
      verb: verbSchema.optional(),
      result: resultSchema.optional(),
    }),
    status: 200,
    response: pageOf(changeSchema),
    errors: ['NotFound'],
  },
  listMessages: {
    method: 'GET',
    path: '/jobs/{job}/messages',
    summary: 'List the messages of a job, oldest first',
    tag: 'jobs',
    role: 'reader',
    params: jobParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(messageSchema),
    errors: ['NotFound'],
  },
  followJob: {
    method: 'GET',
    path: '/jobs/{job}/events',
    summary: 'Follow a job by server-sent events; Last-Event-ID resumes',
    tag: 'jobs',
    role: 'reader',
    params: jobParams,
    status: 200,
    response: null,
    media: 'text/event-stream',
    errors: ['NotFound'],
  },
  approveJob: {
    method: 'POST',
    path: '/jobs/{job}/approve',
    summary: 'Start a job that applies exactly the plan that this job holds',
    tag: 'jobs',
    role: 'operator',
    params: jobParams,
    status: 202,
    response: requestedJobSchema,
    errors: ['NotFound', 'NotHeld', 'PlanSuperseded', 'Conflict'],
  },
  cancelJob: {
    method: 'POST',
    path: '/jobs/{job}/cancel',
    summary: 'Cancel a job: a pending one at once, a running one after the batch at hand',
    tag: 'jobs',
    role: 'operator',
    params: jobParams,
    status: 202,
    response: jobViewSchema,
    errors: ['NotFound', 'Conflict'],
  },
} as const satisfies Record<string, Route>;

const directoryRoutes = {
  listDirectory: {
    method: 'GET',
    path: '/directory/{kind}',
    summary: 'List the objects of a kind, by id',
    tag: 'directory',
    role: 'reader',
    params: z.object({ kind: directorySegmentSchema }),
    query: z.strictObject({
      ...pageQuery,
      path: z
        .string()
        .max(4000)
        .optional()
        .describe('Objects right in the organizational unit with this path.'),
      parentId: z
        .string()
        .max(100)
        .optional()
        .describe('Objects right in the organizational unit with this id.'),
      prefix: z.string().max(200).optional().describe('Beginning of the user name or name.'),
    }),
    status: 200,
    response: pageOf(directoryObjectSchema),
    errors: ['NotFound'],
  },
  getDirectoryObject: {
    method: 'GET',
    path: '/directory/{kind}/{object}',
    summary: 'Show an object with its links and where its values come from',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    status: 200,
    response: directoryObjectDetailSchema,
    errors: ['NotFound'],
  },
  listMembers: {
    method: 'GET',
    path: '/directory/{kind}/{object}/members',
    summary: 'List the members of a group',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(memberSchema),
    errors: ['NotFound', 'InvalidRequest'],
  },
  listMemberships: {
    method: 'GET',
    path: '/directory/{kind}/{object}/memberships',
    summary: 'List the groups that a user or group is a direct member of',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(memberSchema),
    errors: ['NotFound', 'InvalidRequest'],
  },
  listObjectChanges: {
    method: 'GET',
    path: '/directory/{kind}/{object}/changes',
    summary: 'The history of one object: every change of it in any job, newest first',
    tag: 'directory',
    role: 'reader',
    params: objectParams,
    query: z.strictObject(pageQuery),
    status: 200,
    response: pageOf(objectChangeSchema),
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Route>;

const storeRoutes = {
  downloadBackup: {
    method: 'GET',
    path: '/backup',
    summary: 'Everything in the store at one moment, for `lockstep restore`; secrets stay sealed',
    tag: 'store',
    role: 'administrator',
    status: 200,
    response: null,
    media: 'application/octet-stream',
    errors: [],
  },
} as const satisfies Record<string, Route>;

/** The route table of the native API; the key is the operation id. */
export const routes = {
  ...accountRoutes,
  ...configurationRoutes,
  ...connectionRoutes,
  ...syncRoutes,
  ...jobRoutes,
  ...directoryRoutes,
  ...storeRoutes,
} as const satisfies Record<string, Route>;
export type OperationId = keyof typeof routes;
