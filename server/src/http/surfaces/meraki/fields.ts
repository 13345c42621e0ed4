import { authZoneTypes } from '@lockstep/contract/configuration.ts';
import { z } from 'zod';
import { LockstepError } from '../../../kernel/errors.ts';

/** ISO 8601 in UTC to the second, as this family of operations shows times. */
export function renderTime(time: Date | string): string {
  const text = typeof time === 'string' ? time : time.toISOString();
  return `${text.slice(0, 19)}Z`;
}

/** The serial behind an id; undefined for what was never an id. Ids are decimal, and small enough for a number. */
export function findSerial(id: string): number | undefined {
  return /^(0|[1-9]\d{0,14})$/.test(id) ? Number(id) : undefined;
}

/** The serial behind an id in an address. @throws LockstepError NotFound. */
export function serialOf(id: string | undefined, what: string): number {
  const serial = findSerial(id ?? '');
  if (serial === undefined || serial === 0) throw new LockstepError('NotFound', `${what} not found`);
  return serial;
}

/** Serials behind ids of a filter; ids that never were find nothing. */
export function serialsOf(ids: readonly string[] | undefined): number[] | undefined {
  return ids?.flatMap((id) => findSerial(id) ?? []);
}

const text = z.string({ error: 'must be a string' });
const longText = text.max(1000, 'must have 1000 characters at most');

export const textField = longText.optional();
export const nullableText = longText.nullish().transform((value) => value ?? undefined);
export const requiredText = (what = 'is required') =>
  z
    .string({ error: (issue) => (issue.input === undefined ? what : 'must be a string') })
    .min(1, 'must not be empty')
    .max(200, 'must have 200 characters at most');

/** An id, also as a number. */
export const idField = z.union([text, z.int().transform(String)], { error: 'must be a string' });

/** A list of strings; clients also send one string with commas. */
export const listField = z
  .union(
    [
      z.array(idField),
      z.string().transform((joined) =>
        joined
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      ),
    ],
    { error: 'must be an array of strings' },
  )
  .nullish()
  .transform((value) => value ?? undefined);

export const booleanField = z
  .boolean({ error: 'must be a boolean' })
  .nullish()
  .transform((value) => value ?? undefined);

export const timeField = z
  .string({ error: 'must be a date and time' })
  .refine((value) => /^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(Date.parse(value)), {
    error: 'must be a date and time in ISO 8601',
  })
  .transform((value) => new Date(value));

export const zoneField = z
  .object(
    { id: idField.optional(), type: z.enum(authZoneTypes, { error: 'is not a type of zone' }).optional() },
    { error: 'must be an object' },
  )
  .nullish()
  .transform((value) => value ?? undefined);

/** Paging parameters in the body of a search. */
export const pageFields = {
  perPage: z
    .int({ error: 'must be an integer' })
    .nullish()
    .transform((value) => value ?? undefined),
  startingAfter: nullableText,
  endingBefore: nullableText,
};

/** The words of a query, each of which must be found. */
export function wordsOf(query: string | undefined): string[] | undefined {
  const words = query?.split(/\s+/u).filter((word) => word !== '');
  return words === undefined || words.length === 0 ? undefined : words.slice(0, 20);
}

/** A zone that is asked for in a filter. */
export function zoneFilter(
  zone: { readonly id?: string | undefined; readonly type?: string | undefined } | undefined,
): { serial?: number | undefined; type?: string | undefined } | undefined {
  if (zone === undefined || (zone.id === undefined && zone.type === undefined)) return undefined;
  return { ...(zone.id === undefined ? {} : { serial: findSerial(zone.id) ?? 0 }), type: zone.type };
}
