import { z } from 'zod';
import { jobSelectionSchema } from './job.ts';
import { syncSchema } from './configuration.ts';
import { jobViewSchema } from './job.ts';
import { timeSchema } from './page.ts';
import { directionSchema } from './vocabulary.ts';

/** A sync as the API shows it. `configuration` is what the file says of it, with defaults filled in. */
export const syncViewSchema = z.object({
  id: z.string(),
  serial: z.int(),
  name: z.string(),
  connectionId: z.string(),
  direction: directionSchema,
  position: z.int().describe('Its place in the order of the syncs, from 0: precedence among ingress syncs.'),
  enabled: z.boolean(),
  configuration: syncSchema,
  nextRunAt: timeSchema.nullable(),
  revision: z.int(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type SyncView = z.infer<typeof syncViewSchema>;

export const syncPutSchema = syncSchema;

export const jobRequestSchema = z.strictObject({
  mode: z.enum(['apply', 'dryRun']).default('apply'),
  description: z.string().max(1000).optional().describe('A note that the job keeps.'),
  selection: jobSelectionSchema
    .optional()
    .describe('Makes it a partial run, which touches these objects only.'),
  full: z
    .boolean()
    .default(false)
    .describe('Read everything again, also where the system could tell what changed since the last run.'),
});

export const undoRequestSchema = z.strictObject({
  mode: z
    .enum(['apply', 'dryRun'])
    .default('apply')
    .describe('dryRun: show what would be taken back, and what could not be.'),
  description: z.string().max(1000).optional().describe('A note that the job keeps.'),
});

/** The job that answers a request to run: a new one, or the one of this sync that has not ended yet. */
export const requestedJobSchema = z.object({
  job: jobViewSchema,
  created: z.boolean().describe('false: a job of this sync was pending or running, and this is it.'),
});
export type RequestedJob = z.infer<typeof requestedJobSchema>;
