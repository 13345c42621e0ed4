import { z } from 'zod';

/** The four kinds of things that Lockstep keeps in step, in the order in which they are written. */
export const kinds = ['organizationalUnit', 'user', 'group', 'membership'] as const;
export type Kind = (typeof kinds)[number];
/** The kinds that are objects of their own: a membership is a tie between two of them. */
export const objectKinds = ['organizationalUnit', 'user', 'group'] as const;
export type ObjectKind = (typeof objectKinds)[number];

export const directions = ['ingress', 'egress'] as const;
export type Direction = (typeof directions)[number];

/**
 * What a change does. Move is a rename or a re-parenting, with any attribute changes of the same object; unbind takes
 * the tie of a bind away, and no more.
 */
export const verbs = [
  'create',
  'update',
  'move',
  'bind',
  'unbind',
  'disable',
  'enable',
  'delete',
  'addMember',
  'removeMember',
] as const;
export type Verb = (typeof verbs)[number];

export const operations = ['created', 'updated', 'binded', 'deleted', 'same', 'pushed', 'exported'] as const;
export type Operation = (typeof operations)[number];

/** What became of a change; `planned` has not been attempted yet. */
export const results = ['planned', 'success', 'failed', 'skipped'] as const;
export type Result = (typeof results)[number];

export const jobStatuses = [
  'pending',
  'running',
  'held',
  'success',
  'partial_success',
  'failed',
  'cancelled',
] as const;
export type JobStatus = (typeof jobStatuses)[number];

export const jobModes = ['apply', 'dryRun', 'approve'] as const;
export type JobMode = (typeof jobModes)[number];

export const onMissingPolicies = ['ignore', 'disable', 'delete'] as const;
export type OnMissing = (typeof onMissingPolicies)[number];

export const kindSchema = z.enum(kinds);
export const verbSchema = z.enum(verbs);
export const operationSchema = z.enum(operations);
export const resultSchema = z.enum(results);
export const jobStatusSchema = z.enum(jobStatuses);
export const directionSchema = z.enum(directions);
export const jobModeSchema = z.enum(jobModes);

/** Counts of one operation on one kind. Always total = success + failed + skipped. */
export const countsSchema = z.object({
  total: z.int().nonnegative(),
  success: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  skipped: z.int().nonnegative(),
});
export type Counts = z.infer<typeof countsSchema>;

const operationCounts = z.record(operationSchema, countsSchema);
/** All four kinds, each with all seven operations. */
export const statisticsSchema = z.object({
  user: operationCounts,
  organizationalUnit: operationCounts,
  group: operationCounts,
  membership: operationCounts,
});
export type Statistics = Record<Kind, Record<Operation, Counts>>;

/** The operation that a verb counts as. */
export const operationOfVerb: Record<Verb, Operation> = {
  create: 'created',
  update: 'updated',
  move: 'updated',
  bind: 'binded',
  unbind: 'binded',
  disable: 'updated',
  enable: 'updated',
  delete: 'deleted',
  addMember: 'created',
  removeMember: 'deleted',
};
