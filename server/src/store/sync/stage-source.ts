import { sql } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson } from '../../directory/attributes.ts';
import type { JsonAttributes } from '../../directory/attributes.ts';
import type { Absence, SourceFilter, SubtreeScope } from '../../sync/sync-store.ts';
import { preferKeyLookups } from './key-lookups.ts';
import { indexStagingTable } from './staging-indexes.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { directoryTables, unseen } from './staging-tables.ts';
import type { SeenTally } from './seen-keys.ts';
import type { StagingContext, StagingPlace } from './staging-tables.ts';

/** Egress: names the directory objects in scope. One statement a kind, so that each is one view of the directory. */
export async function stageSource(
  context: StagingPlace & { readonly sync: Pick<StagingContext['sync'], 'serial' | 'tenantId'> },
  scopes: readonly SubtreeScope[],
  kinds: readonly ObjectKind[],
  filter: SourceFilter | null,
): Promise<Record<ObjectKind, number>> {
  const { store, sync, table } = context;
  for (const { index, organizationalUnitId } of scopes) {
    await sql`
      insert into ${table('source_unit')} (unit_id, scope, depth)
      with recursive tree (unit_id, depth) as (
        select ${organizationalUnitId ?? ''}::text collate "C", -1
        union all
        select u.id, t.depth + 1 from tree t
        join organizational_unit u on u.tenant_id = ${sync.tenantId} and u.parent_key = t.unit_id
      ) select unit_id, ${index}, depth from tree`.execute(store.db);
  }
  const counts: Record<ObjectKind, number> = { organizationalUnit: 0, user: 0, group: 0 };
  for (const kind of kinds) {
    const place =
      kind === 'organizationalUnit'
        ? sql`d.id = t.unit_id and t.depth >= 0`
        : sql`coalesce(d.parent_id, '') = t.unit_id`;
    await sql`
      insert into ${table('source')} (kind, object_id, label, scope, depth, external_id, needs)
      select ${kind}, d.id, d.${directoryTables[kind].name}, t.scope, ${sql.raw(kind === 'organizationalUnit' ? 't.depth' : '0')}, l.external_id,
        coalesce(l.object_revision <> d.revision or l.state <> 'live' or l.fingerprint is null, true)
      from ${table('source_unit')} t
      join ${directoryTables[kind].table} d on d.tenant_id = ${sync.tenantId} and ${place}
      left join link l on l.sync_serial = ${sync.serial} and l.object_id = d.id`.execute(store.db);
  }
  await indexStagingTable(context, 'source', '(object_id)');
  await analyzeStaged(context, 'source');
  for (const kind of kinds) {
    if (filter && kind !== 'organizationalUnit') await dropFiltered(context, kind, filter);
    const { rows } = await sql<{
      count: number;
    }>`select count(*)::int as count from ${table('source')} where kind = ${kind}`.execute(store.db);
    counts[kind] = rows[0]?.count ?? 0;
  }
  return counts;
}

/** Takes the objects out of scope that the sync's filter does not let pass. */
async function dropFiltered(
  { store, table }: StagingPlace,
  kind: ObjectKind,
  filter: SourceFilter,
): Promise<void> {
  let after = '';
  for (;;) {
    const { rows } = await sql<{ id: string; scope: number; attributes: JsonAttributes; groups: string[] }>`
      select d.id, s.scope, d.attributes,
        array(select m.group_id from membership m where m.member_id = d.id order by 1) as groups from (
        select object_id, scope from ${table('source')} where kind = ${kind} and object_id > ${after} order by object_id limit 2000
      ) s join ${directoryTables[kind].table} d on d.id = s.object_id order by d.id`.execute(store.db);
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
    const out = rows
      .filter((row) => {
        // What is no attribute, and conditions are made of all the same.
        const pseudo = { $kind: [kind], $groups: row.groups };
        return !filter.passes(kind, row.scope, { ...attributesFromJson(row.attributes), ...pseudo });
      })
      .map(({ id }) => id);
    if (out.length === 0) continue;
    await store.transaction(async (trx) => {
      await preferKeyLookups(trx);
      await sql`delete from ${table('source')} where kind = ${kind} and object_id = any (${out}::text[])`.execute(
        trx,
      );
    });
  }
}

