import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { UndoCandidate } from '../../sync/plan-undo.ts';
import type { FormerLink } from '../../sync/planned-change.ts';
import { directoryColumns, directoryOf, linkColumns, linkOf } from './candidates.ts';
import type { DirectoryRow, LinkRow } from './candidates.ts';
import { insertPlanned } from './insert-planned.ts';
import { preferKeyLookups, unseen } from './key-lookups.ts';
import { keysetPages } from './keyset-pages.ts';
import { joinWhole, lastOrdinal } from './members.ts';
import type { Store } from '../store.ts';
import { indexStagingTable } from './staging-indexes.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { directoryTables } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

const pageSize = 2000;

/** Changes `c` of a job that succeeded. */
function succeeded(undone: number): RawBuilder<unknown> {
  return sql`c.job_serial = ${undone} and c.result is null
    and c.ordinal <= (select j.applied_ordinal from job j where j.serial = ${undone})`;
}

/** Images may have begun to be forgotten since the undo was asked for. @throws LockstepError NotUndoable */
export async function requireImages(store: Store, jobSerial: number): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select id from job where serial = ${jobSerial} and images <> 'kept'`.execute(store.db);
  if (rows[0] === undefined) return;
  throw new LockstepError(
    'NotUndoable',
    `job ${rows[0].id} is too old: what its objects were before is kept no more`,
  );
}

interface Row extends DirectoryRow, LinkRow {
  ordinal: number;
  verb: Verb;
  object_id: string;
  external_id: string | null;
  label: string;
  before: JsonAttributes | null;
  after: JsonAttributes | null;
  reference: string | null;
  alias: string | null;
  location: string | null;
  scope: number | null;
  releases_link: boolean;
  former_link: FormerLink | null;
  l_contribution: JsonAttributes | null;
  fed: boolean;
  others_say: JsonAttributes[] | null;
  joined: boolean;
  claimed: boolean;
}

function candidateOf(kind: ObjectKind, row: Row): UndoCandidate {
  const link = linkOf(row);
  return {
    change: {
      kind,
      verb: row.verb,
      objectId: row.object_id,
      externalId: row.external_id,
      label: row.label,
      before: row.before,
      after: row.after,
      link: {
        reference: row.reference,
        alias: row.alias,
        location: row.location,
        scope: row.scope ?? 0,
        fingerprint: null,
      },
      releasesLink: row.releases_link,
      formerLink: row.former_link,
    },
    directory: directoryOf(row),
    link: link && { ...link, contribution: row.l_contribution },
    fed: row.fed,
    othersSay: row.others_say ?? [],
    joined: row.joined,
    claimed: row.claimed,
  };
}

/**
 * What a job did to objects of a kind, the last change first, with what the object is now. `offset 0` keeps the planner
 * from asking for all there is in place of each object.
 */
export async function* undoCandidates(
  { store, sync, table }: StagingContext,
  undone: number,
  kind: ObjectKind,
  verbs: readonly Verb[],
): AsyncGenerator<UndoCandidate[]> {
  const own = unseen(sync.serial);
  const load = (before: number): Promise<Row[]> =>
    store.transaction(async (trx) => {
      await preferKeyLookups(trx);
      const { rows } = await sql<Row>`
        with page as materialized (
          select c.* from change c
          where ${succeeded(undone)} and c.kind = ${kind} and c.verb = any (${verbs}::text[]) and c.object_id is not null
            and c.ordinal < ${before}
          order by c.ordinal desc limit ${pageSize}
        ), tied as materialized (
          select o.external_id, o.object_id from link o
          where o.sync_serial = ${own} and o.kind = ${kind} and o.external_id = any (array(select external_id from page))
        )
        select c.ordinal, c.verb, c.object_id, c.external_id, c.label, c.before, c.after, c.reference, c.alias, c.location, c.scope,
          c.releases_link, c.former_link, ${linkColumns}, l.contribution as l_contribution, ${directoryColumns(kind)},
          f.fed, f.others_say,
          exists (select 1 from ${table('joined')} j where j.object_id = c.object_id offset 0) as joined,
          c.external_id in (select external_id from tied)
            and (c.external_id, c.object_id) not in (select external_id, object_id from tied) as claimed
        from page c
        left join ${directoryTables[kind].table} d on d.id = c.object_id
        left join link l on l.sync_serial = ${own} and l.object_id = c.object_id
        cross join lateral (
          select count(*) > 0 as fed, jsonb_agg(o.contribution) filter (where o.contribution is not null) as others_say
          from link o join sync s on s.serial = o.sync_serial
          where o.object_id = c.object_id and o.sync_serial <> ${own} and o.state = 'live' and s.direction = 'ingress') f
        order by c.ordinal desc`.execute(trx);
      return rows;
    });
  for await (const rows of keysetPages(Number.MAX_SAFE_INTEGER, ({ ordinal }) => ordinal, load, true))
    yield rows.map((row) => candidateOf(kind, row));
}

/**
 * Notes the users and groups that a job created and that have a membership, as a group or as a member, which it did not
 * make: all at once, since a group may have as many members as there are people.
 */
export async function noteJoined(context: StagingContext, undone: number): Promise<void> {
  const { store, table } = context;
  // A list: joined to them a membership of any tenant would be read.
  const created = sql`array(
    select c.object_id from change c where ${succeeded(undone)} and c.kind in ('user', 'group') and c.verb = 'create')`;
  await store.transaction(async (trx) => {
    await joinWhole(trx);
    for (const end of [sql.raw('group_id'), sql.raw('member_id')])
      await sql`
      insert into ${table('joined')} (object_id)
      select distinct m.${end}
      from membership m
      left join change x on x.job_serial = ${undone} and x.kind = 'membership' and x.verb = 'addMember' and x.result is null
        and x.object_id = m.group_id and x.member_id = m.member_id
      where m.${end} = any (${created}) and x.object_id is null`.execute(trx);
  });
  await indexStagingTable(context, 'joined', '(object_id)');
  await analyzeStaged(context, 'joined');
}

/** Memberships that a job added, or removed, one by one. */
const recordedMembers = (undone: number, verb: 'addMember' | 'removeMember') => sql`
  select c.ordinal, c.object_id, c.member_id, c.member_kind, c.external_id, c.label from change c
  where ${succeeded(undone)} and c.kind = 'membership' and c.verb = ${verb}`;

/**
 * Memberships that went with an object which a job deleted: the log alone has them. What the sync gave goes by the
 * reference by which it was given, so that it is the sync's again; of what others gave there is none.
 */
function lostMembers({ sync }: StagingContext, undone: number): RawBuilder<unknown> {
  const deleted = sql`select c.object_id, c.label from change c
    where ${succeeded(undone)} and c.kind in ('user', 'group') and c.verb = 'delete'`;
  const lost = sql`select d.object_id, d.member_id from directory_log d
    where d.tenant_id = ${sync.tenantId} and d.job_serial = ${undone} and d.kind = 'membership' and d.member_id is not null`;
  return sql`
    select 0 as ordinal, d.object_id, d.member_id, case when starts_with(d.member_id, 'group_') then 'group' else 'user' end as member_kind,
      r.external_id, coalesce(x.label, g.name, d.object_id) || ' < ' || coalesce(y.label, u.username, m.name, d.member_id) as label
    from (${lost}) d
    left join (${deleted}) x on x.object_id = d.object_id
    left join (${deleted}) y on y.object_id = d.member_id
    left join directory_group g on g.id = d.object_id
    left join directory_user u on u.id = d.member_id
    left join directory_group m on m.id = d.member_id
    left join (
      select distinct on (c.object_id, c.member_id) c.object_id, c.member_id, c.external_id
      from change c join job j on j.serial = c.job_serial
      where j.sync_id = ${sync.syncId} and c.kind = 'membership' and c.verb in ('addMember', 'bind') and c.result is null
        and c.object_id in (select l.object_id from (${lost}) l)
      order by c.object_id, c.member_id, c.job_serial desc, c.ordinal desc
    ) r on r.object_id = d.object_id and r.member_id = d.member_id`;
}

/**
 * Members that a job added leave, unless another sync gives them too; those that it removed come back. What is so by now
 * is not planned, and a membership that only was bound stays.
 * @returns the last ordinal used
 */
export async function planMembersBack(
  context: StagingContext,
  undone: number,
  verb: 'addMember' | 'removeMember',
  first: number,
): Promise<number> {
  const { job, sync } = context;
  const isThere = sql`exists (select 1 from membership m where m.group_id = c.object_id and m.member_id = c.member_id)`;
  const isGivenElsewhere = sql`exists (
    select 1 from membership_link y join sync s on s.serial = y.sync_serial and s.direction = 'ingress'
    where y.group_id = c.object_id and y.member_id = c.member_id and y.sync_serial <> ${sync.serial})`;
  const leaves = verb === 'addMember';
  const members = leaves
    ? recordedMembers(undone, verb)
    : sql`${recordedMembers(undone, verb)} union all ${lostMembers(context, undone)}`;
  await insertPlanned(context, (trx) =>
    sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, member_id, member_kind, external_id, label, releases_link)
    select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by c.ordinal desc, c.label, c.member_id), 'membership',
      ${leaves ? 'removeMember' : 'addMember'}, c.object_id, c.member_id, c.member_kind,
      nullif(c.external_id, c.member_id), c.label, ${leaves}::boolean
    from (${members}) c
    where ${leaves ? sql`${isThere} and not ${isGivenElsewhere}` : sql`not ${isThere}`}`.execute(trx),
  );
  return lastOrdinal(context, first);
}
