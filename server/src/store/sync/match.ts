import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Absence } from '../../sync/sync-store.ts';
import { isFree } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

/**
 * Verdicts over (record, rule, value) and (rule, value, candidate): the first rule that finds something decides.
 * Records that share a value are conflicts, all of them, whatever their order. User names are the exception while
 * nobody in the directory has the name: then the first by key takes it, and the others are told (see usernames).
 */
function verdicts(
  records: RawBuilder<unknown>,
  candidates: RawBuilder<unknown>,
  rules: readonly string[],
): RawBuilder<unknown> {
  return sql`
    record as (${records}), candidate as (${candidates}),
    shared as (select rule, value, count(*) as records from record group by rule, value having count(*) > 1),
    weighed as (
      select r.id, r.rule, count(distinct c.candidate_id) as candidates, min(c.candidate_id) as candidate_id,
        string_agg(distinct c.label, ', ' order by c.label) as labels, min(r.value) filter (where s.rule is not null) as shared_value,
        max(s.records) as sharers
      from record r
      left join candidate c on c.rule = r.rule and c.value = r.value
      left join shared s on s.rule = r.rule and s.value = r.value
      group by r.id, r.rule
    ),
    verdict as (
      select distinct on (w.id) w.id, w.rule,
        case when w.candidates = 1 and w.sharers is null then w.candidate_id end as candidate_id,
        case
          when w.sharers is not null then format('%s records share the %s "%s"', w.sharers, n.name, w.shared_value)
          when w.candidates > 1 then format('several objects match by %s: %s', n.name, left(w.labels, 500))
        end as conflict
      from weighed w
      join unnest(${rules}::text[]) with ordinality as n (name, position) on n.position = w.rule + 1
      where w.candidates > 0 or (w.sharers is not null and n.name <> 'username')
      order by w.id, w.rule
    )`;
}

/** Directory objects by match value, of those without a live link in this connection and direction. */
function directoryCandidates(
  context: StagingContext,
  kind: ObjectKind,
  rules: readonly string[],
  absence: Absence,
): RawBuilder<unknown> {
  const { sync, table } = context;
  const parts: RawBuilder<unknown>[] = [];
  const free = isFree(context, absence);
  const directory = {
    user: sql.raw('directory_user'),
    group: sql.raw('directory_group'),
    organizationalUnit: sql.raw('organizational_unit'),
  }[kind];
  const label = sql.raw(kind === 'user' ? 'd.username' : 'd.name');
  rules.forEach((rule, index) => {
    if (rule === 'path') return;
    const own = (kind === 'user' && rule === 'username') || (kind !== 'user' && rule === 'name');
    parts.push(
      own
        ? sql`select m.rule, m.value, d.id as candidate_id, ${label} as label
            from (select distinct rule, value from ${table('match_value')} where kind = ${kind} and rule = ${index}) m
            join ${directory} d on d.tenant_id = ${sync.tenantId} and ${sql.raw(kind === 'user' ? 'd.username_key' : 'd.name_key')} = m.value
            where ${free}`
        : sql`select m.rule, m.value, d.id as candidate_id, ${label} as label
            from (select distinct rule, value from ${table('match_value')} where kind = ${kind} and rule = ${index}) m
            join match_key x on x.tenant_id = ${sync.tenantId} and x.kind = ${kind} and x.attribute = ${rule} and x.value = m.value
            join ${directory} d on d.id = x.object_id
            where ${free}`,
    );
  });
  return sql.join(parts, sql` union `);
}

