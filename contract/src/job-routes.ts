import { z } from 'zod';
import { changeSchema } from './change.ts';
import { resourceNameSchema } from './connection.ts';
import { jobViewSchema, messageLevels, messageSchema } from './job.ts';
import { pageOf, pageQuery } from './page.ts';
import type { Route } from './route.ts';
import { requestedJobSchema, undoRequestSchema } from './sync.ts';
import {
  directionSchema,
  jobModeSchema,
  jobStatusSchema,
  kindSchema,
  operationSchema,
  resultSchema,
  verbSchema,
} from './vocabulary.ts';

const jobParams = z.object({ job: z.string().min(1).max(100) });
const timeFilter = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const several = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(item).min(1),
  );

/** Jobs, their changes and messages. */
export const jobRoutes = {
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
    query: z.strictObject({ ...pageQuery, level: several(z.enum(messageLevels)).optional() }),
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
  undoJob: {
    method: 'POST',
    path: '/jobs/{job}/undo',
    summary: 'Start a job that takes back what an ingress job did to the directory',
    tag: 'jobs',
    role: 'operator',
    params: jobParams,
    body: undoRequestSchema,
    status: 202,
    response: requestedJobSchema,
    errors: ['NotFound', 'NotUndoable', 'Conflict'],
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
