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
  total: z.int().describe('Changes of the plan; while it is being made, those found so far.'),
});
export type Progress = z.infer<typeof progressSchema>;

export const guardVerdictSchema = z.object({
  tripped: z.boolean(),
  hold: z.enum(['destructive', 'all']),
  findings: z.array(
    z.object({
      kind: kindSchema,
      loss: z
        .enum(['removed', 'blanked'])
        .describe(
          'removed: objects would be deleted or disabled, or members removed; blanked: objects would lose all values of an attribute.',
        ),
      destructive: z.int().describe('Objects that would lose.'),
      linked: z.int().describe('Of so many that are linked.'),
      sentence: z.string(),
    }),
  ),
});
export type GuardVerdictView = z.infer<typeof guardVerdictSchema>;

/** What became of the plan that a held job holds; the job itself stays `held`. */
export const heldPlanSchema = z.object({
  state: z
    .enum(['waiting', 'approved', 'superseded'])
    .describe(
      'waiting: it can be approved; approved: a job was started that applies it; superseded: a newer run of the sync took its place.',
    ),
  jobId: z.string().nullable().describe('The job that applies it, or the newer run.'),
  account: z.string().nullable().describe('Who approved it, or started the newer run; null for a schedule.'),
  at: timeSchema.nullable().describe('When that job was requested.'),
});
export type HeldPlanView = z.infer<typeof heldPlanSchema>;

const idsSchema = z.array(z.string().min(1).max(200)).min(1).max(1000).readonly().optional();
/** What a partial run may touch. Of everything else it believes nothing, least of all that it is gone. */
export const jobSelectionSchema = z.strictObject({
  userIds: idsSchema.describe('Users by id.'),
  groupIds: idsSchema.describe('Groups by id, with their memberships.'),
  organizationalUnitIds: idsSchema.describe('Organizational units by id, with all that lies below them.'),
  emails: idsSchema.describe('Users by their mail addresses.'),
});

export const jobViewSchema = z.object({
  id: z.string(),
  serial: z.int(),
  sync: z.string().describe('Name of the sync when the job was requested.'),
  syncId: z.string(),
  connectionId: z.string(),
  direction: directionSchema,
  mode: jobModeSchema,
  approvesJobId: z.string().nullable(),
  undoesJobId: z.string().nullable().describe('The job whose changes this one takes back.'),
  undoneByJobId: z.string().nullable().describe('The newest job that took it back, in whole or in part.'),
  status: jobStatusSchema,
  startedThrough: z.string().describe('The surface that asked for it: cli, native, console, schedule, ...'),
  startedBy: z.string().nullable(),
  description: z.string().nullable().describe('What the one who asked for it noted.'),
  selection: jobSelectionSchema
    .nullable()
    .describe('A partial run: the only objects that it may touch; null: a whole run.'),
  createdAt: timeSchema,
  startedAt: timeSchema.nullable(),
  endedAt: timeSchema.nullable(),
  progress: progressSchema,
  statistics: statisticsSchema,
  unmanaged: z.partialRecord(kindSchema, z.int()).describe('In the target and not linked: never touched.'),
  guard: guardVerdictSchema.nullable().describe('What the guard found, once the plan was made.'),
  heldPlan: heldPlanSchema.nullable().describe('What became of the plan of a held job; null for any other.'),
  changesOnly: z
    .boolean()
    .nullable()
    .describe(
      'Whether what changed since an earlier run was read, and nothing else; null until that is known, and for an undo.',
    ),
  complete: z
    .boolean()
    .nullable()
    .describe('Whether the source was read to its proven end; null for an undo, which does not ask it.'),
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

export const messageLevels = ['info', 'warning', 'error'] as const;
export type MessageLevel = (typeof messageLevels)[number];

export const messageSchema = z.object({
  ordinal: z.int(),
  at: timeSchema,
  level: z.enum(messageLevels),
  text: z.string(),
});
export type JobMessage = z.infer<typeof messageSchema>;
