import { sql } from 'kysely';
import type { RawBuilder, Transaction } from 'kysely';
import type { Database } from '../schema.ts';
import type { Executor } from '../store.ts';
import { lateOrdinal } from '../../sync/sync-store.ts';
import type { Absence } from '../../sync/sync-store.ts';
import { insertPlanned } from './insert-planned.ts';
import { indexStagingTable } from './staging-indexes.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { formerNames } from './staging-tables.ts';
import type { StagingContext, StagingPlace } from './staging-tables.ts';

/** What a person calls the two ends of a membership. */
const label = sql`coalesce(gs.label, gd.name, w.group_id) || ' < ' || coalesce(ms.label, mu.username, mg.name, w.reference)`;

/** Joins the names of both ends to rows `w (group_id, member_id, reference)`; staged names first, they are the newer ones. */
function labelJoins({ sync, table }: StagingContext): RawBuilder<unknown> {
  const staged = sync.direction === 'ingress' ? sql`true` : sql`false`;
  return sql`
    left join ${table('object')} gs on ${staged} and gs.object_id = w.group_id and gs.kind = 'group'
    left join directory_group gd on gd.id = w.group_id
    left join ${table('object')} ms on ${staged} and ms.object_id = w.member_id and ms.kind in ('user', 'group') and ms.error_code is null
    left join directory_user mu on mu.id = w.member_id
    left join directory_group mg on mg.id = w.member_id`;
}

/** A staged object that came, or shall come, to be; one that is linked is there, whatever is wrong with its record now. */
const usable = sql`o.kind in ('user', 'group') and o.object_id is not null
  and (o.linked or o.error_code is null and o.conflict_code is null)`;

/**
 * Ingress: a group was told to have lost the reference of the row of this alias. Each is looked up by itself: more than
 * fit into memory would be read through for every row, were they asked for as a list.
 */
export function isLost({ table }: Pick<StagingPlace, 'table'>, alias: 'w' | 'x'): RawBuilder<unknown> {
  return sql`exists (
    select 1 from ${table('object')} g
    join ${table('member')} m on m.group_external_id = g.external_id and m.part = 'removed'
    where g.kind = 'group' and g.object_id = ${sql.raw(alias)}.group_id and g.error_code is null
      and m.reference = ${sql.raw(alias)}.reference)`;
}

/** The index that lost references are looked up by; a read of everything tells of none. */
export async function indexLost(context: StagingPlace): Promise<void> {
  await indexStagingTable(context, 'member', "(group_external_id, reference) where part = 'removed'");
}

/**
 * Ingress: the source still has the group of `x`. Of one that is gone it says nothing: its members go with it, or stay.
 * `offset 0` keeps the planner from asking it of all memberships in place of those few that are looked at again.
 */
function givesGroup({ sync, table }: StagingContext): RawBuilder<unknown> {
  return sql`exists (
    select 1 from link k
    where k.object_id = x.group_id and k.sync_serial = ${sync.serial} and k.kind = 'group' and k.state = 'live'
      and not exists (select 1 from ${table('missing')} m where m.object_id = x.group_id) offset 0)`;
}

/**
 * Ingress: groups that the source has no more and that stay because another sync feeds them: what this one gave goes.
 * Those of earlier runs are among them, since what the guard held is still to be taken away. `offset 0` keeps the
 * planner from reading all links of the others.
 */
function groupsLeftToOthers({ sync, table }: StagingContext): RawBuilder<unknown> {
  return sql`
    select l.object_id from link l
    where ${sync.onMissing !== 'ignore'}::boolean and l.sync_serial = ${sync.serial} and l.kind = 'group'
      and (l.state = 'missing' or l.object_id in (select m.object_id from ${table('missing')} m where m.kind = 'group'))
      and not exists (select 1 from ${table('object')} g where g.kind = 'group' and g.object_id = l.object_id)
      and exists (
        select 1 from link o join sync s on s.serial = o.sync_serial
        where o.object_id = l.object_id and o.sync_serial <> ${sync.serial} and o.state = 'live' and s.direction = 'ingress' offset 0)`;
}

/**
 * Of a group that a read of changes brought, and that changed in the directory since or is to be looked at again, the
 * members that the source has told of before: it is settled with this run, and no later one would compare them.
 */
