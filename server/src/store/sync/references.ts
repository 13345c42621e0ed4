import { sql } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { referenceAttributes } from '../../directory/references.ts';
import { pendingPrefix, referencesAttribute } from '../../sync/references.ts';
import { lastOrdinal } from './members.ts';
import { insertPlanned } from './insert-planned.ts';
import type { StagingContext } from './staging-tables.ts';

/**
 * Ingress, after matching: what staged objects name by reference they name by id from here on, staged objects before
 * linked ones. One that names something which is not there is looked at again by the next run.
 */
export async function resolveReferences(
  { store, sync, table }: StagingContext,
  kinds: readonly ObjectKind[],
): Promise<void> {
  for (const kind of kinds) {
    for (const name of referenceAttributes[kind]) {
      await sql`
        update ${table('object')} o
        set attributes = case when r.ids is null then o.attributes - ${name}::text else o.attributes || jsonb_build_object(${name}::text, r.ids) end,
          fingerprint = case when r.resolved then o.fingerprint end
        from (
          select w.external_id, jsonb_agg(f.object_id order by v.position) filter (where f.object_id is not null) as ids,
            bool_and(f.object_id is not null) as resolved
          from ${table('object')} w
          cross join lateral jsonb_array_elements_text(w.attributes -> ${name}::text) with ordinality as v (reference, position)
          left join lateral (
            select coalesce((
              select s.object_id from ${table('object')} s
              where s.reference = v.reference and s.kind in ('user', 'group') and s.object_id is not null
                and (s.linked or s.error_code is null and s.conflict_code is null) limit 1
            ), (
              select l.object_id from link l
              where l.sync_serial = ${sync.serial} and l.reference = v.reference and l.kind in ('user', 'group')
                and not exists (
                  select 1 from ${table('object')} s where s.kind = l.kind and s.external_id = l.external_id and s.reference is not null)
              limit 1
            )) as object_id
          ) f on true
          where w.kind = ${kind} and w.attributes ? ${name}::text
          group by w.external_id
        ) r where o.kind = ${kind} and o.external_id = r.external_id`.execute(store.db);
    }
  }
}

/** Egress: one update for each object that the plan creates and that names others which it creates as well. */
export async function planPendingReferences(context: StagingContext, first: number): Promise<number> {
  const { job } = context;
  await insertPlanned(context, (trx) =>
    sql`
      insert into change (job_serial, ordinal, kind, verb, object_id, label, before, after, scope)
      select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by c.ordinal), c.kind, 'update', c.object_id, c.label,
        p.before, p.after || jsonb_build_object(${referencesAttribute}::text, p.names), c.scope
      from change c
      cross join lateral (
        select jsonb_object_agg(substr(e.key, ${pendingPrefix.length + 1}), e.value) as after,
          jsonb_object_agg(substr(e.key, ${pendingPrefix.length + 1}), '[]'::jsonb) as before,
          jsonb_agg(substr(e.key, ${pendingPrefix.length + 1})) as names
        from jsonb_each(c.after) e where starts_with(e.key, ${pendingPrefix})
      ) p
      where c.job_serial = ${job.serial} and c.verb = 'create' and c.result is null and p.after is not null`.execute(
      trx,
    ),
  );
  return lastOrdinal(context, first);
}