/** Ingress: unlinked staged objects against the directory. */
export async function matchIngressKind(
  context: StagingContext,
  kind: ObjectKind,
  rules: readonly string[],
  absence: Absence,
): Promise<void> {
  const { store, table } = context;
  if (rules.every((rule) => rule === 'path')) return;
  const records = sql`select external_id as id, rule, value from ${table('match_value')} where kind = ${kind}`;
  await sql`
    with ${verdicts(records, directoryCandidates(context, kind, rules, absence), rules)}
    update ${table('object')} o
    set matched_by = case when v.conflict is null then v.rule end,
      object_id = coalesce(v.candidate_id, o.object_id),
      conflict_code = case when v.conflict is not null then 'AmbiguousMatch' end,
      conflict_message = v.conflict
    from verdict v where o.kind = ${kind} and o.external_id = v.id`.execute(store.db);
  await sql`
    update ${table('object')} o
    set conflict_code = 'AmbiguousMatch', matched_by = null, object_id = null,
      conflict_message = format('%s records match the same object', t.records)
    from (
      select object_id, count(*) as records from ${table('object')}
      where kind = ${kind} and matched_by is not null group by object_id having count(*) > 1
    ) t
    where o.kind = ${kind} and o.object_id = t.object_id and o.matched_by is not null`.execute(store.db);
}

/**
 * User names are unique in a tenant: of several records that want one, the one that has it keeps it, else the first by
 * key gets it; a name that another user has is refused unless that user gives it up in this very run.
 */
export async function refuseTakenUsernames({ store, sync, table }: StagingContext): Promise<void> {
  await sql`
    with wanting as (
      select o.external_id, o.object_id, o.name_key, o.name,
        row_number() over (partition by o.name_key
          order by (d.id is not null and d.username_key = o.name_key) desc, o.external_id) as place,
        first_value(o.label) over (partition by o.name_key
          order by (d.id is not null and d.username_key = o.name_key) desc, o.external_id) as winner
      from ${table('object')} o left join directory_user d on d.id = o.object_id
      where o.kind = 'user' and o.error_code is null and o.conflict_code is null
    ), refused as (
      select w.external_id,
        case when h.id is null then format('another record of this run has the user name "%s"', w.name)
          else format('the user "%s" (%s) has this user name', h.username, h.id) end as message
      from wanting w
      left join directory_user h on h.tenant_id = ${sync.tenantId} and h.username_key = w.name_key and h.id <> w.object_id
        and not exists (
          select 1 from ${table('object')} g where g.kind = 'user' and g.object_id = h.id and g.error_code is null
            and g.conflict_code is null and g.name_key <> h.username_key)
      where w.place > 1 or h.id is not null
    )
    update ${table('object')} o set conflict_code = 'UsernameTaken', conflict_message = r.message
    from refused r where o.kind = 'user' and o.external_id = r.external_id`.execute(store.db);
}

/** Egress: directory objects without a link, or whose entry has vanished, against unlinked entries of the target. */
export async function matchEgressKind(
  context: StagingContext,
  kind: ObjectKind,
  rules: readonly string[],
): Promise<void> {
  const { store, table } = context;
  if (rules.every((rule) => rule === 'path')) return;
  const records = sql`select object_id as id, rule, value from ${table('source_match')} where kind = ${kind}`;
  const candidates = sql`
    select m.rule, m.value, m.external_id as candidate_id, o.label from ${table('match_value')} m
    join ${table('object')} o on o.kind = m.kind and o.external_id = m.external_id
    where m.kind = ${kind} and not o.linked and o.error_code is null`;
  await sql`
    with ${verdicts(records, candidates, rules)}
    update ${table('source')} s
    set matched_by = case when v.conflict is null then v.rule end, matched_external_id = v.candidate_id,
      conflict_code = case when v.conflict is not null then 'AmbiguousMatch' end, conflict_message = v.conflict
    from verdict v where s.kind = ${kind} and s.object_id = v.id`.execute(store.db);
  await sql`
    update ${table('source')} s
    set conflict_code = 'AmbiguousMatch', matched_by = null, matched_external_id = null,
      conflict_message = format('%s objects match the same entry of the target', t.records)
    from (
      select matched_external_id, count(*) as records from ${table('source')}
      where kind = ${kind} and matched_external_id is not null group by matched_external_id having count(*) > 1
    ) t
    where s.kind = ${kind} and s.matched_external_id = t.matched_external_id`.execute(store.db);
}