async function nameMembersOfTouched(context: StagingContext): Promise<void> {
  const { store, sync, table } = context;
  await sql`
    insert into ${table('wanted')} (group_id, reference, whole)
    select x.group_id, x.reference, false
    from ${table('object')} g
    join link l on l.sync_serial = ${sync.serial} and l.kind = g.kind and l.external_id = g.external_id
    join directory_group d on d.id = l.object_id
    join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = g.object_id
    where g.kind = 'group' and not g.has_members and g.error_code is null and g.conflict_code is null
      and (l.fingerprint is null or l.object_revision <> d.revision)
      and not ${isLost(context, 'x')}
      and not exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.reference = x.reference)`.execute(
    store.db,
  );
}

/** Ingress: the membership `x` is to be resolved anew, and nothing else of its group or by its name does so. */
function isReadAnew(context: StagingContext): RawBuilder<unknown> {
  const { table } = context;
  return sql`not exists (select 1 from ${table('object')} g
      where g.kind = 'group' and g.object_id = x.group_id and (g.has_members or g.error_code is not null))
    and ${givesGroup(context)}
    and not ${isLost(context, 'x')}
    and not exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.reference = x.reference)`;
}

/**
 * Names the references to resolve: of groups that were read again (where a staged object goes by the reference it is
 * resolved at once), and of others that name an object which was linked or moved.
 */
async function nameWanted(context: StagingContext): Promise<void> {
  const { store, sync, table } = context;
  await sql`
    insert into ${table('wanted')} (group_id, reference, member_id, member_kind, whole)
    select distinct on (g.object_id, m.reference) g.object_id, m.reference, o.object_id, o.kind, true
    from ${table('member')} m
    join ${table('object')} g on g.kind = 'group' and g.external_id = m.group_external_id
    left join ${table('object')} o on o.reference = m.reference and ${usable}
    where m.part <> 'removed' and g.error_code is null and g.conflict_code is null and g.object_id is not null`.execute(
    store.db,
  );
  for (const column of [sql.raw('reference'), sql.raw('alias')]) {
    await sql`
      insert into ${table('wanted')} (group_id, reference, whole)
      select distinct x.group_id, x.reference, false
      from ${table('object')} o
      left join link l on l.sync_serial = ${sync.serial} and l.kind = o.kind and l.external_id = o.external_id
      join membership_link x on x.sync_serial = ${sync.serial} and x.reference in (o.${column}, l.${column})
      where o.kind in ('user', 'group') and o.reference is not null and (l.${column} is distinct from o.${column} or l.state <> 'live')
        and ${isReadAnew(context)}`.execute(store.db);
  }
  await sql`
    insert into ${table('wanted')} (group_id, reference, whole)
    select distinct x.group_id, x.reference, false
    from (${formerNames(context)}) f
    join membership_link x on x.sync_serial = ${sync.serial} and x.reference = f.reference
    where ${isReadAnew(context)}`.execute(store.db);
  await nameMembersOfTouched(context);
  await indexStagingTable(context, 'wanted', '(group_id, reference)');
  await analyzeStaged(context, 'wanted');
}

