import type { z } from 'zod';
import type { jobSelectionSchema } from '@lockstep/contract/job.ts';

/**
 * The only objects that a partial run may touch: users and groups by id or, users, by e-mail address; everything below
 * the organizational units named. Of what is not selected the run believes nothing, least of all that it is gone.
 */
export type JobSelection = Readonly<z.infer<typeof jobSelectionSchema>>;
