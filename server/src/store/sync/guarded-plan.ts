import { sql } from 'kysely';
import type { RawBuilder, Transaction } from 'kysely';
import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { referenceAttributes } from '../../directory/references.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import { noLoss } from '../../sync/guard.ts';
import { passwordAttribute } from '../../sync/image.ts';
import type { GuardVerdict, PlannedLoss } from '../../sync/guard.ts';
import type { HeldJob, PlanTotals, RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';
import type { Executor, Store } from '../store.ts';
import { requireOwnership } from './job-rows.ts';

/** Deletes, disables (also one that goes with a move or an update) and removals of members; never null. */
const removing = sql`(c.verb in ('delete', 'disable', 'removeMember')
  or c.verb in ('update', 'move') and coalesce(c.after -> '$enabled' ->> 0, '') = 'false')`;

/** Changes after which an object has no value left of an attribute that it had; never null. */
const blanking = sql`(c.verb in ('update', 'move', 'enable', 'disable')
  and coalesce(jsonb_path_exists(c.after, 'strict $.* ? (@.size() == 0)'), false))`;

/** All that a tripped guard holds back. */
const destructive = sql`(${removing} or ${blanking})`;

/** Which attributes the plan empties, on how many objects each. */
async function blankedAttributes(
  store: Store,
  job: RunnableJob,
): Promise<readonly { kind: Kind; attribute: string; objects: number }[]> {
  const { rows } = await sql<{ kind: Kind; attribute: string; objects: number }>`
    select c.kind, a.key as attribute, count(*)::int as objects from change c, jsonb_each(c.after) a
    where c.job_serial = ${job.serial} and c.result is null and ${blanking} and a.value = '[]'::jsonb
    group by c.kind, a.key order by objects desc, a.key`.execute(store.db);
  return rows;
}

/**
 * Jobs whose losses count with those of the plan: runs of changes that ended since, and after what a person approved
 * last: that is no trickle. Jobs of a sync follow each other, so it costs those that ended since, however many there are
 * from before.
 */
async function earlierJobs(executor: Executor, syncId: string, since: Date): Promise<number[]> {
  const { rows } = await sql<{ serial: number }>`
    with recent as (
      select serial, mode, status, read_position, ended_at from job
      where sync_id = ${syncId} and id > coalesce((
        select id from job where sync_id = ${syncId} and ended_at <= ${since} order by id desc limit 1), '')
    )
    select serial from recent
    where mode = 'apply' and ended_at > ${since} and (read_position ->> 'changesOnly')::boolean
      and serial > coalesce((
        select max(serial) from recent where mode = 'approve' and status in ('success', 'partial_success')), 0)`.execute(
    executor,
  );
  return rows.map(({ serial }) => serial);
}

/**
 * Looks at the plan, and at those of earlier runs if asked to, so that it costs what they are long. The jobs are told by
 * number: of a query for them the database expects half of all changes that there are, and reads them all.
 */
export async function countLosses(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  since: Date | null,
): Promise<Record<Kind, PlannedLoss>> {
  const earlier = since === null ? [] : await earlierJobs(store.db, sync.syncId, since);
  const { rows } = await sql<Omit<PlannedLoss, 'attributes'> & { kind: Kind }>`
    select c.kind, count(*) filter (where ${removing})::int as removed,
      count(*) filter (where ${blanking})::int as blanked,
      count(*) filter (where c.verb = 'bind' and c.job_serial = ${job.serial})::int as bound
    from change c
    where c.job_serial = any (${[job.serial, ...earlier]}::bigint[]) and c.result is null group by c.kind`.execute(
    store.db,
  );
  const attributes = rows.some(({ blanked }) => blanked > 0) ? await blankedAttributes(store, job) : [];
  const lossOf = (kind: Kind): PlannedLoss => {
    const { removed, blanked, bound } = rows.find((row) => row.kind === kind) ?? noLoss;
    return { removed, blanked, bound, attributes: attributes.filter((each) => each.kind === kind) };
  };
  return {
    organizationalUnit: lossOf('organizationalUnit'),
    user: lossOf('user'),
    group: lossOf('group'),
    membership: lossOf('membership'),
  };
}

/** What runs of changes have taken away since then, by kind, as far as it still counts for the guard. */
export async function countRecentRemovals(
  executor: Executor,
  syncId: string,
  since: Date,
): Promise<ReadonlyMap<Kind, number>> {
  const { rows } = await sql<{ kind: Kind; removed: number }>`
    select c.kind, count(*)::int as removed from change c
    where c.job_serial = any (${await earlierJobs(executor, syncId, since)}::bigint[]) and c.result is null and ${removing} group by c.kind`.execute(
    executor,
  );
  return new Map(rows.map(({ kind, removed }) => [kind, removed]));
}

/** Gives changes `c` of the job `j` that have no result the one of being skipped. */
async function skip(
  store: Store,
  job: RunnableJob,
  which: RawBuilder<unknown>,
  code: ErrorCode,
  message: string,
): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`
      update change c set result = 'skipped', error_code = ${code}, error_message = ${message}
      from job j
      where j.serial = ${job.serial} and c.job_serial = j.serial and c.result is null and ${which}`.execute(
      trx,
    );
  });
}

