import { z } from 'zod';
import { jobViewSchema, messageSchema, progressSchema } from './job.ts';
import { jobStatusSchema } from './vocabulary.ts';

/** What `/jobs/{job}/events` sends, by the name of the event; the data is one JSON document each. */
export const jobEventSchemas = {
  status: z.object({ status: jobStatusSchema }),
  progress: progressSchema.extend({
    rate: z.number().describe('Of the phase: objects or changes per second, over the last seconds.'),
    remainingSeconds: z.number().nullable(),
  }),
  message: messageSchema,
  /** The job is over; nothing follows. */
  end: jobViewSchema,
} as const;
export type JobEventName = keyof typeof jobEventSchemas;
export type JobEvent = {
  [Name in JobEventName]: {
    readonly id: string;
    readonly event: Name;
    readonly data: z.infer<(typeof jobEventSchemas)[Name]>;
  };
}[JobEventName];
