import { z } from 'zod';
import { attributesSchema } from './attribute.ts';
import { kindSchema, operationSchema, resultSchema, verbSchema } from './vocabulary.ts';

/**
 * One change of a job's plan and what became of it. An object that was compared and equal has no change: in a list of
 * operation `same` it shows with `ordinal` and `verb` null.
 */
export const changeSchema = z.object({
  ordinal: z.int().nullable(),
  kind: kindSchema,
  verb: verbSchema.nullable(),
  operation: operationSchema,
  objectId: z.string().nullable(),
  externalId: z.string().nullable(),
  label: z.string().describe('What a person calls the object; for a membership `GROUP < MEMBER`.'),
  memberId: z.string().nullable(),
  memberKind: z.enum(['user', 'group']).nullable(),
  before: attributesSchema.nullable(),
  after: attributesSchema.nullable(),
  result: resultSchema,
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe('Why it failed or was skipped.'),
  sentence: z.string(),
});
export type ChangeView = z.infer<typeof changeSchema>;

/** A change in the history of one object: with the job that made it. */
export const objectChangeSchema = changeSchema.extend({
  jobId: z.string(),
  sync: z.string(),
  at: z.iso.datetime(),
});
export type ObjectChange = z.infer<typeof objectChangeSchema>;