/** Another ingress sync feeds the object too. */
function isFedElsewhere({ sync }: StagingContext, objectId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (
    select 1 from link o join sync s on s.serial = o.sync_serial
    where o.object_id = ${objectId} and o.sync_serial <> ${sync.serial} and o.state = 'live' and s.direction = 'ingress')`;
}

/** Users and groups that the plan is going to delete: whoever names one names nobody. */
async function noteLeaving(context: StagingContext): Promise<void> {
  const { store, sync, table } = context;
  if (sync.onMissing !== 'delete') return;
  const { numAffectedRows } = await sql`
    insert into ${table('leaving')} (reference, object_id)
    select r.reference, l.object_id
    from ${table('missing')} m
    join link l on l.sync_serial = ${sync.serial} and l.kind = m.kind and l.external_id = m.external_id
    cross join lateral unnest(array[l.reference, l.alias]) as r (reference)
    where m.kind in ('user', 'group') and not ${isFedElsewhere(context, sql`l.object_id`)}`.execute(store.db);
  if (Number(numAffectedRows) > 0) await analyzeStaged(context, 'leaving');
}

/**
 * Resolves what is named, staged objects before linked ones, and of these who is gone last: somebody else may have the
 * name by now. One statement for each way, so that each has good statistics.
 */
async function resolveWanted(context: StagingContext): Promise<void> {
  const { store, sync, table } = context;
  await nameWanted(context);
  await noteLeaving(context);
  for (const column of [sql.raw('reference'), sql.raw('alias')]) {
    await sql`
      update ${table('wanted')} w set member_id = o.object_id, member_kind = o.kind
      from ${table('object')} o where w.member_id is null and o.${column} = w.reference and ${usable}`.execute(
      store.db,
    );
    for (const state of ['live', 'missing']) {
      await sql`
        update ${table('wanted')} w set member_id = l.object_id, member_kind = l.kind
        from link l
        where w.member_id is null and l.sync_serial = ${sync.serial} and l.${column} = w.reference and l.kind in ('user', 'group')
          and l.state = ${state}
          and not exists (
            select 1 from ${table('object')} o where o.kind = l.kind and o.external_id = l.external_id and o.reference is not null)
          and not exists (select 1 from ${table('leaving')} g where g.object_id = l.object_id)`.execute(
        store.db,
      );
    }
  }
  await indexStagingTable(context, 'wanted', '(group_id, member_id)');
  await analyzeStaged(context, 'wanted');
}

/** The last ordinal of the plan so far, at least the one before `first`; late ones have none of their own yet. */
export async function lastOrdinal(
  { store, job }: StagingContext,
  first: number,
  executor: Executor = store.db,
): Promise<number> {
  const { rows } = await sql<{ last: number | null }>`
    select max(ordinal) as last from change
    where job_serial = ${job.serial} and ordinal >= ${first} and ordinal <= ${lateOrdinal}`.execute(executor);
  return rows[0]?.last ?? first - 1;
}

/** Plans what groups got; that one names itself is no membership. */
async function addOnIngress(context: StagingContext, first: number): Promise<void> {
  const { job, sync, table } = context;
  await resolveWanted(context);
  await insertPlanned(context, (trx) =>
    sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, member_id, member_kind, external_id, label, result, error_code, error_message)
    select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by w.group_id, w.reference), 'membership',
      case when w.member_id is not null and e.group_id is not null then 'bind' else 'addMember' end,
      w.group_id, w.member_id, w.member_kind, w.reference, ${label},
      case when w.member_id is null then 'skipped' end,
      case when w.member_id is null then 'ReferenceNotFound' end,
      case when w.member_id is null then format('the member %s is not in the directory; it is added as soon as it is', w.reference) end
    from (
      select distinct on (w.group_id, coalesce(w.member_id, w.reference)) w.* from ${table('wanted')} w
      where w.member_id is distinct from w.group_id
      order by w.group_id, coalesce(w.member_id, w.reference), w.reference
    ) w
    left join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = w.group_id and x.reference = w.reference
    left join membership e on e.group_id = w.group_id and e.member_id = w.member_id
    ${labelJoins(context)}
    where case
      when w.member_id is null then x.group_id is null
      when e.group_id is null then true
      else not exists (select 1 from membership_link y where y.sync_serial = ${sync.serial} and y.group_id = w.group_id and y.member_id = w.member_id)
    end`.execute(trx),
  );
}

/**
 * For the rest of a transaction that compares all memberships in scope: joins of whole tables, since the planner takes
 * memberships whose both ends are in scope for rare. By hash, since a merge by an index on the group alone compares
 * each member of a large group with each other.
 */
export async function joinWhole(trx: Executor): Promise<void> {
  await sql`select set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true)`.execute(
    trx,
  );
}

