import { sql } from 'kysely';
import { dropStagingTables } from './staging-tables.ts';
import { refreshTableStatistics } from './table-statistics.ts';
import type { Transaction } from 'kysely';
import { kinds } from '@lockstep/contract/vocabulary.ts';
import type { JobMode, Kind } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { GuardVerdict } from '../../sync/guard.ts';
import type { HeldJob, JobRecord, PlanTotals, RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';
import type { Executor, Store } from '../store.ts';

interface JobRow {
  id: string;
  serial: number;
  tenant_id: string;
  sync_id: string;
  mode: JobMode;
  phase: RunnableJob['phase'];
  approves_job_id: string | null;
  attempt: number;
  applied_ordinal: number;
  intended_ordinal: number;
  last_ordinal: number;
  read_count: number;
  same_counts: Record<Kind, number>;
  unmanaged_counts: Record<Kind, number>;
  guard_verdict: GuardVerdict | null;
  complete: boolean | null;
  incomplete_reason: string | null;
}

function totalsOf(row: JobRow): PlanTotals | null {
  if (row.guard_verdict === null) return null;
  return {
    lastOrdinal: row.last_ordinal,
    same: row.same_counts,
    unmanaged: row.unmanaged_counts,
    readCount: row.read_count,
    complete: row.complete ?? false,
    reason: row.incomplete_reason,
    verdict: row.guard_verdict,
  };
}

function jobOf(row: JobRow): RunnableJob {
  return {
    id: row.id,
    serial: row.serial,
    tenantId: row.tenant_id,
    syncId: row.sync_id,
    mode: row.mode,
    phase: row.phase,
    approvesJobId: row.approves_job_id,
    attempt: row.attempt,
    appliedOrdinal: row.applied_ordinal,
    intendedOrdinal: row.intended_ordinal,
    lastOrdinal: row.last_ordinal,
    totals: totalsOf(row),
  };
}

export async function findJob(store: Store, jobId: string): Promise<RunnableJob | null> {
  const { rows } = await sql<JobRow>`select * from job where id = ${jobId}`.execute(store.db);
  return rows[0] ? jobOf(rows[0]) : null;
}

export async function getJob(store: Store, jobId: string): Promise<RunnableJob> {
  const job = await findJob(store, jobId);
  if (!job) throw new LockstepError('NotFound', `there is no job ${jobId}`);
  return job;
}

/** Whether the job has ended: delivered again by the queue it must not run again. */
export async function isOver(store: Store, jobId: string): Promise<boolean> {
  const { rows } = await sql<{ over: boolean }>`
    select status not in ('pending', 'running') as over from job where id = ${jobId}`.execute(store.db);
  return rows[0]?.over ?? true;
}

export async function isCancelRequested(store: Store, job: RunnableJob): Promise<boolean> {
  const { rows } = await sql<{
    cancel_requested: boolean;
  }>`select cancel_requested from job where serial = ${job.serial}`.execute(store.db);
  return rows[0]?.cancel_requested ?? false;
}

/** Takes a job up; a process that ran it before and is still alive finds its writes refused from now on. */
export async function takeUp(store: Store, jobId: string): Promise<RunnableJob> {
  const { rows } = await sql<JobRow>`
    update job set status = 'running', started_at = coalesce(started_at, now()), attempt = attempt + 1
    where id = ${jobId} and status in ('pending', 'running') returning *`.execute(store.db);
  if (!rows[0]) throw new LockstepError('NotFound', `job ${jobId} is over or does not exist`);
  return jobOf(rows[0]);
}

/**
 * Refuses to go on in a transaction when another process has taken the job up meanwhile (this one was suspended, or cut
 * off from the store, for longer than its heartbeat allows); holds the job against such a taking-up until it commits.
 * @throws LockstepError JobTakenOver
 */
export async function requireOwnership(trx: Executor, job: RunnableJob): Promise<void> {
  const { rows } = await sql`
    select 1 from job where serial = ${job.serial} and attempt = ${job.attempt} and status in ('pending', 'running')
    for no key update`.execute(trx);
  if (rows.length === 0)
    throw new LockstepError('JobTakenOver', `another worker has taken job ${job.id} over`);
}

/** Forgets an unfinished plan; a plan that was committed is never touched. */
export async function resetPlan(store: Store, job: RunnableJob): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`delete from change where job_serial = ${job.serial}`.execute(trx);
    await sql`update job set phase = 'read', read_count = 0 where serial = ${job.serial}`.execute(trx);
  });
}

