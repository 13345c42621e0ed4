import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Kind, Result, Verb } from '@lockstep/contract/vocabulary.ts';
import type { Database } from '../schema.ts';
import { countsAsWritten, countsInOperation } from './counted-changes.ts';

type Executor = Kysely<Database>;

export interface ChangeRow {
  readonly ordinal: number;
  readonly kind: Kind;
  readonly verb: Verb;
  readonly objectId: string | null;
  readonly externalId: string | null;
  readonly label: string;
  readonly memberId: string | null;
  readonly memberKind: 'user' | 'group' | null;
  readonly before: JsonAttributeMap | null;
  readonly after: JsonAttributeMap | null;
  readonly result: Result;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

const columns = sql`
  change.ordinal, change.kind, change.verb, change.object_id as "objectId", change.external_id as "externalId",
  change.label, change.member_id as "memberId", change.member_kind as "memberKind", change.before, change.after,
  change.error_code as "errorCode", change.error_message as "errorMessage"`;

/** Of a row without a result of its own: it succeeded once its job got that far. */
function resultColumn(appliedOrdinal: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce(change.result, case when change.ordinal <= ${appliedOrdinal} then 'success' else 'planned' end)`;
}

export interface ChangeFilter {
  readonly kind?: Kind | undefined;
  readonly verbs?: readonly Verb[] | undefined;
  readonly result?: Result | undefined;
  /** Those behind a count: of an operation, or of what was written. */
  readonly counted?: 'inOperation' | 'asWritten' | undefined;
}

const counted = { inOperation: countsInOperation, asWritten: countsAsWritten };

function resultCondition(result: Result, appliedOrdinal: number): RawBuilder<unknown> {
  switch (result) {
    case 'success':
      return sql`change.result is null and change.ordinal <= ${appliedOrdinal}`;
    case 'planned':
      return sql`change.result is null and change.ordinal > ${appliedOrdinal}`;
    case 'failed':
    case 'skipped':
      // The first condition lets the partial index `change_with_result` serve the few rows that did not succeed.
      return sql`change.result is not null and change.result = ${result}`;
  }
  return result satisfies never;
}

/** Changes of a job after an ordinal, in the order of the plan. */
export async function selectChanges(
  executor: Executor,
  job: { serial: number; appliedOrdinal: number },
  filter: ChangeFilter,
  page: { after: number; limit: number },
): Promise<ChangeRow[]> {
  const conditions = [sql`change.job_serial = ${job.serial}`, sql`change.ordinal > ${page.after}`];
  if (filter.kind !== undefined) conditions.push(sql`change.kind = ${filter.kind}`);
  if (filter.verbs !== undefined) conditions.push(sql`change.verb = any(${filter.verbs}::text[])`);
  if (filter.counted !== undefined) conditions.push(counted[filter.counted]);
  if (filter.result !== undefined) conditions.push(resultCondition(filter.result, job.appliedOrdinal));
  const { rows } = await sql<ChangeRow>`
    select ${columns}, ${resultColumn(sql`${job.appliedOrdinal}::bigint`)} as "result"
    from change where ${sql.join(conditions, sql` and `)}
    order by change.ordinal limit ${page.limit}`.execute(executor);
  return rows;
}

export interface ObjectChangeRow extends ChangeRow {
  readonly jobId: string;
  readonly sync: string;
  readonly at: Date;
}

/** Changes of one object in any job of the tenant, newest first, those before a job and ordinal. */
export async function selectChangesOfObject(
  executor: Executor,
  object: { tenantId: string; id: string },
  page: { before?: { jobId: string; ordinal: number } | undefined; limit: number },
): Promise<ObjectChangeRow[]> {
  const before =
    page.before === undefined
      ? sql``
      : sql`and (change.job_serial, change.ordinal)
          < ((select serial from job where id = ${page.before.jobId}), ${page.before.ordinal}::bigint)`;
  const { rows } = await sql<ObjectChangeRow>`
    select ${columns}, ${resultColumn(sql`job.applied_ordinal`)} as "result",
      job.id as "jobId", job.sync_name as "sync", coalesce(job.started_at, job.created_at) as "at"
    from change join job on job.serial = change.job_serial
    where change.object_id = ${object.id} and job.tenant_id = ${object.tenantId} ${before}
    order by change.job_serial desc, change.ordinal desc limit ${page.limit}`.execute(executor);
  return rows;
}

/** An object that a sync has linked and that no change of the job touched. */
export interface SameRow {
  readonly kind: Kind;
  readonly objectId: string;
  readonly externalId: string;
  readonly label: string;
  readonly memberId: string | null;
  readonly memberKind: 'user' | 'group' | null;
}

const objectLabel = sql`coalesce(directory_user.username, organizational_unit.name, directory_group.name, link.external_id)`;

/**
 * Live links of a sync that no change of the job touched, by kind and external id. Right for the newest job of the
 * sync: links follow the jobs after it. Nothing is the same of an object that is gone: its entry waits to be tied to
 * another one, or stays behind.
 */
export async function selectSameObjects(
  executor: Executor,
  job: { serial: number; syncSerial: number },
  page: { kinds: readonly Kind[]; after?: { kind: string; externalId: string } | undefined; limit: number },
): Promise<SameRow[]> {
  const after = page.after ?? { kind: '', externalId: '' };
  const { rows } = await sql<SameRow>`
    select link.kind, link.object_id as "objectId", link.external_id as "externalId", ${objectLabel} as "label",
      null::text as "memberId", null::text as "memberKind"
    from link
    left join directory_user on link.kind = 'user' and directory_user.id = link.object_id
    left join organizational_unit on link.kind = 'organizationalUnit' and organizational_unit.id = link.object_id
    left join directory_group on link.kind = 'group' and directory_group.id = link.object_id
    where link.sync_serial = ${job.syncSerial} and link.state = 'live' and link.kind = any(${page.kinds}::text[])
      and (link.kind, link.external_id) > (${after.kind}::text, ${after.externalId}::text)
      and coalesce(directory_user.id, organizational_unit.id, directory_group.id) is not null
      and not exists (
        select 1 from change
        where change.object_id = link.object_id and change.job_serial = ${job.serial} and change.kind = link.kind)
    order by link.kind, link.external_id limit ${page.limit}`.execute(executor);
  return rows;
}

interface MembershipKey {
  readonly groupId: string;
  readonly reference: string;
}

/** References are looked at by so many at a time, where few of them are asked for: a change may have touched each. */
const referencesAtOnce = 1000;

/**
 * The next resolved member references of linked groups, by group and reference, and whether a change of the job touched
 * the membership, or one of its ends is gone. The changes of a group are read once for all of them.
 */
async function selectReferences(
  executor: Executor,
  job: { serial: number; syncSerial: number },
  after: MembershipKey,
  limit: number,
): Promise<(SameRow & { readonly isTouched: boolean })[]> {
  const { rows } = await sql<SameRow & { isTouched: boolean }>`
    with known as materialized (
      select membership_link.group_id, membership_link.reference, membership_link.member_id
      from membership_link
      where membership_link.sync_serial = ${job.syncSerial} and membership_link.member_id is not null
        and exists (
          select 1 from link
          where link.sync_serial = membership_link.sync_serial and link.object_id = membership_link.group_id and link.state = 'live')
        and (membership_link.group_id, membership_link.reference) > (${after.groupId}::text, ${after.reference}::text)
      order by membership_link.group_id, membership_link.reference limit ${limit}
    ), touched as materialized (
      select change.kind, change.object_id, change.member_id from change
      where change.job_serial = ${job.serial} and change.object_id in (select group_id from known)
        and (change.kind = 'membership' and change.member_id is not null or change.kind = 'group' and change.verb = 'delete')
    )
    select 'membership' as "kind", known.group_id as "objectId", known.reference as "externalId",
      coalesce(directory_group.name, known.group_id) || ' < '
        || coalesce(directory_user.username, member_group.name, known.reference) as "label",
      known.member_id as "memberId",
      case when directory_user.id is null then 'group' else 'user' end as "memberKind",
      (known.group_id, known.member_id) in (select object_id, member_id from touched where kind = 'membership')
        or known.group_id in (select object_id from touched where kind = 'group')
        or directory_group.id is null or coalesce(directory_user.id, member_group.id) is null as "isTouched"
    from known
    left join directory_group on directory_group.id = known.group_id
    left join directory_user on directory_user.id = known.member_id
    left join directory_group as member_group on member_group.id = known.member_id
    order by known.group_id, known.reference`.execute(executor);
  return rows;
}

/** Resolved member references of linked groups whose membership no change of the job touched, by group and reference. */
export async function selectSameMemberships(
  executor: Executor,
  job: { serial: number; syncSerial: number },
  page: { after?: MembershipKey | undefined; limit: number },
): Promise<SameRow[]> {
  const same: SameRow[] = [];
  const size = Math.max(page.limit, referencesAtOnce);
  for (let after = page.after ?? { groupId: '', reference: '' }; ;) {
    const rows = await selectReferences(executor, job, after, size);
    for (const { isTouched, ...row } of rows) if (!isTouched) same.push(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < size || same.length >= page.limit)
      return same.slice(0, page.limit);
    after = { groupId: last.objectId, reference: last.externalId };
  }
}