async function addOnEgress(context: StagingContext, first: number): Promise<void> {
  const { job, sync, table } = context;
  // By a list of the groups: joined to them a membership of any tenant would be read.
  const memberships = sql`(
    select * from membership where group_id = any (array(select object_id from ${table('source')} where kind = 'group')))`;
  // Name by name, so that each is a join of whole tables: looked up by all of them a member would be compared with every
  // other one of its group.
  const foundAs = (alias: string, name: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    left join (select distinct group_external_id, reference from ${table('member')}) ${sql.raw(alias)}
      on g.has_members and ${sql.raw(alias)}.group_external_id = g.external_id and ${sql.raw(alias)}.reference = ${name}`;
  const found = sql`least(t1.reference, t2.reference, t3.reference)`;
  // A group that is as it was is not read: of an entry that is bound to another object it has what its link knows.
  const present = sql`coalesce(${found}, case when x.group_id is null and g.has_members is not true and o.reference is not null then (
    select y.reference from membership_link y
    where y.sync_serial = ${sync.serial} and y.group_id = m.group_id and y.reference = o.reference and sg.external_id is not null and not sg.vanished) end)`;
  await insertPlanned(context, async (trx) => {
    await joinWhole(trx);
    await sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, member_id, member_kind, external_id, label)
    select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by m.group_id, m.member_id), 'membership',
      case when x.group_id is null and ${present} is not null then 'bind' else 'addMember' end,
      m.group_id, m.member_id, m.member_kind, coalesce(x.reference, ${present}, l.reference), sg.label || ' < ' || sm.label
    from ${memberships} m
    join ${table('source')} sg on sg.kind = 'group' and sg.object_id = m.group_id and sg.conflict_code is null
    join ${table('source')} sm on sm.kind = m.member_kind and sm.object_id = m.member_id and sm.conflict_code is null
    left join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = m.group_id and x.member_id = m.member_id
    left join link l on l.sync_serial = ${sync.serial} and l.object_id = m.member_id
    left join ${table('object')} g on g.kind = 'group' and g.object_id = m.group_id and (g.linked or g.settled)
    left join ${table('object')} o on o.kind = sm.kind and o.object_id = m.member_id and (o.linked or o.settled)
    ${foundAs('t1', sql`coalesce(o.reference, l.reference)`)}
    ${foundAs('t2', sql`coalesce(o.alias, l.alias)`)}
    ${foundAs('t3', sql`x.reference`)}
    where x.group_id is null or (g.has_members and ${found} is null)
      or exists (
        select 1 from change c where c.job_serial = ${job.serial} and c.object_id = m.group_id and c.kind = 'group' and c.verb = 'create')`.execute(
      trx,
    );
  });
}

/** Plans additions of members; returns the last ordinal used. */
export async function planAddedMembers(context: StagingContext, first: number): Promise<number> {
  if (context.sync.direction === 'egress') {
    await indexStagingTable(context, 'member', '(group_external_id, reference)');
    await addOnEgress(context, first);
  } else {
    await indexLost(context);
    await addOnIngress(context, first);
  }
  return lastOrdinal(context, first);
}

/** Ingress: memberships that this sync no longer gives, and none other does either; and those of users about to be deleted. */
function goneOnIngress(context: StagingContext): RawBuilder<unknown> {
  const { sync, table } = context;
  const supportedElsewhere = sql`exists (
    select 1 from membership_link y join sync s on s.serial = y.sync_serial and s.direction = 'ingress'
    where y.group_id = x.group_id and y.member_id = x.member_id and y.sync_serial <> ${sync.serial})`;
  return sql`
    select x.group_id, x.member_id, x.reference
    from membership_link x
    where x.sync_serial = ${sync.serial} and x.member_id is not null
      and (
        exists (select 1 from ${table('object')} g where g.kind = 'group' and g.object_id = x.group_id and g.has_members and g.error_code is null)
          and not exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.reference = x.reference and w.member_id = x.member_id)
        or exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.reference = x.reference and not w.whole and w.member_id is distinct from x.member_id)
        or ${isLost(context, 'x')}
        or x.group_id in (${groupsLeftToOthers(context)})
      )
      and not exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.member_id = x.member_id)
      and not ${supportedElsewhere}
    union
    select m.group_id, m.member_id, coalesce(x.reference, m.member_id)
    from membership m
    join ${table('missing')} g on g.object_id = m.member_id
    left join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = m.group_id and x.member_id = m.member_id
    where ${sync.onMissing === 'delete'}::boolean
      and not exists (select 1 from ${table('missing')} d where d.object_id = m.group_id)
      and not ${isFedElsewhere(context, sql`m.member_id`)}`;
}

/** Ingress: a membership goes with a group that was looked at again or is gone, with what is known of a reference, or with an object. */
async function mayLoseMembers(context: StagingContext): Promise<boolean> {
  const { store, table } = context;
  const { rows } = await sql<{ may: boolean }>`
    select exists (select from ${table('object')} where kind = 'group') or exists (select from ${table('member')})
      or exists (select from ${table('wanted')}) or exists (select from ${table('missing')})
      or exists (${groupsLeftToOthers(context)}) as may`.execute(store.db);
  return rows[0]?.may === true;
}