/**
 * After the read: besides objects that changed or are not linked, those need a second look whose entry changed or was not seen.
 * What a read of everything did not see has vanished: whoever names it waits for its new entry.
 */
export async function markNeeds(context: StagingPlace, absence: Absence): Promise<void> {
  const { store, table } = context;
  // Two statements, each a join: a condition made of both would read all keys for each object, once they are too many
  // to be kept in memory.
  await sql`
    update ${table('source')} s set needs = true from ${table('object')} o
    where not s.needs and o.kind = s.kind and o.external_id = s.external_id`.execute(store.db);
  await sql`
    update ${table('source')} s set needs = true
    where not s.needs
      and not exists (select 1 from ${table('key')} k where k.kind = s.kind and k.external_id = s.external_id)`.execute(
    store.db,
  );
  if (absence === 'whole')
    await sql`
      update ${table('source')} s set vanished = true
      where s.needs and s.external_id is not null
        and not exists (select 1 from ${table('key')} k where k.kind = s.kind and k.external_id = s.external_id)`.execute(
      store.db,
    );
  await indexStagingTable(context, 'source', '(kind, depth, object_id) where needs');
  await analyzeStaged(context, 'source');
}

/** Whether the read brought everything that a link knows, which most reads do. */
export async function sawAll({ store, sync }: StagingContext, tally: SeenTally): Promise<boolean> {
  if (sync.direction === 'egress' || !tally.isEachOnce) return false;
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from link where sync_serial = ${sync.serial}`.execute(store.db);
  return rows[0]?.count === tally.linked;
}

/**
 * Names links whose source object is gone: not seen on ingress, not in scope on egress. Besides live links these are
 * links of objects that went while another policy held (`ignore`, say) and that the present one asks to treat.
 */
export async function stageMissing(
  context: StagingContext,
  kinds: readonly ObjectKind[],
  absence: Exclude<Absence, 'nothing'>,
  tally: SeenTally,
): Promise<void> {
  const { store, sync, table } = context;
  if (absence === 'whole' && (await sawAll(context, tally))) return;
  const gone =
    sync.direction === 'ingress'
      ? sql`${unseen(context, absence)}
        and not exists (select 1 from ${table('object')} o where o.object_id = l.object_id and (o.matched_by is not null or o.settled))`
      : sql`not exists (select 1 from ${table('source')} s where s.kind = l.kind and s.object_id = l.object_id)
        and not coalesce(o.settled, false)`;
  const asked = {
    ignore: sql`l.state = 'live'`,
    delete: sql`true`,
    // One whom somebody else enabled since is left alone.
    disable: sql`(l.state = 'live' or ${sync.direction === 'ingress'}::boolean and l.kind = 'user' and exists (
      select 1 from directory_user d where d.id = l.object_id and d.enabled and d.revision = l.object_revision))`,
  }[sync.onMissing];
  // A link that a person made ahead of the record: what was never seen cannot be gone.
  const wasThere = sql`(l.state = 'live' or l.object_revision > 0)`;
  await sql`
    insert into ${table('missing')} (kind, external_id, object_id, depth)
    select l.kind, l.external_id, l.object_id, coalesce(o.depth, 0)
    from link l left join ${table('object')} o on o.kind = l.kind and o.external_id = l.external_id
    where l.sync_serial = ${sync.serial} and ${asked} and ${wasThere} and l.kind = any (${kinds}::text[]) and ${gone}`.execute(
    store.db,
  );
  if (sync.direction === 'ingress') {
    await sql`
      update ${table('missing')} m set depth = t.depth from (
        with recursive above (id, parent_id, depth) as (
          select u.id, u.parent_id, 0 from ${table('missing')} m join organizational_unit u on u.id = m.object_id where m.kind = 'organizationalUnit'
          union all
          select a.id, u.parent_id, a.depth + 1 from above a join organizational_unit u on u.id = a.parent_id
        ) select id, max(depth) as depth from above group by id
      ) t where m.object_id = t.id`.execute(store.db);
  }
  await indexStagingTable(context, 'missing', '(kind, (-depth), external_id)', '(object_id)');
  await analyzeStaged(context, 'missing');
}
