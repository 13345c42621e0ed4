import { sql, type RawBuilder } from 'kysely';
import { prepared } from '../prepared.ts';
import type { Executor } from '../store.ts';
import { isThere, type ScimKind, type ScimMember } from './scim-record.ts';

const display = sql`coalesce(o.attributes ->> 'displayName', o.attributes ->> 'userName')`;

/**
 * What resource `r` of a query shows of its memberships, as JSON by id: a group's members, or the groups that a user is
 * a direct member of; null when there are none.
 */
export function relatedOf(kind: ScimKind): RawBuilder<readonly ScimMember[] | null> {
  const [mine, other] = (kind === 'group' ? ['group_id', 'member_id'] : ['member_id', 'group_id']).map(
    (name) => sql.raw(`m.${name}`),
  );
  const kindsOfOther = kind === 'group' ? sql`o.kind in ('user', 'group')` : sql`o.kind = 'group'`;
  return sql`(
    select json_agg(json_build_object('id', o.external_id, 'kind', o.kind, 'display', ${display}) order by ${other})
    from replica_member m
    join replica_record o on o.connection_serial = m.connection_serial and ${kindsOfOther} and o.external_id = ${other}
      and o.removed_at is null
    where m.connection_serial = r.connection_serial and ${mine} = r.external_id and not m.removed)`;
}

/** Members of groups, by group and id. */
export async function selectScimMembers(
  executor: Executor,
  connectionSerial: number,
  groupIds: readonly string[],
): Promise<(ScimMember & { readonly groupId: string })[]> {
  const { rows } = await sql<ScimMember & { groupId: string }>`
    select m.group_id as "groupId", o.external_id as id, o.kind, ${display} as display
    from replica_member m
    join replica_record o on o.connection_serial = m.connection_serial and o.kind in ('user', 'group')
      and o.external_id = m.member_id and o.removed_at is null
    where m.connection_serial = ${connectionSerial} and m.group_id = any(${[...groupIds]}::text[]) and not m.removed
    order by m.group_id, m.member_id`.execute(executor);
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

/**
 * Looks up ids that are named as members of a group; each id once. Takes time linear in their number: each is looked up
 * by key, which a join is not always planned to do.
 */
export async function selectNamedMembers(
  executor: Executor,
  connectionSerial: number,
  groupId: string,
  ids: readonly string[],
): Promise<NamedMember[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<NamedMember>`${prepared}
    select n.id,
      (select o.kind from replica_record o
        where o.connection_serial = ${connectionSerial} and o.kind in ('user', 'group') and o.external_id = n.id
          and ${isThere('o')} limit 1) as kind,
      (select m.member_id from replica_member m
        where m.connection_serial = ${connectionSerial} and m.group_id = ${groupId} and m.member_id = n.id
          and not m.removed) is not null as "isMember"
    from unnest((select ${[...ids]}::text[])) as n (id)`.execute(executor);
  return rows;
}