/**
 * Egress: memberships that this sync wrote or bound, and that the directory no longer has. An entry that was bound to
 * another object since is that one's member now, also where the former one left the scope as a member. A group whose
 * entry was written for one that is gone has that one's.
 */
export function goneOnEgress({
  job,
  sync,
  table,
}: Pick<StagingContext, 'table'> & {
  readonly job: Pick<StagingContext['job'], 'serial'>;
  readonly sync: Pick<StagingContext['sync'], 'serial' | 'onMissing'>;
}): RawBuilder<unknown> {
  // What a group bound anew has and what it shall have are sets of their own: nobody is looked for among all the others.
  // Who else goes by a reference is one or none, and only then is it asked whether that one is a member.
  return sql`
    (with rebound as materialized (
      select c.object_id, l.object_id as former from change c
      join link l on l.sync_serial = ${sync.serial} and l.kind = 'group' and l.external_id = c.external_id and l.object_id <> c.object_id
      where c.job_serial = ${job.serial} and c.kind = 'group' and c.verb = 'bind' and c.result is null
    ), inherited as materialized (
      select b.object_id, b.former, x.reference from rebound b
      join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = b.former and x.member_id is not null
      except
      select b.object_id, b.former, o.reference from rebound b
      join membership m on m.group_id = b.object_id
      join ${table('object')} o on o.object_id = m.member_id and o.kind = m.member_kind
      where o.linked or o.settled
    )
    select i.object_id as group_id, x.member_id, x.reference from inherited i
    join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = i.former and x.reference = i.reference
    where not exists (select 1 from membership m where m.group_id = i.object_id and m.member_id = x.member_id))
    union all
    select x.group_id, x.member_id, x.reference from membership_link x
    join ${table('source')} sg on sg.kind = 'group' and sg.object_id = x.group_id and sg.conflict_code is null
    left join ${table('object')} g on g.kind = 'group' and g.external_id = sg.external_id
    where x.sync_serial = ${sync.serial} and x.member_id is not null
      and not exists (
        select 1 from ${table('object')} o
        where o.reference = x.reference and o.object_id <> x.member_id and (o.linked or o.settled) and exists (
          select 1 from membership m
          where m.group_id = x.group_id and m.member_id = o.object_id and m.member_kind = o.kind offset 0))
      and (
        not exists (select 1 from membership m where m.group_id = x.group_id and m.member_id = x.member_id)
        or x.member_id in (
          select l.object_id from ${table('object')} b
          join link l on l.sync_serial = ${sync.serial} and l.kind = b.kind and l.external_id = b.external_id
          where b.settled and b.object_id <> l.object_id)
        or ${sync.onMissing === 'delete'}::boolean and exists (select 1 from ${table('missing')} d where d.object_id = x.member_id))`;
}

/**
 * Egress: of members whose entry the plan binds to another object, that one: it may move the entry first, and the
 * removal then has to name it by its new place. Where that one is a member, nothing is removed: another hand may have
 * moved the entry, so that no reference told whose it is.
 */
function asBound({ sync, table }: StagingContext, gone: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select x.group_id, coalesce(o.object_id, x.member_id) as member_id, x.reference from (${gone}) x
    left join link l on l.sync_serial = ${sync.serial} and l.object_id = x.member_id
    left join ${table('object')} o on o.kind = l.kind and o.external_id = l.external_id and o.settled
    where not exists (select 1 from membership m where m.group_id = x.group_id and m.member_id = o.object_id)`;
}

/** Plans removals of members; where absence means nothing they wait. Returns the last ordinal used. */
export async function planRemovedMembers(
  context: StagingContext,
  first: number,
  absence: Absence,
): Promise<number> {
  const { job, sync, table } = context;
  if (sync.direction === 'ingress' && !(await mayLoseMembers(context))) return first - 1;
  const complete = absence !== 'nothing';
  // Else the group still names the reference: it waits for the one who comes by it.
  const released =
    sync.direction === 'egress'
      ? sql`true`
      : sql`(${isLost(context, 'w')} or w.group_id in (${groupsLeftToOthers(context)})
          or exists (select 1 from ${table('object')} g where g.kind = 'group' and g.object_id = w.group_id and g.has_members and g.error_code is null)
            and not exists (select 1 from ${table('wanted')} v where v.group_id = w.group_id and v.reference = w.reference))`;
  const gone =
    sync.direction === 'ingress' ? goneOnIngress(context) : asBound(context, goneOnEgress(context));
  await insertPlanned(context, (trx) =>
    sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, member_id, member_kind, external_id, releases_link, label,
      result, error_code, error_message)
    select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by w.group_id, w.reference), 'membership', 'removeMember',
      w.group_id, w.member_id, case when w.member_id like 'group\_%' then 'group' else 'user' end, w.reference, ${released}, ${label}, ${complete ? null : 'skipped'}::text, ${complete ? null : 'IncompleteRead'}::text,
      ${complete ? null : 'the read was not complete: nothing is taken away'}::text
    from (select group_id, member_id, min(reference) as reference from (${gone}) g group by group_id, member_id) w
    ${labelJoins(context)}`.execute(trx),
  );
  return lastOrdinal(context, first);
}

