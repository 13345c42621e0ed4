import { sql, type Kysely, type RawBuilder } from 'kysely';
import {
  messageLevels,
  type GuardVerdictView,
  type JobPhase,
  type MessageLevel,
} from '@lockstep/contract/job.ts';
import type { Direction, JobMode, JobStatus, Kind, Statistics } from '@lockstep/contract/vocabulary.ts';
import { firstJobId } from '../../kernel/ids.ts';
import type { JobSelection } from '../../sync/selection.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface JobRow {
  readonly id: string;
  readonly serial: number;
  readonly tenantId: string;
  readonly syncId: string;
  readonly connectionId: string;
  readonly syncName: string;
  readonly direction: Direction;
  readonly mode: JobMode;
  readonly approvesJobId: string | null;
  readonly undoesJobId: string | null;
  readonly status: JobStatus;
  readonly phase: JobPhase;
  readonly startedThrough: string;
  readonly startedBy: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly appliedOrdinal: number;
  readonly lastOrdinal: number;
  readonly readCount: number;
  readonly unmanagedCounts: Partial<Record<Kind, number>>;
  readonly guardVerdict: GuardVerdictView | null;
  readonly complete: boolean | null;
  readonly statistics: Statistics | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly note: string | null;
  /** While its plan is carried out: a quota of the connected system does not let it end before. */
  readonly endsNotBefore: Date | null;
  readonly cancelRequested: boolean;
  readonly description: string | null;
  /** The only objects that the run may touch; null: a whole run. */
  readonly selection: JobSelection | null;
  readonly full: boolean;
  /** Null until the plan is made. */
  readonly changesOnly: boolean | null;
  /** What objects were before and after is still recorded. */
  readonly imagesKept: boolean;
}

const columns = sql`
  id, serial, tenant_id as "tenantId", sync_id as "syncId", connection_id as "connectionId", sync_name as "syncName",
  direction, mode, approves_job_id as "approvesJobId", undoes_job_id as "undoesJobId", status, phase, started_through as "startedThrough",
  started_by as "startedBy", created_at as "createdAt", started_at as "startedAt", ended_at as "endedAt",
  applied_ordinal as "appliedOrdinal", last_ordinal as "lastOrdinal", read_count as "readCount",
  unmanaged_counts as "unmanagedCounts", guard_verdict as "guardVerdict", complete, statistics,
  error_code as "errorCode", error_message as "errorMessage", note, ends_not_before as "endsNotBefore",
  cancel_requested as "cancelRequested", description, selection,
  full_read as "full", case when complete is not null then coalesce((read_position ->> 'changesOnly')::boolean, false) end as "changesOnly",
  images = 'kept' as "imagesKept"`;

/** Which jobs of a tenant; times are inclusive bounds on the start. */
export interface JobFilter {
  readonly status?: readonly JobStatus[] | undefined;
  readonly syncIds?: readonly string[] | undefined;
  readonly connectionIds?: readonly string[] | undefined;
  readonly direction?: Direction | undefined;
  readonly modes?: readonly JobMode[] | undefined;
  readonly startedAfter?: Date | undefined;
  readonly startedBefore?: Date | undefined;
}

/** One value by equality: then an index that goes on with the id gives the order as well. */
function isOneOf(column: string, values: readonly string[]): RawBuilder<unknown> {
  const [first] = values;
  return values.length === 1
    ? sql`${sql.ref(column)} = ${first}`
    : sql`${sql.ref(column)} = any(${values}::text[])`;
}

/** All but dry runs: in the words of the index that has only these. */
function isOneOfModes(modes: readonly JobMode[]): RawBuilder<unknown> {
  const real = modes.includes('apply') && modes.includes('approve') && !modes.includes('dryRun');
  return real ? sql`mode <> 'dryRun'` : isOneOf('mode', modes);
}

/**
 * Jobs that started since a moment were asked for an hour before it at the earliest, but for the few that waited longer.
 * Without this a page at the end of the range would look through all jobs before it.
 */
function askedForSince(tenantId: string, startedAfter: Date): RawBuilder<unknown> {
  const first = sql`${firstJobId(startedAfter.getTime() - 3_600_000)}::text collate "C"`;
  return sql`id >= coalesce(least(${first}, (
    select min(waited.id) from (
      select id from job
      where tenant_id = ${tenantId} and started_at >= ${startedAfter} and started_at - created_at > interval '1 hour'
      offset 0) waited)), ${first})`;
}

function filterCondition(tenantId: string, filter: JobFilter): RawBuilder<unknown> {
  const conditions = [sql`tenant_id = ${tenantId}`];
  if (filter.status !== undefined) conditions.push(isOneOf('status', filter.status));
  if (filter.syncIds !== undefined) conditions.push(sql`sync_id = any(${filter.syncIds}::text[])`);
  if (filter.connectionIds !== undefined) conditions.push(isOneOf('connection_id', filter.connectionIds));
  if (filter.direction !== undefined) conditions.push(sql`direction = ${filter.direction}`);
  if (filter.modes !== undefined) conditions.push(isOneOfModes(filter.modes));
  if (filter.startedAfter !== undefined) conditions.push(sql`started_at >= ${filter.startedAfter}`);
  if (filter.startedBefore !== undefined) conditions.push(sql`started_at <= ${filter.startedBefore}`);
  return sql.join(conditions, sql` and `);
}

