import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Makes objects members of a group. @returns those that were none. */
export async function insertMemberships(
  trx: Executor,
  tenantId: string,
  groupId: string,
  member: { readonly kind: 'user' | 'group'; readonly ids: readonly string[] },
  revision: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    insert into membership (group_id, member_id, tenant_id, member_kind, revision)
    select ${groupId}, m.id, ${tenantId}, ${member.kind}, ${revision}::bigint
    from unnest(${[...member.ids]}::text[]) as m (id)
    on conflict do nothing returning member_id as id`.execute(trx);
  return rows.map((row) => row.id);
}

/** Takes members out of a group. @returns those that were members. */
export async function deleteMemberships(
  trx: Executor,
  groupId: string,
  memberIds: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    delete from membership where group_id = ${groupId} and member_id = any(${[...memberIds]}::text[])
    returning member_id as id`.execute(trx);
  return rows.map((row) => row.id);
}

/** Whether one of the members is the group itself or has it as a member, at whatever depth. */
export async function wouldHoldItself(
  trx: Executor,
  groupId: string,
  memberIds: readonly string[],
): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    with recursive above (id) as (
      select ${groupId}::text collate "C"
      union
      select membership.group_id from above join membership on membership.member_id = above.id
    )
    select exists (select from above where id = any(${[...memberIds]}::text[])) as found`.execute(trx);
  return rows[0]?.found === true;
}
