import { sql } from 'kysely';
import type { Store } from '../store.ts';

/** Changes that one transaction empties. */
const batch = 5000;

/**
 * The job that ended longest ago, of those that ended before a moment and whose images are kept; it is marked, so that
 * nobody builds on what is going. Those that another job is just building on are left for later.
 */
export async function takeJobWithImages(store: Store, endedBefore: Date): Promise<number | undefined> {
  const { rows } = await sql<{ serial: number }>`
    update job set images = 'going' where serial = (
      select j.serial from job j
      where j.images <> 'gone' and j.ended_at < ${endedBefore} and not exists (
        select from job u where u.status in ('pending', 'running') and j.id in (u.undoes_job_id, u.approves_job_id))
      order by j.ended_at limit 1
    ) returning serial`.execute(store.db);
  return rows[0]?.serial;
}

/**
 * Empties the images of a marked job: what its objects were before and after. What the signal breaks off is taken up
 * again. Two processes may do it at the same time. Each transaction tells its part by first and last ordinal: joined by
 * each of them, all changes that there are were read for every part of a long job.
 */
export async function forgetImagesOf(store: Store, jobSerial: number, signal?: AbortSignal): Promise<void> {
  for (let after = 0; ;) {
    if (signal?.aborted === true) return;
    const { rows } = await sql<{ last: number | null }>`
      with part as (
        select max(ordinal) as last from (
          select ordinal from change where job_serial = ${jobSerial} and ordinal > ${after} order by ordinal limit ${batch}) p
      ), emptied as (
        update change set before = null, after = null, keys = null, contribution = null, named = null, former_link = null
        where job_serial = ${jobSerial} and ordinal > ${after} and ordinal <= (select last from part)
          and num_nonnulls(before, after, keys, contribution, named, former_link) > 0
      ) select last from part`.execute(store.db);
    const last = rows[0]?.last ?? null;
    if (last === null) break;
    after = last;
  }
  await sql`update job set images = 'gone' where serial = ${jobSerial}`.execute(store.db);
}
