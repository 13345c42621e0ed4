import { sql } from 'kysely';
import type { Store } from '../store.ts';

/** Rows that one transaction deletes. */
const batch = 5000;

/**
 * The first job, of those that ended before a moment; it is marked, so that nobody builds on what is going. Left alone
 * are the last job of each sync, and those that another job is just building on.
 */
export async function takeOldJob(store: Store, endedBefore: Date): Promise<number | undefined> {
  const { rows } = await sql<{ serial: number }>`
    update job set images = 'going' where serial = (
      select j.serial from job j
      where j.ended_at < ${endedBefore}
        and exists (select from job l where l.sync_id = j.sync_id and l.id > j.id)
        and not exists (
          select from job u where u.status in ('pending', 'running') and j.id in (u.undoes_job_id, u.approves_job_id))
      order by j.serial limit 1
    ) returning serial`.execute(store.db);
  return rows[0]?.serial;
}

/** Deletes a marked job with its outcomes and messages. What the signal breaks off is taken up again. */
export async function forgetJob(store: Store, jobSerial: number, signal?: AbortSignal): Promise<void> {
  for (;;) {
    if (signal?.aborted === true) return;
    const { numAffectedRows } = await sql`
      delete from change c where c.job_serial = ${jobSerial} and c.ordinal in (
        select ordinal from change where job_serial = ${jobSerial} order by ordinal limit ${batch})`.execute(
      store.db,
    );
    if (numAffectedRows === 0n) break;
  }
  await sql`delete from job_message where job_serial = ${jobSerial}`.execute(store.db);
  await sql`delete from job where serial = ${jobSerial}`.execute(store.db);
}

/** Deletes what the log says of changes before a moment, as far as no egress has still to look at it. */
export async function forgetLog(store: Store, before: Date, signal?: AbortSignal): Promise<void> {
  for (;;) {
    if (signal?.aborted === true) return;
    const { numAffectedRows } = await sql`
      delete from directory_log where seq in (
        select g.seq from directory_log g
        where g.at < ${before} and not exists (
          select from sync s
          where s.tenant_id = g.tenant_id and s.direction = 'egress' and s.log_position < g.seq)
        order by g.seq limit ${batch})`.execute(store.db);
    if (numAffectedRows === 0n) return;
  }
}