/** Of so many memberships looking each up costs more than reading all that there are, the more so in one large group. */
const many = 1000;

/** Whether many memberships are named anew, or known of groups that were looked at again or are left to others. */
async function comparesMany(context: StagingContext, trx: Executor): Promise<boolean> {
  const { sync, table } = context;
  const { rows } = await sql<{ compares: boolean }>`
    select count(*) = ${many} as compares from (
      select from ${table('wanted')}
      union all
      select from ${table('object')} g
      join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = g.object_id
      where g.kind = 'group' and g.has_members
      union all
      select from membership_link x
      where x.sync_serial = ${sync.serial} and x.group_id in (${groupsLeftToOthers(context)})
      limit ${many}) m`.execute(trx);
  return rows[0]?.compares === true;
}

/**
 * Ingress: brings what is known of the references of groups up to date. A member that goes by another reference now is
 * known by that one, since the old one may come to name somebody else; a reference that its group no longer has is
 * forgotten, unless a membership is removed for it; one that resolves to nothing yet is kept until its object comes.
 */
export async function writeWaitingMembers(
  context: StagingContext,
  trx: Transaction<Database>,
): Promise<void> {
  const { sync, job, table } = context;
  if (sync.direction === 'egress') return;
  if (await comparesMany(context, trx)) await joinWhole(trx);
  // Never of one that resolves to nothing; to ask for that beside it would make a join a look at each by itself.
  const isTakenAway = sql`exists (
    select 1 from change c where c.job_serial = ${job.serial} and c.kind = 'membership' and c.verb = 'removeMember'
      and c.object_id = x.group_id and c.member_id = x.member_id)`;
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select distinct on (w.group_id, w.member_id) ${sync.serial}::bigint, w.group_id, w.reference, w.member_id
    from ${table('wanted')} w
    where w.member_id is not null
      and exists (select 1 from membership_link x where x.sync_serial = ${sync.serial} and x.group_id = w.group_id and x.member_id = w.member_id)
      and not exists (
        select 1 from ${table('wanted')} v join membership_link x
          on x.sync_serial = ${sync.serial} and x.group_id = v.group_id and x.reference = v.reference and x.member_id = v.member_id
        where v.group_id = w.group_id and v.member_id = w.member_id)
      and exists (select 1 from membership m where m.group_id = w.group_id and m.member_id = w.member_id)
    order by w.group_id, w.member_id, w.reference
    on conflict (sync_serial, group_id, reference) do update set member_id = excluded.member_id`.execute(trx);
  // Nobody goes by the old one: it waits.
  await sql`
    update membership_link x set member_id = null
    from ${table('wanted')} w join ${table('wanted')} v on v.group_id = w.group_id and v.member_id is not null
    where x.sync_serial = ${sync.serial} and x.group_id = w.group_id and x.reference = w.reference and w.member_id is null
      and x.member_id = v.member_id`.execute(trx);
  await sql`
    delete from membership_link x using ${table('object')} g
    where x.sync_serial = ${sync.serial} and g.kind = 'group' and g.object_id = x.group_id and g.has_members and g.error_code is null
      and not exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.reference = x.reference)
      and not ${isTakenAway}`.execute(trx);
  await sql`
    delete from membership_link x
    where x.sync_serial = ${sync.serial} and x.group_id in (${groupsLeftToOthers(context)})
      and not ${isTakenAway}`.execute(trx);
  await sql`
    delete from membership_link x
    where x.sync_serial = ${sync.serial} and ${isLost(context, 'x')} and not ${isTakenAway}`.execute(trx);
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select distinct ${sync.serial}::bigint, w.group_id, w.reference, null::text from ${table('wanted')} w where w.member_id is null
    on conflict do nothing`.execute(trx);
}

