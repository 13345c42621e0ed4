import { z } from 'zod';

/** The media type of a problem document (RFC 9457 section 6.1). */
export const problemMediaType = 'application/problem+json';

/** A problem document (RFC 9457 section 3.1) with Lockstep's extension members. */
export const problemSchema = z.object({
  /** `urn:lockstep:error:` and the code. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** The code of `docs/errors.md`. */
  code: z.string(),
  /** The parameter or the member of the body at fault. */
  field: z.string().optional(),
  /** What the caller can do about it. */
  remedy: z.string().optional(),
  requestId: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;
