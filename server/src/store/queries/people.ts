import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';
import { inZone } from './identity-providers.ts';
import { selectSlice, type Slice, type SlicePage } from './slice.ts';

type Executor = Kysely<Database>;

export interface PersonRow {
  readonly id: string;
  readonly serial: number;
  readonly username: string;
  readonly enabled: boolean;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface PersonFilter {
  readonly serials?: readonly number[] | undefined;
  /** Serials of connections that the person comes from; 0 stands for the directory itself. */
  readonly connections?: readonly number[] | undefined;
  readonly groups?: readonly number[] | undefined;
  /** Types of zones that the person may enter at that moment. */
  readonly zones?: { readonly types: readonly string[]; readonly at: Date } | undefined;
  readonly enabled?: boolean | undefined;
  /** Each must be part of the display name, the user name or an e-mail address, whatever the letter case. */
  readonly words?: readonly string[] | undefined;
  readonly email?: string | undefined;
}

export interface PersonOrder {
  readonly by: 'username' | 'createdAt' | 'updatedAt';
  readonly descending: boolean;
}

/** Where an object came from: its live links of ingress syncs. */
const origin = sql`
  link l join sync s on s.serial = l.sync_serial and s.direction = 'ingress'
  join connection c on c.id = s.connection_id`;

function fromConnections(object: RawBuilder<unknown>, serials: readonly number[]): RawBuilder<unknown> {
  const linked = sql`select from ${origin} where l.object_id = ${object} and l.state = 'live'`;
  const listed = sql`exists (${linked} and c.serial = any(${serials}::bigint[]))`;
  return serials.includes(0) ? sql`(${listed} or not exists (${linked}))` : listed;
}

/** A pattern that finds the text anywhere. */
function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

const columns = sql`
  u.id, u.serial, u.username, u.enabled, u.attributes -> 'displayName' ->> 0 as "displayName",
  u.attributes -> 'mail' ->> 0 as "email", u.created_at as "createdAt", u.updated_at as "updatedAt"`;
const from = sql`directory_user u`;

/** Authorizations that hold at the moment. */
function inForce(at: Date): RawBuilder<unknown> {
  return sql`a.revoked_at is null and a.starts_at <= ${at} and (a.expires_at is null or a.expires_at > ${at})`;
}

function condition(tenantId: string, filter: PersonFilter): RawBuilder<unknown> {
  const conditions = [sql`u.tenant_id = ${tenantId}`];
  if (filter.serials !== undefined) conditions.push(sql`u.serial = any(${filter.serials}::bigint[])`);
  if (filter.connections !== undefined) conditions.push(fromConnections(sql`u.id`, filter.connections));
  if (filter.groups !== undefined)
    conditions.push(sql`exists (
      select from membership m join directory_group g on g.id = m.group_id
      where m.member_id = u.id and g.serial = any(${filter.groups}::bigint[]))`);
  if (filter.zones !== undefined)
    conditions.push(sql`exists (
      select from zone_authorization a join authorization_zone z on z.id = a.zone_id
      where a.user_id = u.id and z.type = any(${filter.zones.types}::text[]) and ${inForce(filter.zones.at)})`);
  if (filter.enabled !== undefined) conditions.push(sql`u.enabled = ${filter.enabled}`);
  for (const word of filter.words ?? []) {
    const pattern = containing(word);
    conditions.push(sql`(u.username ilike ${pattern} or u.attributes -> 'displayName' ->> 0 ilike ${pattern}
      or (u.attributes -> 'mail')::text ilike ${pattern})`);
  }
  if (filter.email !== undefined)
    conditions.push(sql`(u.username_key = ${filter.email.toLowerCase()} or exists (
      select from jsonb_array_elements_text(u.attributes -> 'mail') as m where lower(m) = ${filter.email.toLowerCase()}))`);
  return sql.join(conditions, sql` and `);
}

const microseconds = (column: string) => sql`(extract(epoch from ${sql.raw(column)}) * 1000000)::bigint`;
const orders = {
  username: { sortedBy: sql`u.username_key`, sortType: 'text' as const },
  createdAt: { sortedBy: microseconds('u.created_at'), sortType: 'bigint' as const },
  updatedAt: { sortedBy: microseconds('u.updated_at'), sortType: 'bigint' as const },
};

export async function selectPeople(
  executor: Executor,
  tenantId: string,
  filter: PersonFilter,
  order: PersonOrder,
  page: SlicePage,
): Promise<Slice<PersonRow>> {
  const where = condition(tenantId, filter);
  const { descending } = order;
  const list = { columns, from, where, ...orders[order.by], serial: sql`u.serial`, descending };
  return selectSlice(executor, list, page);
}

/** At most `limit` people of a filter. */
export async function findPeople(
  executor: Executor,
  tenantId: string,
  filter: PersonFilter,
  limit: number,
): Promise<PersonRow[]> {
  const { rows } = await sql<PersonRow>`
    select ${columns} from ${from} where ${condition(tenantId, filter)} order by u.serial limit ${limit}`.execute(
    executor,
  );
  return rows;
}

export interface OriginRow {
  readonly objectId: string;
  readonly connectionSerial: number;
  readonly connectionName: string;
  readonly connectionType: string;
  readonly externalId: string;
  readonly linkedAt: Date;
}

/** Where each of the objects came from, best sync first. */
export async function selectOrigins(executor: Executor, objectIds: readonly string[]): Promise<OriginRow[]> {
  const { rows } = await sql<OriginRow>`
    select l.object_id as "objectId", c.serial as "connectionSerial", coalesce(c.display_name, c.name) as "connectionName",
      c.type as "connectionType", l.external_id as "externalId", l.linked_at as "linkedAt"
    from ${origin} where l.object_id = any(${objectIds}::text[]) and l.state = 'live'
    order by s.position, s.id`.execute(executor);
  return rows;
}

/** Groups that each of the people is a direct member of. */
export async function selectGroupsOf(
  executor: Executor,
  userIds: readonly string[],
): Promise<{ userId: string; serial: number; name: string }[]> {
  const { rows } = await sql<{ userId: string; serial: number; name: string }>`
    select m.member_id as "userId", g.serial, g.name from membership m join directory_group g on g.id = m.group_id
    where m.member_id = any(${userIds}::text[]) order by g.serial`.execute(executor);
  return rows;
}

/** Types of the zones that each of the people may enter at a moment. */
export async function selectZoneTypesOf(
  executor: Executor,
  userIds: readonly string[],
  at: Date,
): Promise<{ userId: string; type: string }[]> {
  const { rows } = await sql<{ userId: string; type: string }>`
    select distinct a.user_id as "userId", z.type
    from zone_authorization a join authorization_zone z on z.id = a.zone_id
    where a.user_id = any(${userIds}::text[]) and ${inForce(at)} order by z.type`.execute(executor);
  return rows;
}

export interface NamedGroupRow {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
}

export interface GroupFilter {
  readonly connections?: readonly number[] | undefined;
  readonly zone?: { readonly serial?: number | undefined; readonly type?: string | undefined } | undefined;
  readonly words?: readonly string[] | undefined;
}

/** Groups of a tenant, oldest first. */
export async function selectGroups(
  executor: Executor,
  tenantId: string,
  filter: GroupFilter,
  page: SlicePage,
): Promise<Slice<NamedGroupRow>> {
  const conditions = [sql`g.tenant_id = ${tenantId}`];
  if (filter.connections !== undefined) conditions.push(fromConnections(sql`g.id`, filter.connections));
  if (filter.zone !== undefined)
    conditions.push(
      sql`exists (select from ${origin} where l.object_id = g.id and l.state = 'live' and ${inZone(filter.zone, sql`c.id`)})`,
    );
  for (const word of filter.words ?? []) conditions.push(sql`g.name ilike ${containing(word)}`);
  const serial = sql`g.serial`;
  return selectSlice(
    executor,
    {
      columns: sql`g.id, g.serial, g.name`,
      from: sql`directory_group g`,
      where: sql.join(conditions, sql` and `),
      sortedBy: serial,
      sortType: 'bigint',
      serial,
    },
    page,
  );
}

/** How many people and groups a tenant has. */
export async function countDirectory(
  executor: Executor,
  tenantId: string,
): Promise<{ users: number; groups: number }> {
  const { rows } = await sql<{ users: number; groups: number }>`
    select (select count(*) from directory_user where tenant_id = ${tenantId}) as users,
      (select count(*) from directory_group where tenant_id = ${tenantId}) as groups`.execute(executor);
  return rows[0] ?? { users: 0, groups: 0 };
}
