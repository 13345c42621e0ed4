import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import { kinds, objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { Kind, ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { RefreshedLink } from '../../sync/sync-store.ts';
import { jsonText } from '../copy-text.ts';
import type { Database } from '../schema.ts';
import { writeReferenceLinks } from './reference-links.ts';
import type { StagingContext } from './staging-tables.ts';

/** Keeps what is to become of the links of equal objects until the plan is committed. */
export async function refreshLinks(
  { store, tableName }: StagingContext,
  rows: readonly RefreshedLink[],
): Promise<void> {
  const columns = [
    'kind',
    'external_id',
    'fingerprint',
    'reference',
    'alias',
    'location',
    'scope',
    'revision',
    'contribution',
    'named',
  ];
  await store.copyInto(
    store.db,
    tableName('refreshed'),
    columns,
    rows.map(({ kind, externalId, link, revision, contribution }) => [
      kind,
      externalId,
      link.fingerprint,
      link.reference,
      link.alias,
      link.location,
      link.scope,
      revision,
      jsonText(contribution),
      jsonText(link.named),
    ]),
  );
}

export async function releaseLinks(
  { store, tableName }: StagingContext,
  rows: readonly { kind: ObjectKind; externalId: string }[],
): Promise<void> {
  await store.copyInto(
    store.db,
    tableName('released'),
    ['kind', 'external_id'],
    rows.map(({ kind, externalId }) => [kind, externalId]),
  );
}

/**
 * Those who refer to what this plan changes are looked at again until they say what they shall: once the plan is carried
 * out nothing else tells that they were to be changed, be it that this failed, was held or not asked for.
 */
export async function unsettleReferrers(
  { sync, table }: StagingContext,
  trx: Transaction<Database>,
): Promise<void> {
  const referrers =
    sync.direction === 'ingress'
      ? sql`select kind, external_id from ${table('named')} where not staged and object_id is distinct from known`
      : sql`select kind, external_id from ${table('touched')} where refers`;
  await sql`
    update link l set fingerprint = null from (${referrers}) r
    where l.sync_serial = ${sync.serial} and l.kind = r.kind and l.external_id = r.external_id`.execute(trx);
}

/** Whether the read brought a unit that it could not understand. */
async function hasBrokenUnits({ table }: StagingContext, trx: Transaction<Database>): Promise<boolean> {
  const { rows } = await sql`
    select from ${table('object')} where kind = 'organizationalUnit' and error_code is not null limit 1`.execute(
    trx,
  );
  return rows.length > 0;
}

/**
 * Ingress: who lies in a unit that the read did not bring, or brought broken, and that no earlier one brought, is put
 * into the next one above. Nothing of the record tells when the unit comes: it is looked at again until then. After a
 * complete read of units that are all well the unit is none, as a container of another class.
 */
export async function unsettleHomeless(
  context: StagingContext,
  trx: Transaction<Database>,
  complete: boolean,
): Promise<void> {
  const { job, sync, table } = context;
  if (sync.direction === 'egress') return;
  if (complete && job.selection === null && !(await hasBrokenUnits(context, trx))) return;
  const isHomeless = sql`(x.kind, x.external_id) in (
    select o.kind, o.external_id from ${table('object')} o
    left join ${table('object')} u on u.kind = 'organizationalUnit' and u.reference = o.parent_reference and u.error_code is null
    left join link l on l.sync_serial = ${sync.serial} and l.kind = 'organizationalUnit' and l.reference = o.parent_reference
    where o.parent_reference <> '' and u.kind is null and l.kind is null)`;
  await sql`
    update change x set fingerprint = null where x.job_serial = ${job.serial} and ${isHomeless}`.execute(trx);
  await sql`update ${table('refreshed')} x set fingerprint = null where ${isHomeless}`.execute(trx);
}

/**
 * Ingress: groups that the plan found by their places are named by the ids of these: whoever names one was planned while
 * it still looked new.
 */
export async function nameSettled(
  { job, sync, table }: StagingContext,
  trx: Transaction<Database>,
): Promise<void> {
  if (sync.direction === 'egress') return;
  const { rows } = await sql<{ taken: string; own: string }>`
    select distinct n.object_id as taken, o.object_id as own from ${table('named')} n
    join ${table('object')} o on o.reference = n.reference and o.kind = 'group' and o.settled
    where n.object_id <> o.object_id`.execute(trx);
  for (const { taken, own } of rows) {
    const naming = sql`(x.kind, x.external_id) in (
      select n.kind, n.external_id from ${table('named')} n where n.object_id = ${taken})`;
    const put = (column: string) =>
      sql`${sql.ref(column)} = replace(x.${sql.ref(column)}::text, ${taken}, ${own})::jsonb`;
    await sql`
      update change x set ${put('after')}, ${put('contribution')}, ${put('named')}
      where x.job_serial = ${job.serial} and ${naming}`.execute(trx);
    await sql`
      update ${table('refreshed')} x set ${put('contribution')}, ${put('named')} where ${naming}`.execute(
      trx,
    );
  }
}

/**
 * Ingress: a record that names somebody who leaves is looked at again until that one is gone: who stays after all, since
 * the deletion was held and the record is back, is named again, and nothing else would tell.
 */
export async function unsettleForLeaving(
  { job, sync, table }: StagingContext,
  trx: Transaction<Database>,
): Promise<void> {
  if (sync.direction === 'egress') return;
  const { rows } = await sql`select from ${table('leaving')} limit 1`.execute(trx);
  if (rows.length === 0) return;
  const isLeaving = sql`in (select g.reference from ${table('leaving')} g)`;
  await sql`
    with naming as materialized (
      select n.kind, n.external_id from ${table('named')} n
      where n.staged and n.object_id is null and n.reference ${isLeaving}
      union
      select g.kind, g.external_id from ${table('wanted')} w
      join (
        select l.kind, l.external_id, l.object_id from link l where l.sync_serial = ${sync.serial}
        union all
        select o.kind, o.external_id, o.object_id from ${table('object')} o
      ) g on g.kind = 'group' and g.object_id = w.group_id
      where w.member_id is null and w.reference ${isLeaving}
    ), known as (
      update link x set fingerprint = null from naming n
      where x.sync_serial = ${sync.serial} and x.kind = n.kind and x.external_id = n.external_id
    ), planned as (
      update change x set fingerprint = null from naming n
      where x.job_serial = ${job.serial} and x.kind = n.kind and x.external_id = n.external_id
    )
    update ${table('refreshed')} x set fingerprint = null from naming n
    where x.kind = n.kind and x.external_id = n.external_id`.execute(trx);
}

/**
 * Brings the links of objects that need no change up to date, in the transaction that makes the plan final: before
 * it an interrupted job must find everything as it was, or it would take a half-made plan's objects for settled.
 */
export async function writeSettledLinks(
  { sync, table }: StagingContext,
  trx: Transaction<Database>,
): Promise<void> {
  await sql`
    update link l set fingerprint = r.fingerprint, reference = r.reference, alias = r.alias, location = r.location,
      scope = r.scope, object_revision = r.revision, state = 'live', contribution = coalesce(r.contribution, l.contribution)
    from ${table('refreshed')} r
    where l.sync_serial = ${sync.serial} and l.kind = r.kind and l.external_id = r.external_id`.execute(trx);
  if (sync.direction === 'ingress')
    await writeReferenceLinks(
      trx,
      sync.serial,
      sql`select r.kind, r.external_id, r.named from ${table('refreshed')} r`,
    );
  // Egress: gone from the directory and from the target, there is nothing left to remember.
  if (sync.direction === 'egress')
    await sql`
      delete from link l using ${table('released')} r
      where l.sync_serial = ${sync.serial} and l.kind = r.kind and l.external_id = r.external_id
        and not exists (select 1 from ${table('key')} k where k.kind = r.kind and k.external_id = r.external_id)`.execute(
      trx,
    );
  await sql`
    update link l set state = 'missing', fingerprint = null from ${table('released')} r
    where l.sync_serial = ${sync.serial} and l.kind = r.kind and l.external_id = r.external_id`.execute(trx);
}

export async function settleStaged(
  { store, table }: StagingContext,
  rows: readonly { kind: ObjectKind; externalId: string; objectId: string | null }[],
): Promise<void> {
  await sql`
    update ${table('object')} o set object_id = r.object_id, settled = r.object_id is not null,
      conflict_code = case when r.object_id is null then coalesce(o.conflict_code, 'DependencyFailed') else o.conflict_code end
    from unnest(${rows.map(({ kind }) => kind)}::text[], ${rows.map(({ externalId }) => externalId)}::text[],
      ${rows.map(({ objectId }) => objectId)}::text[]) as r (kind, external_id, object_id)
    where o.kind = r.kind and o.external_id = r.external_id`.execute(store.db);
}

const zero = (): Record<Kind, number> => ({ organizationalUnit: 0, user: 0, group: 0, membership: 0 });

function countsOf(rows: readonly { kind: string; count: number }[]): Record<Kind, number> {
  const counts = zero();
  for (const kind of kinds) counts[kind] = rows.find((row) => row.kind === kind)?.count ?? 0;
  return counts;
}

export async function countLinked({ store, sync }: StagingContext): Promise<Record<Kind, number>> {
  const { rows } = await sql<{ kind: string; count: number }>`
    select kind, count(*)::int as count from link where sync_serial = ${sync.serial} and state = 'live' group by kind
    union all
    select 'membership', count(*)::int from membership_link where sync_serial = ${sync.serial} and member_id is not null`.execute(
    store.db,
  );
  return countsOf(rows);
}

/** Egress: entries of the target that nothing in the directory is tied to. */
export async function countUnmanaged({ store, sync, table }: StagingContext): Promise<Record<Kind, number>> {
  if (sync.direction === 'ingress') return zero();
  const { rows } = await sql<{ kind: string; count: number }>`
    select o.kind, count(*)::int as count from ${table('object')} o
    where o.kind = any (${objectKinds}::text[]) and not o.linked and not o.settled
      and not exists (select 1 from link l where l.sync_serial = ${sync.serial} and l.kind = o.kind and l.external_id = o.external_id)
    group by o.kind`.execute(store.db);
  return countsOf(rows);
}