/** Where a page begins: behind `after` towards older jobs, or behind `before` towards newer ones. */
export interface JobPage {
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** So many jobs after that are passed over; they are looked at all the same. */
  readonly offset?: number | undefined;
  readonly limit: number;
}

/** Jobs newest first; with `before` the `limit` jobs next newer than it, newest first as well. */
export async function selectJobs(
  executor: Executor,
  tenantId: string,
  filter: JobFilter,
  page: JobPage,
): Promise<JobRow[]> {
  const where = filterCondition(tenantId, filter);
  if (page.before !== undefined) {
    const { rows } = await sql<JobRow>`
      select ${columns} from job where ${where} and id > ${page.before} order by id limit ${page.limit}`.execute(
      executor,
    );
    return rows.reverse();
  }
  const { startedAfter } = filter;
  const bound = startedAfter === undefined ? sql`` : sql`and ${askedForSince(tenantId, startedAfter)}`;
  const after = page.after === undefined ? sql`` : sql`and id < ${page.after} ${bound}`;
  const { rows } = await sql<JobRow>`
    select ${columns} from job where ${where} ${after} order by id desc
    limit ${page.limit} offset ${page.offset ?? 0}`.execute(executor);
  return rows;
}

/**
 * How many jobs a filter finds, exactly: from the rollups unless it asks for syncs or times, which are counted one by one.
 */
export async function countJobs(executor: Executor, tenantId: string, filter: JobFilter): Promise<number> {
  const whole =
    filter.syncIds === undefined && filter.startedAfter === undefined && filter.startedBefore === undefined;
  const where = filterCondition(tenantId, filter);
  const { rows } = await (
    whole
      ? sql<{ count: number }>`select coalesce(sum(count), 0)::bigint as count from job_count where ${where}`
      : sql<{ count: number }>`select count(*) as count from job where ${where}`
  ).execute(executor);
  return rows[0]?.count ?? 0;
}

/** Widths of the spans that jobs are counted by: the beginnings of ids, longer ones within shorter ones. */
const [wide, narrow] = [9, 11] as const;

/**
 * How many jobs of a filter are older than the given one, or newer, exactly: by wide spans, by the narrow ones of its
 * own wide one, and one by one within its own narrow one. Filters by status, sync or time are counted one by one.
 */
