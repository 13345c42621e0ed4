import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import type { Direction, JobStatus, Statistics } from '@lockstep/contract/vocabulary.ts';
import type { ReadPosition } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface SyncRow {
  readonly id: string;
  readonly serial: number;
  readonly tenantId: string;
  readonly connectionId: string;
  readonly connection: string;
  readonly name: string;
  readonly direction: Direction;
  readonly position: number;
  readonly settings: SyncConfiguration;
  readonly revision: number;
  readonly enabled: boolean;
  readonly nextRunAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly readPosition: ReadPosition | null;
}

const source = sql`
  sync.id, sync.serial, sync.tenant_id as "tenantId", sync.connection_id as "connectionId",
  connection.name as "connection", sync.name, sync.direction, sync.position, sync.settings, sync.revision, sync.enabled,
  sync.next_run_at as "nextRunAt", sync.created_at as "createdAt", sync.updated_at as "updatedAt",
  sync.read_position as "readPosition"
  from sync join connection on connection.id = sync.connection_id`;

async function select(executor: Executor, where: RawBuilder<unknown>): Promise<SyncRow[]> {
  const { rows } = await sql<SyncRow>`select ${source} where ${where}`.execute(executor);
  return rows;
}

/** Syncs of a tenant in the order of the configuration, those after the one with this position and id. */
export async function selectSyncs(
  executor: Executor,
  tenantId: string,
  page: { after?: { position: number; id: string } | undefined; limit: number },
): Promise<SyncRow[]> {
  const after = page.after ?? { position: -1, id: '' };
  return select(
    executor,
    sql`sync.tenant_id = ${tenantId}
      and (sync.position, sync.id) > (${after.position}::integer, ${after.id}::text)
      order by sync.position, sync.id limit ${page.limit}`,
  );
}

/** The sync with this id, else the one with this name. */
export async function findSync(
  executor: Executor,
  tenantId: string,
  idOrName: string,
): Promise<SyncRow | undefined> {
  const rows = await select(
    executor,
    sql`sync.tenant_id = ${tenantId} and (sync.id = ${idOrName} or sync.name = ${idOrName})
      order by (sync.id = ${idOrName}) desc limit 1`,
  );
  return rows[0];
}

/** The sync with this id, of any tenant. */
export async function findSyncById(executor: Executor, id: string): Promise<SyncRow | undefined> {
  return (await select(executor, sql`sync.id = ${id}`))[0];
}

