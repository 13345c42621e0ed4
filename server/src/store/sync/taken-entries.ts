import { sql } from 'kysely';
import type { BatchOutcome, RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';

/** Ordinals of creations whose entry is another object's: by its link, or by an earlier creation of the batch. */
export async function findTakenEntries(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  outcomes: readonly BatchOutcome[],
): Promise<ReadonlySet<number>> {
  const made = outcomes.filter(
    ({ verb, result, externalId }) => verb === 'create' && result === 'success' && externalId !== undefined,
  );
  if (made.length === 0) return new Set();
  const { rows } = await sql<{ ordinal: number }>`
    with made as (
      select c.ordinal, c.kind, c.object_id, r.external_id
      from unnest(${made.map(({ ordinal }) => ordinal)}::bigint[], ${made.map(({ externalId }) => externalId ?? '')}::text[]) as r (ordinal, external_id)
      join change c on c.job_serial = ${job.serial} and c.ordinal = r.ordinal
    )
    select m.ordinal from made m
    where exists (select 1 from made x where x.kind = m.kind and x.external_id = m.external_id and x.ordinal < m.ordinal)
      or exists (
        select 1 from link l
        where l.sync_serial = ${sync.serial} and l.kind = m.kind and l.external_id = m.external_id and l.state = 'live'
          and l.object_id <> m.object_id)`.execute(store.db);
  return new Set(rows.map(({ ordinal }) => ordinal));
}
