import { sql } from 'kysely';
import type { RawBuilder, Transaction } from 'kysely';
import { pendingPrefix } from '../../sync/references.ts';
import type { BatchOutcome, RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import { requireOwnership } from './job-rows.ts';
import { preferKeyLookups, unseen } from './key-lookups.ts';
import { deleteWrittenPasswords } from '../queries/pending-passwords.ts';
import type { Database } from '../schema.ts';
import type { Store } from '../store.ts';

/** Links are compared with so many units one by one before their names are taken apart, which takes as long as that. */
const fewUnits = 20;

/** So many places are named in a message. */
const shownPlaces = 5;

async function markUnsuccessful(
  trx: Transaction<Database>,
  job: RunnableJob,
  outcomes: readonly BatchOutcome[],
): Promise<void> {
  const rows = outcomes.filter(({ result }) => result !== 'success');
  if (rows.length === 0) return;
  await sql`
    update change c set result = r.result, error_code = r.code, error_message = r.message
    from unnest(${rows.map(({ ordinal }) => ordinal)}::bigint[], ${rows.map(({ result }) => result)}::text[],
      ${rows.map(({ code }) => code ?? 'Internal')}::text[], ${rows.map(({ message }) => message ?? '')}::text[]) as r (ordinal, result, code, message)
    where c.job_serial = ${job.serial} and c.ordinal = r.ordinal`.execute(trx);
}

/**
 * An object that is bound and changed has two rows in a batch; the last one says what its link is. An update without an
 * id outside follows a creation of the same plan, which has said it. An object that waits for a reference is looked at
 * again, whatever it became.
 */
async function writeLinks(
  trx: Transaction<Database>,
  job: RunnableJob,
  sync: RunnableSync,
  rows: readonly BatchOutcome[],
): Promise<void> {
  if (rows.length === 0) return;
  const done = sql`
    change c join unnest(
      ${rows.map(({ ordinal }) => ordinal)}::bigint[], ${rows.map(({ externalId }) => externalId ?? null)}::text[],
      ${rows.map(({ location }) => location ?? null)}::text[], ${rows.map(({ reference }) => reference ?? null)}::text[],
      ${rows.map(({ alias }) => alias ?? null)}::text[], ${rows.map(({ fingerprint }) => fingerprint ?? null)}::text[]::uuid[]
    ) as r (ordinal, external_id, location, reference, alias, fingerprint) on c.job_serial = ${job.serial} and c.ordinal = r.ordinal`;
  await sql`
    delete from link l using ${done}
    where l.sync_serial = ${unseen(sync.serial)} and l.object_id = c.object_id
      and (c.verb = 'delete' or l.external_id <> coalesce(r.external_id, c.external_id))`.execute(trx);
  await sql`
    insert into link (sync_serial, kind, external_id, object_id, reference, alias, location, scope, fingerprint, object_revision)
    select distinct on (c.kind, coalesce(r.external_id, c.external_id)) ${sync.serial}::bigint, c.kind,
      coalesce(r.external_id, c.external_id), c.object_id, coalesce(r.reference, c.reference),
      coalesce(r.alias, c.alias), coalesce(r.location, c.location), coalesce(c.scope, 0),
      case when r.fingerprint is not null
        and not exists (select 1 from jsonb_object_keys(c.after) k where starts_with(k, ${pendingPrefix})) then r.fingerprint end,
      c.expected_revision
    from ${done}
    where c.verb <> 'delete' and not c.releases_link and coalesce(r.external_id, c.external_id) is not null
      and (c.external_id is not null or c.verb = 'create')
    order by c.kind, coalesce(r.external_id, c.external_id), c.ordinal desc
    on conflict (sync_serial, kind, external_id) do update set object_id = excluded.object_id, reference = excluded.reference,
      alias = excluded.alias, location = excluded.location, scope = excluded.scope, fingerprint = excluded.fingerprint,
      object_revision = excluded.object_revision, state = 'live'`.execute(trx);
  // Only what an existing entry is asked to be can end its link: it is disabled because it is gone from the source.
  if (rows.every(({ verb }) => verb === 'create' || verb === 'move' || verb === 'bind')) return;
  await sql`
    update link l set state = 'missing', fingerprint = null from ${done}
    where c.releases_link and c.verb <> 'delete' and l.sync_serial = ${unseen(sync.serial)} and l.kind = c.kind and l.external_id = c.external_id`.execute(
    trx,
  );
}

/**
 * What was written of an object whose entry is bound to another one is known of that one: who is no member of the group
 * goes, and so does the member from groups that are not the new one's. By which entry the new one was a member before is
 * forgotten: it vanished.
 */
async function inheritMembers(
  trx: Transaction<Database>,
  job: RunnableJob,
  sync: RunnableSync,
  rows: readonly BatchOutcome[],
): Promise<void> {
  const bound = rows.filter(({ kind, verb }) => kind !== 'organizationalUnit' && verb === 'bind');
  if (bound.length === 0) return;
  const rebound = sql`change c
    join link l on l.sync_serial = ${unseen(sync.serial)} and l.kind = c.kind and l.external_id = c.external_id and l.object_id <> c.object_id
    where c.job_serial = ${job.serial} and c.ordinal = any (${bound.map(({ ordinal }) => ordinal)}::bigint[])
      and x.sync_serial = ${unseen(sync.serial)}`;
  await sql`
    delete from membership_link y using membership_link x, ${rebound} and x.member_id = l.object_id
      and y.sync_serial = ${unseen(sync.serial)} and y.group_id = x.group_id and y.member_id = c.object_id`.execute(
    trx,
  );
  await sql`
    update membership_link x set member_id = c.object_id from ${rebound} and x.member_id = l.object_id`.execute(
    trx,
  );
  if (bound.every(({ kind }) => kind === 'user')) return;
  await sql`
    update membership_link x set group_id = c.object_id from ${rebound} and c.kind = 'group' and x.group_id = l.object_id
      and not exists (
        select 1 from membership_link y
        where y.sync_serial = x.sync_serial and y.group_id = c.object_id and y.reference = x.reference)`.execute(
    trx,
  );
}

async function forgetDeletedGroups(
  trx: Transaction<Database>,
  job: RunnableJob,
  sync: RunnableSync,
  rows: readonly BatchOutcome[],
): Promise<void> {
  const deleted = rows.filter(({ kind, verb }) => kind === 'group' && verb === 'delete');
  if (deleted.length === 0) return;
  await sql`
    delete from membership_link x using change c
    where c.job_serial = ${job.serial} and c.ordinal = any (${deleted.map(({ ordinal }) => ordinal)}::bigint[])
      and x.sync_serial = ${unseen(sync.serial)} and x.group_id = c.object_id`.execute(trx);
}

/** Which changes `c` these are: mostly a range, which is found by one look at the index. */
function among(rows: readonly BatchOutcome[]): RawBuilder<unknown> {
  const ordinals = rows.map(({ ordinal }) => ordinal);
  const [first = 0, last = 0] = [ordinals[0], ordinals.at(-1)];
  const isRange = ordinals.every((ordinal, index) => ordinal === first + index);
  return isRange
    ? sql`c.ordinal between ${first}::bigint and ${last}::bigint`
    : sql`c.ordinal = any (${ordinals}::bigint[])`;
}

async function writeMembershipLinks(
  trx: Transaction<Database>,
  job: RunnableJob,
  sync: RunnableSync,
  rows: readonly BatchOutcome[],
): Promise<void> {
  if (rows.length === 0) return;
  const done = sql`c.job_serial = ${job.serial} and ${among(rows)}`;
  // One that was known to the plan has its reference there.
  await sql`
    delete from membership_link x using change c
    where ${done} and c.external_id is not null and x.sync_serial = ${unseen(sync.serial)} and x.group_id = c.object_id
      and x.member_id = c.member_id`.execute(trx);
  // In a run of a part the member's entry may still be another one's: it is known by the reference alone.
  if (rows.some(({ verb }) => verb === 'removeMember'))
    await sql`
      delete from membership_link x using change c
      where ${done} and c.verb = 'removeMember' and x.sync_serial = ${unseen(sync.serial)} and x.group_id = c.object_id
        and x.reference = c.external_id
        and not exists (select 1 from link l where l.sync_serial = ${unseen(sync.serial)} and l.object_id = c.member_id)`.execute(
      trx,
    );
  // A server may tell apart what the normalised reference does not (a tab in a name, and a blank).
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select distinct on (c.object_id, coalesce(l.reference, c.external_id, c.member_id)) ${sync.serial}::bigint, c.object_id,
      coalesce(l.reference, c.external_id, c.member_id), c.member_id
    from change c left join link l on l.sync_serial = ${unseen(sync.serial)} and l.object_id = c.member_id
    where ${done} and c.verb in ('addMember', 'bind')
    order by c.object_id, coalesce(l.reference, c.external_id, c.member_id), c.ordinal
    on conflict (sync_serial, group_id, reference) do update set member_id = excluded.member_id`.execute(trx);
  if (rows.every(({ verb }) => verb === 'bind')) return;
  // Should another hand take this back at once, the group would be what it was when it was read last.
  await sql`
    update link g set fingerprint = null
    where g.sync_serial = ${unseen(sync.serial)} and g.fingerprint is not null
      and g.object_id = any (array(select distinct c.object_id from change c where ${done} and c.verb <> 'bind'))`.execute(
    trx,
  );
}

interface Followed {
  readonly kind: string;
  readonly before: string;
  readonly after: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Moves of these outcomes that lead to another name, to be asked for before the links are written. A unit below one that
 * an earlier batch moved has followed it: its link says by what name, and the plan the one from before.
 */
export async function findMoves(
  trx: Transaction<Database>,
  job: Pick<RunnableJob, 'serial'>,
  sync: Pick<RunnableSync, 'serial'>,
  done: readonly BatchOutcome[],
): Promise<readonly Followed[]> {
  const rows = done.filter(({ verb, reference }) => verb === 'move' && reference !== undefined);
  if (rows.length === 0) return [];
  const hasFollowed = sql`l.reference is not null and l.location is not null and exists (
    select 1 from change a
    where a.job_serial = c.job_serial and a.ordinal < c.ordinal and a.kind = 'organizationalUnit' and a.verb = 'move' and a.result is null
      and a.ordinal <= (select j.applied_ordinal from job j where j.serial = c.job_serial)
      and right(c.reference, length(a.reference) + 1) = ',' || a.reference)`;
  const { rows: moves } = await sql<Followed>`
    select c.kind, case when f.followed then l.reference else c.reference end as before, r.reference as after,
      case when f.followed then l.location else c.location end as "from", r.location as "to"
    from change c
    join unnest(${rows.map(({ ordinal }) => ordinal)}::bigint[], ${rows.map(({ reference }) => reference ?? null)}::text[],
      ${rows.map(({ location }) => location ?? null)}::text[]) as r (ordinal, reference, location)
      on c.job_serial = ${job.serial} and c.ordinal = r.ordinal
    left join link l on l.sync_serial = ${unseen(sync.serial)} and l.object_id = c.object_id
    cross join lateral (select c.kind = 'organizationalUnit' and ${hasFollowed} as followed) f
    where c.reference is not null and (c.reference <> r.reference or l.reference <> r.reference)
    order by c.ordinal`.execute(trx);
  return moves;
}

/**
 * What lies below units goes with the nearest of them, all at once: one may have the name by now that another one left.
 * @param placed query of the objects whose outcomes say themselves where they are
 */
async function followUnits(
  trx: Transaction<Database>,
  job: Pick<RunnableJob, 'serial'>,
  sync: Pick<RunnableSync, 'serial'>,
  units: readonly Followed[],
  placed: RawBuilder<unknown>,
): Promise<void> {
  if (units.length === 0) return;
  const isBelow = units.map(
    ({ before }) => sql`right(b.reference, length(${before}) + 1) = ',' || ${before}`,
  );
  const byName = Object.fromEntries(units.map((unit) => [unit.before, unit]));
  // The names above each link are looked up in what is given, which no statistics of the planner can turn into a scan.
  await sql`
    with unit (by_name) as materialized (select ${JSON.stringify(byName)}::jsonb),
    placed (ids) as materialized (
      select coalesce(jsonb_object_agg(p.object_id, true), '{}') from (${placed}) p where p.object_id is not null
    ), nearest as (
      select distinct on (b.object_id) b.object_id, u.by_name -> a.name as unit
      from unit u, link b
      cross join string_to_array(b.reference, ',') as s (parts)
      cross join generate_series(2, cardinality(s.parts)) as i (part)
      cross join array_to_string(s.parts[i.part:], ',') as a (name)
      where b.sync_serial = ${unseen(sync.serial)} and u.by_name ? a.name
        and (${units.length > fewUnits ? sql`true` : sql.join(isBelow, sql` or `)})
      order by b.object_id, i.part
    )
    update link l set
      reference = left(l.reference, -length(n.unit ->> 'before')) || (n.unit ->> 'after'),
      location = case when right(l.location, length(n.unit ->> 'from') + 1) = ',' || (n.unit ->> 'from')
        then left(l.location, -length(n.unit ->> 'from')) || (n.unit ->> 'to') else l.location end
    from nearest n, placed p
    where l.sync_serial = ${unseen(sync.serial)} and l.object_id = n.object_id and not p.ids ? n.object_id`.execute(
    trx,
  );
}

/**
 * Where names in the system are paths (a DN ends with its parent's), an object that moved takes what lies below it
 * along: references and locations of its descendants follow, and those of memberships follow their members.
 * The target itself keeps member values in step with a move; whether it did, the next run sees, which looks at these
 * groups again: one that still names the old place would be equal to what it was, byte for byte.
 */
export async function followMoves(
  trx: Transaction<Database>,
  job: Pick<RunnableJob, 'serial'>,
  sync: Pick<RunnableSync, 'serial'>,
  done: readonly BatchOutcome[],
  moves: readonly Followed[],
): Promise<void> {
  if (moves.length === 0) return;
  const placed = done.filter(({ reference }) => reference !== undefined);
  const placedObjects = sql`
    select c.object_id from change c
    where c.job_serial = ${job.serial} and c.ordinal = any (${placed.map(({ ordinal }) => ordinal)}::bigint[])`;
  const units = moves.filter(({ kind }) => kind === 'organizationalUnit');
  await followUnits(trx, job, sync, units, placedObjects);
  // What lies below units may be most of the system; without them nothing moved but what the batch holds.
  const moved = units.length > 0 ? sql`` : sql`and x.member_id = any (array(${placedObjects}))`;
  // A name may go from one member of a group to another: sorted, none is written before all old ones are gone.
  await sql`
    with followed as (
      delete from membership_link x using link l
      where x.sync_serial = ${unseen(sync.serial)} and l.sync_serial = ${unseen(sync.serial)} and l.object_id = x.member_id
        and l.reference is not null and x.reference <> l.reference and x.reference is distinct from l.alias ${moved}
      returning x.group_id, l.reference, x.member_id
    ), renamed as (
      insert into membership_link (sync_serial, group_id, reference, member_id)
      select distinct on (f.group_id, f.reference) ${sync.serial}::bigint, f.group_id, f.reference, f.member_id
      from followed f order by f.group_id, f.reference, f.member_id
      on conflict (sync_serial, group_id, reference) do update set member_id = excluded.member_id
    )
    update link g set fingerprint = null
    where g.sync_serial = ${unseen(sync.serial)} and g.kind = 'group' and g.object_id in (select f.group_id from followed f)`.execute(
    trx,
  );
}

/** Entries whose bytes stayed as they were, though they should name somebody by another name: nothing else tells the next run. */
async function lookAgainAtUnfollowed(
  trx: Transaction<Database>,
  job: RunnableJob,
  sync: RunnableSync,
  done: readonly BatchOutcome[],
): Promise<void> {
  const references = done.flatMap(({ unfollowed }) => unfollowed ?? []);
  if (references.length === 0) return;
  const { rows } = await sql<{ place: string }>`
    update link l set fingerprint = null
    where l.sync_serial = ${unseen(sync.serial)} and l.reference = any (${references}::text[])
    returning coalesce(l.location, l.reference) as place`.execute(trx);
  if (rows.length === 0) return;
  const named = rows.map(({ place }) => place).sort();
  const rest = named.length > shownPlaces ? ` and ${named.length - shownPlaces} more` : '';
  const text = `the system refused to let references follow what moved, in ${named.slice(0, shownPlaces).join('; ')}${rest}: the next run tries again`;
  await sql`insert into job_message (job_serial, level, text) values (${job.serial}, 'warning', ${text})`.execute(
    trx,
  );
}

/** Records what became of a batch outside, with the links that it made, and that the job has come this far. */
export async function recordOutcomes(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  through: number,
  outcomes: readonly BatchOutcome[],
): Promise<void> {
  await store.transaction(async (trx) => {
    await preferKeyLookups(trx);
    await markUnsuccessful(trx, job, outcomes);
    const done = outcomes.filter(({ result }) => result === 'success');
    const objects = done.filter(({ kind }) => kind !== 'membership');
    await inheritMembers(trx, job, sync, objects);
    const moves = await findMoves(trx, job, sync, objects);
    await writeLinks(trx, job, sync, objects);
    await followMoves(trx, job, sync, objects, moves);
    await lookAgainAtUnfollowed(trx, job, sync, objects);
    await forgetDeletedGroups(trx, job, sync, objects);
    await writeMembershipLinks(
      trx,
      job,
      sync,
      done.filter(({ kind }) => kind === 'membership'),
    );
    const versions = done.flatMap(({ passwordVersion }) => passwordVersion ?? []);
    if (versions.length > 0) await deleteWrittenPasswords(trx, sync.serial, versions);
    // Last, since the intent of the next batch waits for this row.
    await requireOwnership(trx, job);
    await sql`update job set applied_ordinal = ${through} where serial = ${job.serial}`.execute(trx);
  });
}
