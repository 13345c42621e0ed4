import { sql } from 'kysely';
import type { Kind } from '@lockstep/contract/vocabulary.ts';
import type { Executor } from '../store.ts';

/** What an ingress sync of a connection that is pushed into has to do with it, as far as losses go. */
export interface PushedSync {
  readonly id: string;
  readonly serial: number;
  readonly connectionSerial: number;
  /** The sequence number up to which the sync has read and applied. */
  readonly position: number;
  /** Whether it takes anything from objects whose record is gone. */
  readonly believesAbsence: boolean;
}

/** Records changed since the sync applied any; of these the one with an id, where one is given. */
const pending = ({ connectionSerial, position }: PushedSync, id: string | undefined) =>
  sql`r.connection_serial = ${connectionSerial} and r.sequence > ${position}
    ${id === undefined ? sql`` : sql`and r.external_id = ${id}`}`;

/**
 * What was pushed and will take something away from the directory once it is applied: records that are gone, accounts
 * that were disabled, members that groups lost. Costs what was pushed since the sync applied anything.
 * @param id of the record that alone is looked at
 */
export async function countPendingRemovals(
  executor: Executor,
  sync: PushedSync,
  id?: string,
): Promise<ReadonlyMap<Kind, number>> {
  const { rows } = await sql<{ kind: Kind; removed: number }>`
    select r.kind, count(*)::int as removed
    from replica_record r
    join link l on l.sync_serial = ${sync.serial} and l.kind = r.kind and l.external_id = r.external_id and l.state = 'live'
    left join directory_user d on r.kind = 'user' and d.id = l.object_id
    where ${pending(sync, id)}
      and (${sync.believesAbsence}::boolean and (r.removed_at is not null or r.removal_requested_at is not null)
        or r.removed_at is null and r.kind = 'user' and d.enabled and lower(r.attributes ->> 'active') = 'false')
    group by r.kind
    union all
    select 'membership', count(*)::int
    from replica_record r
    join link g on g.sync_serial = ${sync.serial} and g.kind = 'group' and g.external_id = r.external_id and g.state = 'live'
    join replica_member m on m.connection_serial = r.connection_serial and m.group_id = r.external_id and m.removed
      and m.sequence > ${sync.position}
    join membership_link x on x.sync_serial = ${sync.serial} and x.group_id = g.object_id and x.reference = m.member_id
      and x.member_id is not null
    where ${pending(sync, id)} and r.kind = 'group' and r.removed_at is null`.execute(executor);
  return new Map(rows.filter(({ removed }) => removed > 0).map(({ kind, removed }) => [kind, removed]));
}

/** How many objects of a kind a sync holds. */
export async function countHeldLinks(executor: Executor, syncSerial: number, kind: Kind): Promise<number> {
  const { rows } =
    kind === 'membership'
      ? await sql<{ count: number }>`
          select count(*)::int as count from membership_link where sync_serial = ${syncSerial} and member_id is not null`.execute(
          executor,
        )
      : await sql<{ count: number }>`
          select count(*)::int as count from link where sync_serial = ${syncSerial} and kind = ${kind} and state = 'live'`.execute(
          executor,
        );
  return rows[0]?.count ?? 0;
}

/**
 * Notes that a record shall go and may not yet: runs take it for gone, and who pushes it sees it still. Its version
 * stays.
 */
export async function requestRemoval(
  executor: Executor,
  connectionSerial: number,
  kind: 'user' | 'group',
  id: string,
  at: Date,
): Promise<void> {
  await sql`
    with s as (
      update replica set sequence = sequence + 1, changed_at = ${at}
      where connection_serial = ${connectionSerial} and exists (
        select 1 from replica_record r
        where r.connection_serial = ${connectionSerial} and r.kind = ${kind} and r.external_id = ${id}
          and r.removed_at is null and r.removal_requested_at is null)
      returning sequence
    )
    update replica_record r set removal_requested_at = ${at}, sequence = s.sequence from s
    where r.connection_serial = ${connectionSerial} and r.kind = ${kind} and r.external_id = ${id}
      and r.removed_at is null and r.removal_requested_at is null`.execute(executor);
}