/**
 * Ingress: a job of a part, and one that applies a held plan, notes no references: the groups that it writes are looked
 * at again, or nobody would know who waits, and whose name has passed on.
 */
export async function unsettleGroups(
  { job, sync }: StagingContext,
  trx: Transaction<Database>,
): Promise<void> {
  if (sync.direction === 'egress') return;
  await sql`update change set fingerprint = null where job_serial = ${job.serial} and kind = 'group'`.execute(
    trx,
  );
  // Of others it writes members alone: should the source take these back at once, the group would be what it was when it was read last.
  await sql`
    update link l set fingerprint = null
    where l.sync_serial = ${sync.serial} and l.kind = 'group' and l.object_id in (
      select c.object_id from change c where c.job_serial = ${job.serial} and c.kind = 'membership' and c.result is null)`.execute(
    trx,
  );
}

/**
 * How many memberships stay as they are: those known of groups that are there, or that an entry is bound to (a run of a
 * part may have bound their members before), less those that the plan takes away or writes anew, and those that go with
 * their group.
 */
export async function countSameMemberships({ store, job, sync, table }: StagingContext): Promise<number> {
  // Ingress: no longer given by this sync, and kept since another one gives it too.
  const leftToOthers = sql`(
    x.group_id in (
      select g.object_id from ${table('object')} g
      where g.kind = 'group' and g.object_id is not null and g.has_members and g.error_code is null)
    and not exists (select 1 from ${table('wanted')} w where w.group_id = x.group_id and w.member_id = x.member_id))`;
  // Egress: the entry is another member's from now on, or goes as another one's.
  const boundToOther = sql`exists (
    select 1 from change c
    where c.job_serial = ${job.serial} and c.kind = 'membership' and c.verb in ('bind', 'removeMember')
      and c.object_id = x.group_id and c.external_id = x.reference)`;
  // Egress: the entry is bound to one who is known as a member already, by an entry that vanished, or whose membership
  // the plan writes.
  const boundTo = (known: RawBuilder<unknown>): RawBuilder<unknown> => sql`exists (
    select 1 from change c
    join link e on e.sync_serial = ${sync.serial} and e.kind = c.kind and e.external_id = c.external_id and e.object_id <> c.object_id
    join ${known} on y.member_id = c.object_id
    where c.job_serial = ${job.serial} and c.kind in ('user', 'group') and c.verb = 'bind'
      and e.object_id = x.member_id and y.group_id = x.group_id)`;
  const boundToMember = boundTo(
    sql`(select k.group_id, k.member_id from membership_link k where k.sync_serial = ${sync.serial}) y`,
  );
  const boundAnew = boundTo(sql`(
    select w.object_id as group_id, w.member_id from change w where w.job_serial = ${job.serial} and w.kind = 'membership') y`);
  // Its entry is another group's from now on.
  const rebound = sql`exists (
    select 1 from change c
    where c.job_serial = ${job.serial} and c.kind = 'group' and c.verb = 'bind' and c.external_id = l.external_id and c.object_id <> l.object_id)`;
  return store.transaction(async (trx) => {
    await joinWhole(trx);
    const { rows } = await sql<{ same: number }>`
      select count(*)::int as same from membership_link x
      where x.sync_serial = ${sync.serial} and x.member_id is not null
        and x.group_id in (
          select l.object_id from link l
          where l.sync_serial = ${sync.serial} and l.kind = 'group' and l.state = 'live' and not ${rebound}
            and not exists (select 1 from ${table('missing')} m where m.object_id = l.object_id)
            and not exists (
              select 1 from change c
              where c.job_serial = ${job.serial} and c.kind = 'group' and c.verb = 'delete' and c.object_id = l.object_id)
          union all
          select c.object_id from change c
          where c.job_serial = ${job.serial} and c.kind = 'group' and c.verb = 'bind' and c.result is null)
        and not exists (
          select 1 from change c
          where c.job_serial = ${job.serial} and c.kind = 'membership' and c.object_id = x.group_id and c.member_id = x.member_id)
        and ${sync.direction === 'ingress' ? sql`not ${leftToOthers}` : sql`not ${boundToOther} and not ${boundToMember} and not ${boundAnew}`}`.execute(
      trx,
    );
    return rows[0]?.same ?? 0;
  });
}