/** Marks what was not attempted as skipped: the destructive part of the plan, or all of it. */
export async function skipPlanned(
  store: Store,
  job: RunnableJob,
  which: 'destructive' | 'all',
  code: ErrorCode,
  message: string,
): Promise<void> {
  const part = which === 'all' ? sql`true` : destructive;
  await skip(store, job, sql`c.ordinal > j.applied_ordinal and ${part}`, code, message);
}

/** See `SyncStore.withdrawExports`. The links of what is withdrawn heal by the next run, which finds no entry for them. */
export async function withdrawExports(
  store: Store,
  job: RunnableJob,
  code: ErrorCode,
  message: string,
): Promise<void> {
  const isExport = sql`j.direction = 'egress' and exists (
    select 1 from connection k where k.id = j.connection_id and k.type = 'file')`;
  await skip(store, job, isExport, code, message);
}

const referenceNames = [...new Set(Object.values(referenceAttributes).flat())];

/**
 * The image after a change `c`. Whom the plan itself would create goes by the id outside in it; whom a held job has
 * created is there, and goes by the id that the next plan finds.
 */
const comparableAfter = (
  isHeld: boolean,
): RawBuilder<unknown> => sql`case when c.after ?| ${referenceNames}::text[] then (
  select jsonb_object_agg(a.key, case when a.key = any (${referenceNames}::text[]) then (
    select jsonb_agg(coalesce(n.external_id, v.value) order by v.position)
    from jsonb_array_elements_text(a.value) with ordinality v (value, position)
    left join change n on n.job_serial = c.job_serial and n.object_id = v.value and n.kind in ('user', 'group') and n.verb = 'create'
      and (n.result is not null or not ${isHeld}::boolean)
  ) else a.value end) from jsonb_each(c.after) a) else c.after end`;

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
  // Passwords are written as long as they wait: whether one does says nothing of the plan that was looked at.
  // What the plan itself would create goes by its id outside: its id in the directory is another one in each plan.
  // A member that the directory knows goes by its id alone: outside it goes by a name, which what the held job did
  // to units, groups and people may have changed. So may whom an object named before.
  // These are gathered first: each member of a large group would look for them among all changes of the group. Changes
  // without a member look for another key each: of one key they would all be hashed together.
  const { rows } = await sql<{ digest: string }>`
    with made as materialized (
      select n.kind, n.object_id, n.external_id from change n
      where n.job_serial = ${jobSerial} and n.kind in ('user', 'group') and n.verb = 'create')
    select count(*)::text || ':' || coalesce(sum(hashtextextended(concat_ws('|', c.kind, c.verb,
      case when c.member_id is null then coalesce(c.external_id, c.object_id) else '' end, case when c.verb = 'create' then '' else coalesce(g.external_id, c.object_id) end,
      coalesce(m.external_id, c.member_id),
      c.expected_revision::text, (c.before - ${referenceNames}::text[])::text, (${comparableAfter(which === 'held')} - '$parent'::text - ${passwordAttribute}::text)::text), 0)::numeric), 0)::text as digest
    from change c
    left join made g on c.kind = 'membership' and g.kind = 'group' and g.object_id = c.object_id
    left join made m on c.kind = 'membership' and m.kind = coalesce(c.member_kind, '') and m.object_id = coalesce(c.member_id, c.object_id)
    where c.job_serial = ${jobSerial} and ${part}
      and (c.after is null or not c.after ? ${passwordAttribute} or c.after <> jsonb_build_object(${passwordAttribute}::text, '["set"]'::jsonb))`.execute(
    executor,
  );
  return rows[0]?.digest ?? '';
}

/** Leaves the destructive part of a plan to be applied; the rest, what failed at planning too, is the next run's. */
export async function skipHarmless(store: Store, job: RunnableJob): Promise<void> {
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    await sql`
      update change c set result = 'skipped', error_code = 'NotApproved',
        error_message = 'not a part of the plan that was approved: the next run does it'
      where c.job_serial = ${job.serial} and not ${destructive}`.execute(trx);
  });
}

/** What `skipHarmless` left. */
export async function countNotApproved(store: Store, job: RunnableJob): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from change
    where job_serial = ${job.serial} and result is not null and error_code = 'NotApproved'`.execute(store.db);
  return rows[0]?.count ?? 0;
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
      read_position = ${totals.readPosition === null ? null : JSON.stringify(totals.readPosition)}::jsonb,
      plan_hash = ${totals.verdict.tripped ? await planDigest(trx, job.serial, 'held') : null}
    where serial = ${job.serial}`.execute(trx);
  // What the source says of objects that were taken back is looked at again, whether it changed since or not.
  if (job.undoesJobId !== null && job.mode !== 'dryRun')
    await sql`update sync set read_position = null where id = ${job.syncId}`.execute(trx);
}

/** A plan that was committed, by whichever process, is never called unfinished again. */