/** Deletes, disables (also one that goes with a move or an update) and removals of members. */
const destructive = sql`(c.verb in ('delete', 'disable', 'removeMember')
  or c.verb in ('update', 'move') and c.after -> '$enabled' ->> 0 = 'false')`;

export async function destructiveCounts(store: Store, job: RunnableJob): Promise<Record<Kind, number>> {
  const { rows } = await sql<{ kind: Kind; count: number }>`
    select c.kind, count(*)::int as count from change c
    where c.job_serial = ${job.serial} and ${destructive} and c.result is null group by c.kind`.execute(
    store.db,
  );
  const counts: Record<Kind, number> = { organizationalUnit: 0, user: 0, group: 0, membership: 0 };
  for (const kind of kinds) counts[kind] = rows.find((row) => row.kind === kind)?.count ?? 0;
  return counts;
}

/** Marks what was not attempted as skipped: the destructive part of the plan, or all of it. */
export async function skipPlanned(
  store: Store,
  job: RunnableJob,
  which: 'destructive' | 'all',
  code: ErrorCode,
  message: string,
): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`
    update change c set result = 'skipped', error_code = ${code}, error_message = ${message}
    from job j
    where j.serial = ${job.serial} and c.job_serial = j.serial and c.ordinal > j.applied_ordinal and c.result is null
      and (${which === 'all'}::boolean or ${destructive})`.execute(trx);
  });
}

/**
 * A digest over a part of a plan, independent of the order of its rows and of the ids of objects that it would create.
 * `held`: what the guard kept back; else the part of an unweighed plan that it would keep back.
 */
export async function planDigest(
  executor: Executor,
  jobSerial: number,
  which: 'destructive' | 'all' | 'held',
): Promise<string> {
  const part = {
    held: sql`c.result = 'skipped' and c.error_code = 'Held'`,
    destructive: sql`c.result is null and ${destructive}`,
    all: sql`c.result is null`,
  }[which];
  // What the plan itself would create goes by its id outside: its id in the directory is another one in each plan.
  const { rows } = await sql<{ digest: string }>`
    select count(*)::text || ':' || coalesce(sum(hashtextextended(concat_ws('|', c.kind, c.verb,
      coalesce(c.external_id, c.object_id), case when c.verb = 'create' then '' else coalesce(g.external_id, c.object_id) end,
      coalesce(m.external_id, c.member_id),
      c.expected_revision::text, c.before::text, (c.after - '$parent'::text)::text), 0)::numeric), 0)::text as digest
    from change c
    left join change g on c.kind = 'membership' and g.job_serial = c.job_serial and g.object_id = c.object_id and g.kind = 'group' and g.verb = 'create'
    left join change m on c.kind = 'membership' and m.job_serial = c.job_serial and m.object_id = c.member_id and m.kind = c.member_kind and m.verb = 'create'
    where c.job_serial = ${jobSerial} and ${part}`.execute(executor);
  return rows[0]?.digest ?? '';
}

/** Leaves only the destructive part of a plan: the rest belongs to the next ordinary run. */
export async function keepDestructive(store: Store, job: RunnableJob): Promise<void> {
  await sql`delete from change c where c.job_serial = ${job.serial} and not ${destructive}`.execute(store.db);
}

export async function findHeldJob(store: Store, jobId: string): Promise<HeldJob> {
  const { rows } = await sql<{ serial: number; guard_verdict: GuardVerdict | null; newer: string | null }>`
    select j.serial, j.guard_verdict, (
      select n.id from job n where n.sync_id = j.sync_id and n.mode = 'apply' and n.serial > j.serial
        and n.status in ('held', 'success', 'partial_success') order by n.serial limit 1) as newer
    from job j where j.id = ${jobId}`.execute(store.db);
  const row = rows[0];
  if (!row?.guard_verdict) throw new LockstepError('NotHeld', `job ${jobId} holds no plan`);
  return { serial: row.serial, hold: row.guard_verdict.hold, supersededBy: row.newer };
}