export async function countJobsBeyond(
  executor: Executor,
  tenantId: string,
  filter: JobFilter,
  beyond: { readonly olderThan: string } | { readonly newerThan: string },
): Promise<number> {
  const where = filterCondition(tenantId, filter);
  const isOlder = 'olderThan' in beyond;
  const id = isOlder ? beyond.olderThan : beyond.newerThan;
  const isBeyond = (column: RawBuilder<unknown>, than: string): RawBuilder<unknown> =>
    isOlder ? sql`${column} < ${than}` : sql`${column} > ${than}`;
  const isWhole = isCountedBySpan(filter);
  // Ids go on behind their beginning with characters that are less than a tilde.
  const within = (column: RawBuilder<unknown>, start: string): RawBuilder<unknown> =>
    isWhole ? sql`${column} >= ${start} and ${column} < ${`${start}~`}` : sql`true`;
  const inSpans = sql`(
      select coalesce(sum(count), 0)::bigint from job_span
      where ${where} and width = ${wide} and ${isBeyond(sql`span`, id.slice(0, wide))}
    ) + (
      select coalesce(sum(count), 0)::bigint from job_span
      where ${where} and width = ${narrow} and ${within(sql`span`, id.slice(0, wide))}
        and ${isBeyond(sql`span`, id.slice(0, narrow))}
    )`;
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from job where ${where} and ${isBeyond(sql`id`, id)} and ${within(sql`id`, id.slice(0, narrow))})
      + ${isWhole ? inSpans : sql`0`} as count`.execute(executor);
  return rows[0]?.count ?? 0;
}

function isCountedBySpan({ status, syncIds, startedAfter, startedBefore }: JobFilter): boolean {
  return [status, syncIds, startedAfter, startedBefore].every((given) => given === undefined);
}

export async function findJob(executor: Executor, tenantId: string, id: string): Promise<JobRow | undefined> {
  const { rows } = await sql<JobRow>`
    select ${columns} from job where tenant_id = ${tenantId} and id = ${id}`.execute(executor);
  return rows[0];
}

/** The job of a sync that has not ended; there is one at most. */
export async function findUnfinishedJob(executor: Executor, syncId: string): Promise<JobRow | undefined> {
  const { rows } = await sql<JobRow>`
    select ${columns} from job where sync_id = ${syncId} and status in ('pending', 'running')`.execute(
    executor,
  );
  return rows[0];
}

export type NewJob = Pick<
  JobRow,
  | 'id'
  | 'tenantId'
  | 'syncId'
  | 'connectionId'
  | 'syncName'
  | 'direction'
  | 'mode'
  | 'approvesJobId'
  | 'undoesJobId'
  | 'startedThrough'
  | 'startedBy'
  | 'createdAt'
  | 'description'
  | 'selection'
  | 'full'
>;

/**
 * Adds a pending job unless the sync has one that has not ended: the unique index `job_running_of_sync` decides between
 * processes. @returns whether it was added.
 */
export async function insertPendingJob(executor: Executor, job: NewJob): Promise<boolean> {
  const { rows } = await sql`
    insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, approves_job_id, undoes_job_id, status,
      started_through, started_by, created_at, description, selection, full_read)
    values (${job.id}, ${job.tenantId}, ${job.syncId}, ${job.connectionId}, ${job.syncName}, ${job.direction},
      ${job.mode}, ${job.approvesJobId}, ${job.undoesJobId}, 'pending', ${job.startedThrough}, ${job.startedBy}, ${job.createdAt}, ${job.description},
      ${job.selection === null ? null : JSON.stringify(job.selection)}::jsonb, ${job.full})
    on conflict (sync_id) where status in ('pending', 'running') do nothing
    returning id`.execute(executor);
  return rows.length > 0;
}

/** A newer job of the sync that began to write, which makes a held plan out of date. */
export async function findSupersedingJob(
  executor: Executor,
  held: { id: string; syncId: string },
): Promise<JobRow | undefined> {
  const { rows } = await sql<JobRow>`
    select ${columns} from job
    where sync_id = ${held.syncId} and id > ${held.id} and mode in ('apply', 'approve')
      and (started_at is not null or status = 'pending')
    order by id desc limit 1`.execute(executor);
  return rows[0];
}

export interface HeldPlanSequel {
  readonly heldJobId: string;
  /** Whether the job applies the plan that was held; else it is a newer run. */
  readonly approves: boolean;
  readonly jobId: string;
  readonly startedBy: string | null;
  readonly createdAt: Date;
}

/** For each held job that is waiting no more: the first job that approved its plan, else the first that superseded it. */
export async function selectHeldPlanSequels(
  executor: Executor,
  heldJobIds: readonly string[],
): Promise<HeldPlanSequel[]> {
  const { rows } = await sql<HeldPlanSequel>`
    select held.id as "heldJobId", sequel.approves, sequel.id as "jobId", sequel.started_by as "startedBy",
      sequel.created_at as "createdAt"
    from job held cross join lateral (
      select coalesce(j.approves_job_id = held.id, false) as approves, j.id, j.started_by, j.created_at from job j
      where j.sync_id = held.sync_id and j.id > held.id and j.mode in ('apply', 'approve')
        and (j.started_at is not null or j.status = 'pending')
      order by 1 desc, j.id limit 1) sequel
    where held.id = any(${heldJobIds}::text[])`.execute(executor);
  return rows;
}

/** By job: the newest one that took it back, in whole or in part. */
export async function selectUndos(
  executor: Executor,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ undone: string; by: string }>`
    select undoes_job_id as undone, max(id) as by from job
    where undoes_job_id = any(${jobIds}::text[]) and mode <> 'dryRun' and status in ('success', 'partial_success')
    group by undoes_job_id`.execute(executor);
  return new Map(rows.map(({ undone, by }) => [undone, by]));
}

/** Ends a job that no worker has begun. @returns whether it did. */
export async function cancelPendingJob(
  executor: Executor,
  id: string,
  statistics: Statistics,
  now: Date,
): Promise<boolean> {
  const { rows } = await sql`
    update job
    set status = 'cancelled', phase = 'over', cancel_requested = true, ended_at = ${now},
      statistics = ${JSON.stringify(statistics)}::jsonb
    where id = ${id} and status = 'pending'
    returning id`.execute(executor);
  return rows.length > 0;
}

/** Asks the worker of a running job to stop. @returns whether the job was still running. */
export async function requestCancellation(executor: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`
    update job set cancel_requested = true where id = ${id} and status = 'running' returning id`.execute(
    executor,
  );
  return rows.length > 0;
}

export interface MessageRow {
  readonly ordinal: number;
  readonly at: Date;
  readonly level: MessageLevel;
  readonly text: string;
}

/** Messages of a job after an ordinal, oldest first. */
export async function selectMessages(
  executor: Executor,
  jobSerial: number,
  page: { after: number; limit: number },
  levels: readonly MessageLevel[] = messageLevels,
): Promise<MessageRow[]> {
  const { rows } = await sql<MessageRow>`
    select ordinal, at, level, text from job_message
    where job_serial = ${jobSerial} and ordinal > ${page.after} and level = any(${[...levels]}::text[])
    order by ordinal limit ${page.limit}`.execute(executor);
  return rows;
}

/** Jobs of the installation by status, for the metrics; ended ones are not counted. */
export async function countUnfinishedJobs(executor: Executor): Promise<{ pending: number; running: number }> {
  const { rows } = await sql<{ status: 'pending' | 'running'; count: number }>`
    select status, count(*) as count from job where status in ('pending', 'running') group by status`.execute(
    executor,
  );
  const of = (status: string): number => rows.find((row) => row.status === status)?.count ?? 0;
  return { pending: of('pending'), running: of('running') };
}
