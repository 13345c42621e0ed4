import { z } from 'zod';
import { timeSchema } from './page.ts';
import {
  directionSchema,
  jobModeSchema,
  jobStatusSchema,
  kindSchema,
  operations,
  statisticsSchema,
  type Counts,
  type JobStatus,
  type Operation,
  type Statistics,
} from './vocabulary.ts';

export const jobPhases = ['read', 'plan', 'apply', 'record', 'over'] as const;
export type JobPhase = (typeof jobPhases)[number];

export const progressSchema = z.object({
  phase: z.enum(jobPhases),
  read: z.int().describe('Objects read of the source so far.'),
  applied: z.int().describe('Changes of the plan that have an outcome.'),
  total: z.int().describe('Changes of the plan; 0 until it is made.'),
});
export type Progress = z.infer<typeof progressSchema>;

export const guardVerdictSchema = z.object({
  tripped: z.boolean(),
  hold: z.enum(['destructive', 'all']),
  findings: z.array(
    z.object({ kind: kindSchema, destructive: z.int(), linked: z.int(), sentence: z.string() }),
  ),
});
export type GuardVerdictView = z.infer<typeof guardVerdictSchema>;

export const jobViewSchema = z.object({
  id: z.string(),
  serial: z.int(),
  sync: z.string().describe('Name of the sync when the job was requested.'),
  syncId: z.string(),
  connectionId: z.string(),
  direction: directionSchema,
  mode: jobModeSchema,
  approvesJobId: z.string().nullable(),
  status: jobStatusSchema,
  startedThrough: z.string().describe('The surface that asked for it: cli, native, console, schedule, ...'),
  startedBy: z.string().nullable(),
  createdAt: timeSchema,
  startedAt: timeSchema.nullable(),
  endedAt: timeSchema.nullable(),
  progress: progressSchema,
  statistics: statisticsSchema,
  unmanaged: z.partialRecord(kindSchema, z.int()).describe('In the target and not linked: never touched.'),
  guard: guardVerdictSchema.nullable().describe('What the guard found, once the plan was made.'),
  complete: z.boolean().nullable().describe('Whether the source was read to its proven end.'),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  note: z.string().nullable(),
  cancelRequested: z.boolean(),
});
export type JobView = z.infer<typeof jobViewSchema>;

function emptyCounts(): Record<Operation, Counts> {
  return Object.fromEntries(
    operations.map((operation) => [operation, { total: 0, success: 0, failed: 0, skipped: 0 }]),
  ) as Record<Operation, Counts>;
}

/** Statistics in which everything is zero. */
export function emptyStatistics(): Statistics {
  return {
    user: emptyCounts(),
    organizationalUnit: emptyCounts(),
    group: emptyCounts(),
    membership: emptyCounts(),
  };
}

/** Whether a job with this status has ended for good. */
export function jobIsOver(status: JobStatus): boolean {
  return status !== 'pending' && status !== 'running';
}

export const messageSchema = z.object({
  ordinal: z.int(),
  at: timeSchema,
  level: z.enum(['info', 'warning', 'error']),
  text: z.string(),
});
export type JobMessage = z.infer<typeof messageSchema>;
