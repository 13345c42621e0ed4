import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Executor } from '../store.ts';

/**
 * For the rest of a transaction that joins one batch of a plan to large tables, by their keys: index lookups, whatever
 * the statistics say. While a table grows from nothing within a job they say that it is empty, and a scan of it for each
 * batch makes the job quadratic.
 */
export async function preferKeyLookups(trx: Executor): Promise<void> {
  await sql`
    select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
      set_config('enable_seqscan', 'off', true)`.execute(trx);
}

/**
 * The serial of a sync as a value that the planner does not see when it weighs: of a sync that is new to a table the
 * statistics say that it has no rows, and joins would begin with "its few rows" instead of the batch's.
 */
export function unseen(serial: number): RawBuilder<number> {
  return sql`(select ${serial}::bigint)`;
}
