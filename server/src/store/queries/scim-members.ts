import { sql } from 'kysely';
import type { Executor } from '../store.ts';
import { isThere, type ScimKind } from './scim-records.ts';

/** One side of a membership, as a resource shows it. */
export interface ScimMember {
  /** The resource that shows it: the group for its members, the user for its groups. */
  readonly ownerId: string;
  readonly id: string;
  readonly kind: ScimKind;
  readonly display: string | null;
}

const display = sql`coalesce(o.attributes ->> 'displayName', o.attributes ->> 'userName')`;

/** Members of groups, by group and id. */
export async function selectScimMembers(
  executor: Executor,
  connectionSerial: number,
  groupIds: readonly string[],
): Promise<ScimMember[]> {
  const { rows } = await sql<ScimMember>`
    select m.group_id as "ownerId", o.external_id as id, o.kind, ${display} as display
    from replica_member m
    join replica_record o on o.connection_serial = m.connection_serial and o.kind in ('user', 'group')
      and o.external_id = m.member_id and o.removed_at is null
    where m.connection_serial = ${connectionSerial} and m.group_id = any(${[...groupIds]}::text[]) and not m.removed
    order by m.group_id, m.member_id`.execute(executor);
  return rows;
}

/** Groups that users are direct members of, by user and id. */
export async function selectScimGroupsOf(
  executor: Executor,
  connectionSerial: number,
  userIds: readonly string[],
): Promise<ScimMember[]> {
  const { rows } = await sql<ScimMember>`
    select m.member_id as "ownerId", o.external_id as id, o.kind, ${display} as display
    from replica_member m
    join replica_record o on o.connection_serial = m.connection_serial and o.kind = 'group'
      and o.external_id = m.group_id and o.removed_at is null
    where m.connection_serial = ${connectionSerial} and m.member_id = any(${[...userIds]}::text[]) and not m.removed
    order by m.member_id, m.group_id`.execute(executor);
  return rows;
}

/** How many members groups have. */
export async function countScimMembers(
  executor: Executor,
  connectionSerial: number,
  groupIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ id: string; count: number }>`
    select m.group_id as id, count(*) as count from replica_member m
    where m.connection_serial = ${connectionSerial} and m.group_id = any(${[...groupIds]}::text[]) and not m.removed
    group by m.group_id`.execute(executor);
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** Ids of a group's members. */
export async function selectScimMemberIds(
  executor: Executor,
  connectionSerial: number,
  groupId: string,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select member_id as id from replica_member
    where connection_serial = ${connectionSerial} and group_id = ${groupId} and not removed order by member_id`.execute(
    executor,
  );
  return rows.map(({ id }) => id);
}

/** What is known of an id that is named as a member. */
export interface NamedMember {
  readonly id: string;
  /** null: nobody has this id. */
  readonly kind: ScimKind | null;
  readonly isMember: boolean;
}

/** Looks up ids that are named as members of a group; each id once. Takes time linear in their number. */
export async function selectNamedMembers(
  executor: Executor,
  connectionSerial: number,
  groupId: string,
  ids: readonly string[],
): Promise<NamedMember[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<NamedMember>`
    select n.id, o.kind, m.member_id is not null as "isMember"
    from unnest(${[...ids]}::text[]) as n (id)
    left join replica_record o on o.connection_serial = ${connectionSerial} and o.kind in ('user', 'group')
      and o.external_id = n.id and ${isThere('o')}
    left join replica_member m on m.connection_serial = ${connectionSerial} and m.group_id = ${groupId}
      and m.member_id = n.id and not m.removed`.execute(executor);
  return rows;
}
