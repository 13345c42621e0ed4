import { z } from 'zod';

/** Most items on a page of a list. */
export const maximumPageSize = 1000;

/** A time of the API: ISO 8601 in UTC with milliseconds. */
export const timeSchema = z.iso.datetime();

/** When what is asked for shall end. An offset leads into years that `timeSchema` cannot tell. */
export const endSchema = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) < Date.UTC(10_000, 0), 'must be before the year 10000');

/** Parameters of every list: a page is what follows the key `after`. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(maximumPageSize))
    .default(50)
    .meta({ type: 'integer', minimum: 1, maximum: maximumPageSize, description: 'Most items on the page.' }),
  after: z.string().min(1).max(2000).optional().describe('The `next` of the page before.'),
};

/** A page of a list. `next` is null on the last page, else what to ask for as `after`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

export interface Page<Item> {
  readonly items: Item[];
  readonly next: string | null;
}
