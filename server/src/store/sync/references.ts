import { sql } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { pendingPrefix, presentPrefix, referencesAttribute } from '../../sync/references.ts';
import { lateOrdinal } from '../../sync/sync-store.ts';
import type { PlannedReferences } from '../../sync/sync-store.ts';
import type { Executor } from '../store.ts';
import { lastOrdinal } from './members.ts';
import { insertPlanned } from './insert-planned.ts';
import type { StagingContext } from './staging-tables.ts';

/** Egress: one update for each object that the plan creates and that names others which it creates or binds. */
async function planForCreated({ job }: StagingContext, trx: Executor, first: number): Promise<void> {
  await sql`
    insert into change (job_serial, ordinal, kind, verb, object_id, label, before, after, scope, follows)
    select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by c.ordinal), c.kind, 'update', c.object_id, c.label,
      p.before, p.after || jsonb_build_object(${referencesAttribute}::text, p.names), c.scope, true
    from change c
    cross join lateral (
      select jsonb_object_agg(substr(e.key, ${pendingPrefix.length + 1}), e.value) as after,
        jsonb_object_agg(substr(e.key, ${pendingPrefix.length + 1}), '[]'::jsonb) as before,
        jsonb_agg(substr(e.key, ${pendingPrefix.length + 1})) as names
      from jsonb_each(c.after) e where starts_with(e.key, ${pendingPrefix})
    ) p
    where c.job_serial = ${job.serial} and c.verb = 'create' and c.result is null and p.after is not null`.execute(
    trx,
  );
}

/** Late updates of entries which name already what is bound by now. */
async function dropKnown({ sync, job, table }: StagingContext, trx: Executor): Promise<void> {
  const wanted = sql`
    select array_agg(distinct coalesce(x.reference, o.reference)) from jsonb_array_elements_text(c.after -> n.name) e (id)
    left join link x on x.sync_serial = ${sync.serial} and x.object_id = e.id and x.state = 'live'
      and not exists (select 1 from ${table('source')} i where i.object_id = e.id and i.vanished)
    left join ${table('object')} o on o.object_id = e.id and o.kind in ('user', 'group') and (o.linked or o.settled)`;
  const present = sql`
    select array_agg(distinct e.reference) from jsonb_array_elements_text(c.before -> (${presentPrefix} || n.name)) e (reference)`;
  await sql`
    delete from change c
    where c.job_serial = ${job.serial} and c.ordinal > ${lateOrdinal} and not exists (
      select 1 from jsonb_array_elements_text(c.after -> ${referencesAttribute}) n (name)
      where (${wanted}) is distinct from (${present}))`.execute(trx);
}

/** Gives the late updates that are left their numbers; returns whom the plan changes in nothing else. */
async function numberLate({ job }: StagingContext, trx: Executor, first: number): Promise<ObjectCounts> {
  const { rows } = await sql<{ kind: ObjectKind; count: number }>`
    with late as (
      select c.ordinal, ${first}::bigint - 1 + row_number() over (order by c.ordinal) as number,
        (select jsonb_object_agg(e.key, e.value) from jsonb_each(c.before) e where not starts_with(e.key, ${presentPrefix})) as before
      from change c where c.job_serial = ${job.serial} and c.ordinal > ${lateOrdinal}
    ), numbered as (
      update change c set ordinal = l.number, before = l.before, follows = exists (
        select 1 from change m
        where m.job_serial = c.job_serial and m.kind = c.kind and m.object_id = c.object_id and m.ordinal < ${first}::bigint
          and m.verb <> 'bind' offset 0)
      from late l
      where c.job_serial = ${job.serial} and c.ordinal = l.ordinal returning c.kind, c.object_id
    )
    select n.kind, count(*)::int as count from numbered n
    where not exists (
      select 1 from change c where c.job_serial = ${job.serial} and c.ordinal < ${first}::bigint and c.kind = n.kind and c.object_id = n.object_id)
    group by n.kind`.execute(trx);
  const counts: ObjectCounts = { organizationalUnit: 0, user: 0, group: 0 };
  for (const { kind, count } of rows) counts[kind] = count;
  return counts;
}

type ObjectCounts = Record<ObjectKind, number>;

/** Egress: see `Staging.planPendingReferences`. */
export async function planPendingReferences(
  context: StagingContext,
  first: number,
): Promise<PlannedReferences> {
  const unchanged = await insertPlanned(context, async (trx) => {
    await planForCreated(context, trx, first);
    await dropKnown(context, trx);
    return numberLate(context, trx, (await lastOrdinal(context, first, trx)) + 1);
  });
  return { last: await lastOrdinal(context, first), unchanged };
}