/** The earliest next run of all enabled syncs. */
export async function findNextDueAt(executor: Executor): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    select min(next_run_at) as at from sync where enabled and next_run_at is not null`.execute(executor);
  return rows[0]?.at ?? null;
}

/** The position behind the last sync of the tenant. */
export async function nextSyncPosition(executor: Executor, tenantId: string): Promise<number> {
  const { rows } = await sql<{ position: number }>`
    select coalesce(max(position) + 1, 0)::integer as position from sync where tenant_id = ${tenantId}`.execute(
    executor,
  );
  return rows[0]?.position ?? 0;
}

export type SyncWrite = Pick<
  SyncRow,
  'connectionId' | 'direction' | 'position' | 'settings' | 'enabled' | 'nextRunAt'
>;

export async function insertSync(
  executor: Executor,
  sync: SyncWrite & Pick<SyncRow, 'id' | 'tenantId' | 'name'>,
): Promise<void> {
  await sql`
    insert into sync (id, tenant_id, connection_id, name, direction, position, settings, enabled, next_run_at)
    values (${sync.id}, ${sync.tenantId}, ${sync.connectionId}, ${sync.name}, ${sync.direction}, ${sync.position},
      ${JSON.stringify(sync.settings)}::jsonb, ${sync.enabled}, ${sync.nextRunAt})`.execute(executor);
}

export async function updateSync(executor: Executor, id: string, to: SyncWrite): Promise<void> {
  await sql`
    update sync
    set connection_id = ${to.connectionId}, direction = ${to.direction}, position = ${to.position},
      settings = ${JSON.stringify(to.settings)}::jsonb, enabled = ${to.enabled}, next_run_at = ${to.nextRunAt},
      revision = revision + 1, updated_at = now()
    where id = ${id}`.execute(executor);
}

/** Drops a sync's links; the objects they tie stay. */
export async function deleteLinksOfSync(executor: Executor, syncSerial: number): Promise<void> {
  await sql`delete from link where sync_serial = ${syncSerial}`.execute(executor);
  await sql`delete from membership_link where sync_serial = ${syncSerial}`.execute(executor);
  await sql`update sync set read_position = null where serial = ${syncSerial}`.execute(executor);
}

export async function deleteSyncRow(executor: Executor, sync: { id: string; serial: number }): Promise<void> {
  await deleteLinksOfSync(executor, sync.serial);
  await sql`delete from sync where id = ${sync.id}`.execute(executor);
}

/** Enabled syncs, of any tenant, whose time has come. */
export async function selectDueSyncs(executor: Executor, now: Date, limit: number): Promise<SyncRow[]> {
  return select(
    executor,
    sql`sync.enabled and sync.next_run_at <= ${now} order by sync.next_run_at, sync.id limit ${limit}`,
  );
}

/** Enabled syncs, of any tenant, that run by themselves and not before a moment. */
export async function selectSyncsDueAfter(executor: Executor, moment: Date): Promise<SyncRow[]> {
  return select(executor, sql`sync.enabled and sync.next_run_at > ${moment} order by sync.id`);
}

/** Lets a sync that follows the directory begin with what changes from now on. */
export async function passOverChanges(executor: Executor, id: string): Promise<void> {
  await sql`
    update sync set log_position = greatest(log_position,
      coalesce((select max(seq) from directory_log g where g.tenant_id = sync.tenant_id), 0))
    where id = ${id}`.execute(executor);
}

const continuous = sql`
  sync.enabled and sync.direction = 'egress' and sync.settings @> '{"continuous": true}'`;

/** What a sync has not looked at yet. */
const unseenChange = sql`
  directory_log g where g.tenant_id = sync.tenant_id and g.seq > sync.log_position`;

/** When syncs that follow changes are due. */
export interface Moments {
  readonly now: Date;
  readonly settled: Date;
  readonly overdue: Date;
  /** How long a sync rests when a run of it failed, and again and again. */
  readonly rest: Rest;
  /** How long what failed in a run that did the rest is left alone, and again and again. */
  readonly retry: Rest;
}

/** Twice as long each time, up to the limit. */
export interface Rest {
  readonly seconds: number;
  readonly mostSeconds: number;
}

/** Runs in a row that still make a difference. */
const countedRuns = 20;

/** When a sync has rested after runs `j` of which all ended in this way, back from the last one; null: that did not. */
const restedAt = (
  way: RawBuilder<unknown>,
  which: RawBuilder<unknown>,
  { seconds, mostSeconds }: Rest,
) => sql`(
  select max(f.ended_at) + make_interval(secs => least(${mostSeconds}::float8, ${seconds}::float8 * 2 ^ (count(*) - 1)))
  from (
    select r.ended_at, bool_and(r.ended_so) over (order by r.id desc) as unbroken
    from (
      select j.id, j.ended_at, ${way} as ended_so from job j
      where j.sync_id = sync.id and j.status not in ('pending', 'running') and ${which}
      order by j.id desc limit ${countedRuns}
    ) r
  ) f where f.unbroken)`;

const failed = sql`('failed', 'cancelled')`;

/** Whether a sync rests after its last runs failed. */
const rests = ({ now, rest }: Moments) =>
  sql`coalesce(${restedAt(sql`j.status in ${failed}`, sql`j.mode = 'apply'`, rest)} > ${now}, false)`;

/** Whether something failed in a run `j` that did what it could; an approval does not do again what failed beside it. */
const leftUndone = sql`(
  j.status = 'partial_success' or j.status = 'success' and exists (
    select from job h where h.id = j.approves_job_id and jsonb_path_exists(h.statistics, '$.*.*.failed ? (@ > 0)')))`;

const isIdle = sql`
  not exists (select 1 from job where job.sync_id = sync.id and job.status in ('pending', 'running'))`;

/**
 * Syncs that follow the directory and have not looked at a change that is older than `settled`, or at changes since
 * before `overdue` even while more of them come. Only those with a connection of one of these types.
 */
export async function selectOutdatedSyncs(
  executor: Executor,
  types: readonly string[],
  moments: Moments,
  syncId?: string,
): Promise<SyncRow[]> {
  return select(
    executor,
    sql`${continuous} and connection.type = any(${types}::text[]) and (${syncId ?? null}::text is null or sync.id = ${syncId ?? null})
      and exists (select 1 from ${unseenChange})
      and (not exists (select 1 from ${unseenChange} and g.at > ${moments.settled})
        or exists (select 1 from ${unseenChange} and g.at < ${moments.overdue}))
      and ${isIdle}
      and not ${rests(moments)}
      order by sync.id limit 100`,
  );
}

/**
 * Syncs that follow the directory, the last whole run of which did what it could, while something failed; those that
 * failed altogether since then have not changed that. What a run did in another system than the present one does not
 * count. Only those with a connection of one of these types.
 */
export async function selectUnfinishedSyncs(
  executor: Executor,
  types: readonly string[],
  { now, retry }: Moments,
  syncId?: string,
): Promise<SyncRow[]> {
  const whole = sql`
    j.mode in ('apply', 'approve') and j.selection is null
    and j.connection_id = sync.connection_id and j.direction = sync.direction`;
  return select(
    executor,
    sql`${continuous} and connection.type = any(${types}::text[]) and (${syncId ?? null}::text is null or sync.id = ${syncId ?? null})
      and (
        select ${leftUndone} from job j
        where j.sync_id = sync.id and j.status not in ('pending', 'running') and j.status not in ${failed} and ${whole}
        order by j.id desc limit 1)
      and ${restedAt(sql`(${leftUndone} or j.status in ${failed})`, whole, retry)} <= ${now} and ${isIdle}
      order by sync.id limit 100`,
  );
}

/**
 * Ingress syncs of connections of these types, which others push into, where something was pushed that no run has looked
 * at: once it is older than `settled`, or the last run ended before `overdue` even while more comes. One whose last run
 * broke off before it had looked rests. An undo looks at nothing, and is no reason to do again what it took back.
 */
export async function selectPushedSyncs(
  executor: Executor,
  types: readonly string[],
  moments: Moments,
  syncId?: string,
): Promise<SyncRow[]> {
  return select(
    executor,
    sql`sync.enabled and sync.direction = 'ingress' and connection.type = any(${types}::text[])
      and (${syncId ?? null}::text is null or sync.id = ${syncId ?? null})
      and exists (
        select 1 from replica r
        left join lateral (
          select j.status, j.ended_at, coalesce((j.read_position ->> 'position')::bigint, -1) as seen
          from job j where j.sync_id = sync.id and j.mode = 'apply' and j.undoes_job_id is null order by j.id desc limit 1
        ) j on true
        where r.connection_serial = connection.serial and r.sequence > greatest(coalesce(j.seen, -1), 0)
          and (r.changed_at <= ${moments.settled} or coalesce(j.ended_at, sync.created_at) <= ${moments.overdue})
          and (j.status is null or j.seen >= 0 or j.status not in ${failed} or not ${rests(moments)}))
      and ${isIdle}
      order by sync.id limit 100`,
  );
}

/**
 * Moves the next run of a sync on, if it still is what the caller saw: of several schedulers one wins.
 * @returns whether this call moved it.
 */
export async function moveNextRun(
  executor: Executor,
  id: string,
  from: Date | null,
  to: Date | null,
): Promise<boolean> {
  const { rows } = await sql`
    update sync set next_run_at = ${to}
    where id = ${id} and next_run_at is not distinct from ${from}::timestamptz
    returning id`.execute(executor);
  return rows.length > 0;
}

/**
 * How the newest run of a sync ended that was no part, no undo and more than a preview; nulls: none has ended. An
 * approval ends what the held run began: it is no success where something else had failed there.
 */
export interface LastRunRow {
  readonly name: string;
  readonly status: JobStatus | null;
  readonly endedAt: Date | null;
  readonly statistics: Statistics | null;
}

/** Of the syncs of a tenant that are enabled, in their order. */
export async function selectLastRuns(executor: Executor, tenantId: string): Promise<LastRunRow[]> {
  const { rows } = await sql<LastRunRow>`
    select sync.name, last.ended_at as "endedAt", last.statistics,
      case when last.status = 'success' and jsonb_path_exists(held.statistics, '$.*.*.failed ? (@ > 0)')
        then 'partial_success' else last.status end as status
    from sync left join lateral (
      select job.status, job.ended_at, job.statistics, job.approves_job_id from job
      where job.sync_id = sync.id and job.mode in ('apply', 'approve') and job.ended_at is not null
        and job.selection is null and job.undoes_job_id is null
      order by job.id desc limit 1) last on true
    left join job held on held.id = last.approves_job_id
    where sync.tenant_id = ${tenantId} and sync.enabled order by sync.position, sync.id`.execute(executor);
  return rows;
}
