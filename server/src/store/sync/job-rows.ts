import { sql } from 'kysely';
import type { ObjectKey, PlannedWork } from '../../sync/connector.ts';
import { dropStaged } from './staging-area.ts';
import { refreshTableStatistics } from './table-statistics.ts';
import type { RawBuilder, Transaction } from 'kysely';
import type { JobMode, Kind } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { GuardVerdict } from '../../sync/guard.ts';
import type { JobSelection } from '../../sync/selection.ts';
import type {
  JobRecord,
  PlanProgress,
  PlanTotals,
  ReadPosition,
  RunnableJob,
  RunnableSync,
} from '../../sync/sync-store.ts';
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
  undoes_job_id: string | null;
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
  selection: JobSelection | null;
  read_position: ReadPosition | null;
  full_read: boolean;
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
    readPosition: row.read_position,
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
    undoesJobId: row.undoes_job_id,
    attempt: row.attempt,
    appliedOrdinal: row.applied_ordinal,
    intendedOrdinal: row.intended_ordinal,
    lastOrdinal: row.last_ordinal,
    totals: totalsOf(row),
    selection: row.selection,
    full: row.full_read,
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

/**
 * Whether somebody wants the job to end. Takes no lock, so that it never waits for outcomes that are being recorded.
 * @throws LockstepError JobTakenOver
 */
export async function isCancelRequested(store: Store, job: RunnableJob): Promise<boolean> {
  const { rows } = await sql<{
    cancel_requested: boolean;
    attempt: number;
  }>`select cancel_requested, attempt from job where serial = ${job.serial}`.execute(store.db);
  if (rows[0] !== undefined && rows[0].attempt !== job.attempt) throw takenOver(job);
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
  if (rows.length === 0) throw takenOver(job);
}

function takenOver(job: RunnableJob): LockstepError {
  return new LockstepError('JobTakenOver', `another worker has taken job ${job.id} over`);
}

/** Forgets an unfinished plan; a plan that was committed is never touched. */
export async function resetPlan(store: Store, job: RunnableJob): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`delete from change where job_serial = ${job.serial}`.execute(trx);
    // What is committed behind this position the run may not have seen: it is the next one's.
    await sql`
      update job set phase = 'read', read_count = 0, last_ordinal = 0,
        log_position = coalesce((select max(seq) from directory_log where tenant_id = job.tenant_id), 0)
      where serial = ${job.serial}`.execute(trx);
  });
}

export async function noteProgress(store: Store, job: RunnableJob, progress: PlanProgress): Promise<void> {
  await sql`
    update job set phase = ${progress.phase}, read_count = ${progress.read}, last_ordinal = ${progress.planned}
    where serial = ${job.serial} and attempt = ${job.attempt} and phase in ('read', 'plan')`.execute(
    store.db,
  );
}

export async function countPlannedWork(store: Store, job: RunnableJob): Promise<PlannedWork> {
  const { rows } = await sql<PlannedWork>`
    select count(*) filter (where kind <> 'membership') as objects, count(*) filter (where kind = 'membership') as memberships
    from change where job_serial = ${job.serial} and ordinal > ${job.appliedOrdinal} and result is null`.execute(
    store.db,
  );
  return rows[0] as PlannedWork;
}

export async function noteLeastSeconds(store: Store, job: RunnableJob, seconds: number): Promise<void> {
  await sql`
    update job set ends_not_before = now() + make_interval(secs => ${seconds})
    where serial = ${job.serial} and attempt = ${job.attempt}`.execute(store.db);
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

/** @throws LockstepError JobTakenOver, so that nothing is written outside behind the back of another worker. */
export async function recordIntent(store: Store, job: RunnableJob, through: number): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`update job set intended_ordinal = greatest(intended_ordinal, ${through}::bigint) where serial = ${job.serial}`.execute(
      trx,
    );
  });
}

/** Memberships that were planned and not written; none waits for its member to come. */
const unwritten = ({ serial }: RunnableJob): RawBuilder<unknown> =>
  sql`c.job_serial = ${serial} and c.kind = 'membership' and c.result is not null and c.error_code <> 'ReferenceNotFound'`;

/**
 * Groups of which a membership was planned and not written are compared again next time, whatever their bytes. Ingress:
 * by the name of a member who was not taken away another one may have become a member. The former one is known by the
 * id from then on: as nobody whom this sync gave the group it would stay.
 */
async function lookAgain(trx: Transaction<Database>, job: RunnableJob, sync: RunnableSync): Promise<void> {
  await sql`
    update link l set fingerprint = null
    where l.sync_serial = ${sync.serial} and l.kind = 'group' and l.object_id in (
      select c.object_id from change c where ${unwritten(job)})`.execute(trx);
  if (sync.direction === 'egress' || job.undoesJobId !== null) return;
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select distinct ${sync.serial}::bigint, c.object_id, c.member_id, c.member_id from change c
    join membership m on m.group_id = c.object_id and m.member_id = c.member_id
    join membership_link y on y.sync_serial = ${sync.serial} and y.group_id = c.object_id and y.reference = c.external_id
      and y.member_id <> c.member_id
    where ${unwritten(job)} and c.verb = 'removeMember' and not exists (
      select 1 from membership_link x where x.sync_serial = ${sync.serial} and x.group_id = c.object_id and x.member_id = c.member_id)
    on conflict do nothing`.execute(trx);
}

/** The next run looks at so many objects again; more of them, and it goes on where this one did. */
const mostAgain = 1000;

/**
 * Lets the next run read what changed since this one, and again what this one did not get done with. One that broke off,
 * was held or was cancelled has to be made up for as a whole.
 */
async function moveOn(
  trx: Transaction<Database>,
  job: RunnableJob,
  sync: RunnableSync,
  end: JobRecord,
): Promise<void> {
  if (end.errorCode !== null || end.status === 'cancelled') return;
  const { rows: again } = await sql<ObjectKey>`
    select kind, external_id as "externalId" from change
    where job_serial = ${job.serial} and result is not null and kind <> 'membership' and external_id is not null
    union
    select 'group', l.external_id from change c
    join link l on l.sync_serial = ${sync.serial} and l.kind = 'group' and l.object_id = c.object_id
    where c.job_serial = ${job.serial} and c.result is not null and c.kind = 'membership' and c.error_code <> 'ReferenceNotFound'
    order by 1, 2 limit ${mostAgain + 1}`.execute(trx);
  if (again.length > mostAgain) return;
  await sql`
    update sync set read_position = j.read_position || jsonb_build_object('again', ${JSON.stringify(again)}::jsonb)
    from job j where j.serial = ${job.serial} and sync.serial = ${sync.serial} and j.selection is null`.execute(
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
    if (sync && job.mode === 'apply') await moveOn(trx, job, sync, end);
    if (sync && job.mode === 'apply' && end.status !== 'failed' && end.status !== 'cancelled') {
      await sql`
        update sync set log_position = greatest(sync.log_position, j.log_position)
        from job j where j.serial = ${job.serial} and sync.serial = ${sync.serial} and j.selection is null`.execute(
        trx,
      );
    }
  });
  await dropStaged(store, job.serial);
  await refreshTableStatistics(store, job.lastOrdinal);
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
        remedy: 'Name one that exists, or / for the root; POST /directory/organizationalUnits makes one.',
      });
    }
    parent = found.id;
  }
  return parent;
}