/** From here on the plan is final: what follows applies it and never plans again. */
export async function commitPlan(
  trx: Transaction<Database>,
  job: RunnableJob,
  totals: PlanTotals,
): Promise<void> {
  await requireOwnership(trx, job);
  await sql`
    update job set phase = 'apply', last_ordinal = ${totals.lastOrdinal}, read_count = ${totals.readCount},
      same_counts = ${JSON.stringify(totals.same)}::jsonb, unmanaged_counts = ${JSON.stringify(totals.unmanaged)}::jsonb,
      guard_verdict = ${JSON.stringify(totals.verdict)}::jsonb, complete = ${totals.complete}, incomplete_reason = ${totals.reason},
      plan_hash = ${totals.verdict.tripped ? await planDigest(trx, job.serial, 'held') : null}
    where serial = ${job.serial}`.execute(trx);
}

export async function noteProgress(store: Store, job: RunnableJob, readCount: number): Promise<void> {
  await sql`update job set read_count = ${readCount} where serial = ${job.serial}`.execute(store.db);
}

export async function addMessage(
  store: Store,
  job: RunnableJob,
  level: 'info' | 'warning' | 'error',
  text: string,
): Promise<void> {
  await sql`insert into job_message (job_serial, level, text) values (${job.serial}, ${level}, ${text})`.execute(
    store.db,
  );
}

export async function recordIntent(store: Store, job: RunnableJob, through: number): Promise<void> {
  await sql`update job set intended_ordinal = ${through} where serial = ${job.serial}`.execute(store.db);
}

/** Groups of which a membership was planned and not written are compared again next time, whatever their bytes. */
async function lookAgain(trx: Transaction<Database>, job: RunnableJob, sync: RunnableSync): Promise<void> {
  await sql`
    update link l set fingerprint = null
    where l.sync_serial = ${sync.serial} and l.kind = 'group' and l.object_id in (
      select c.object_id from change c
      where c.job_serial = ${job.serial} and c.kind = 'membership' and c.result is not null and c.error_code <> 'ReferenceNotFound')`.execute(
    trx,
  );
}

/** Ends a job; one that has ended already is left as it is. */
export async function finishJob(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync | null,
  end: JobRecord,
): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`
      update job set status = ${end.status}, phase = 'over', ended_at = now(), started_at = coalesce(started_at, now()),
        statistics = ${JSON.stringify(end.statistics)}::jsonb,
        error_code = ${end.errorCode}, error_message = ${end.errorMessage}, note = ${end.note}
      where serial = ${job.serial} and status in ('pending', 'running')`.execute(trx);
    if (sync && job.mode !== 'dryRun') await lookAgain(trx, job, sync);
    if (sync && job.mode === 'apply') {
      await sql`
        update sync set log_position = coalesce((select max(seq) from directory_log where tenant_id = ${sync.tenantId}), 0)
        where serial = ${sync.serial}`.execute(trx);
    }
  });
  await dropStagingTables(store, job.serial);
  await refreshTableStatistics(store.db, job.lastOrdinal);
}

/** The organizational unit at a path. A slash in a name is written `\/`. */
export async function findUnitByPath(
  store: Store,
  tenantId: string,
  steps: readonly string[],
  path: string,
): Promise<string | null> {
  let parent: string | null = null;
  for (const step of steps) {
    const found: { id: string } | undefined = (
      await sql<{ id: string }>`
        select id from organizational_unit
        where tenant_id = ${tenantId} and parent_key = ${parent ?? ''} and name_key = ${step}`.execute(
        store.db,
      )
    ).rows[0];
    if (!found) {
      throw new LockstepError('NotFound', `the directory has no organizational unit ${path}`, {
        field: 'scopes',
        remedy: 'Name an organizational unit that exists, or / for the root.',
      });
    }
    parent = found.id;
  }
  return parent;
}
