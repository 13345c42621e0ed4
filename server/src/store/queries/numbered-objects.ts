import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Database } from '../schema.ts';
import { orderBy, type Order } from './order-by.ts';

type Executor = Kysely<Database>;
type NumberedKind = 'user' | 'group';

/** A user or group as lists with numbered pages show it. */
export interface NumberedObject {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Bounds of a time; `before` and `after` do not belong to what is found. */
export interface TimeFilter {
  readonly at?: Date | undefined;
  readonly after?: Date | undefined;
  readonly before?: Date | undefined;
}

export interface NumberedFilter {
  readonly id?: string | undefined;
  /** The whole name, whatever its letter case. */
  readonly nameKey?: string | undefined;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
  readonly enabled?: boolean | undefined;
  /** Each attribute must have all of these values. */
  readonly attributes?: JsonAttributeMap | undefined;
  /** One of the values that are told apart of `employeeType`, or null for all others. */
  readonly types?: readonly (string | null)[] | undefined;
  /** Values of `employeeType` that are told apart. */
  readonly knownTypes?: readonly string[] | undefined;
  /** A direct member of one of these groups. */
  readonly groupIds?: readonly string[] | undefined;
  readonly groupNameKeys?: readonly string[] | undefined;
  /** A group with one of these users as a direct member. */
  readonly memberSerials?: readonly number[] | undefined;
  readonly memberNameKeys?: readonly string[] | undefined;
  readonly created?: TimeFilter | undefined;
  readonly updated?: TimeFilter | undefined;
  /** Each must be part of the name, the display name or an e-mail address. */
  readonly words?: readonly string[] | undefined;
}

const tables = {
  user: sql`(select id, serial, tenant_id, username as name, username_key as name_key, enabled, attributes, created_at, updated_at
    from directory_user) o`,
  group: sql`(select id, serial, tenant_id, name, name_key, true as enabled, attributes, created_at, updated_at
    from directory_group) o`,
};

const displayName = sql`o.attributes -> 'displayName' ->> 0`;
const columns = {
  id: sql`o.id`,
  serial: sql`o.serial`,
  name: sql`o.name_key`,
  displayName: sql`lower(${displayName})`,
  email: sql`lower(o.attributes -> 'mail' ->> 0)`,
  enabled: sql`o.enabled`,
  created: sql`o.created_at`,
  updated: sql`o.updated_at`,
} as const;
export type NumberedColumn = keyof typeof columns;

function within(column: RawBuilder<unknown>, { at, after, before }: TimeFilter): RawBuilder<unknown>[] {
  return [
    // Times are told by the millisecond.
    ...(at === undefined ? [] : [sql`date_trunc('milliseconds', ${column}) = ${at}`]),
    ...(after === undefined ? [] : [sql`${column} > ${after}`]),
    ...(before === undefined ? [] : [sql`${column} < ${before}`]),
  ];
}

function typeCondition({ types, knownTypes = [] }: NumberedFilter): RawBuilder<unknown>[] {
  if (types === undefined) return [];
  const first = sql`(
    select v from jsonb_array_elements_text(coalesce(o.attributes -> 'employeeType', '[]')) v
    where v = any(${[...knownTypes]}::text[]) limit 1)`;
  return [sql`coalesce(${first}, '') = any(${types.map((type) => type ?? '')}::text[])`];
}

function inGroup(named: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (
    select 1 from membership m join directory_group g on g.id = m.group_id where m.member_id = o.id and ${named})`;
}

function withMember(named: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (
    select 1 from membership m join directory_user u on u.id = m.member_id where m.group_id = o.id and ${named})`;
}

function membershipConditions(filter: NumberedFilter): RawBuilder<unknown>[] {
  const { groupIds, groupNameKeys, memberSerials, memberNameKeys } = filter;
  return [
    ...(groupIds === undefined ? [] : [inGroup(sql`g.id = any(${[...groupIds]}::text[])`)]),
    ...(groupNameKeys === undefined ? [] : [inGroup(sql`g.name_key = any(${[...groupNameKeys]}::text[])`)]),
    ...(memberSerials === undefined
      ? []
      : [withMember(sql`u.serial = any(${[...memberSerials]}::bigint[])`)]),
    ...(memberNameKeys === undefined
      ? []
      : [withMember(sql`u.username_key = any(${[...memberNameKeys]}::text[])`)]),
  ];
}

function condition(tenantId: string, filter: NumberedFilter): RawBuilder<unknown> {
  const { id, nameKey, email, enabled, attributes } = filter;
  const conditions = [
    sql`o.tenant_id = ${tenantId}`,
    ...typeCondition(filter),
    ...membershipConditions(filter),
  ];
  if (id !== undefined) conditions.push(sql`o.id = ${id}`);
  if (nameKey !== undefined) conditions.push(sql`o.name_key = ${nameKey}`);
  if (filter.displayName !== undefined) conditions.push(sql`${displayName} = ${filter.displayName}`);
  if (email !== undefined) conditions.push(sql`o.attributes -> 'mail' ->> 0 = ${email}`);
  if (enabled !== undefined) conditions.push(sql`o.enabled = ${enabled}`);
  if (attributes !== undefined) conditions.push(sql`o.attributes @> ${JSON.stringify(attributes)}::jsonb`);
  conditions.push(
    ...within(sql`o.created_at`, filter.created ?? {}),
    ...within(sql`o.updated_at`, filter.updated ?? {}),
  );
  for (const word of filter.words ?? []) {
    const pattern = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    conditions.push(sql`(o.name ilike ${pattern} or ${displayName} ilike ${pattern}
      or (o.attributes -> 'mail')::text ilike ${pattern})`);
  }
  return sql.join(conditions, sql` and `);
}

const shown = sql`o.id, o.serial, o.name, o.enabled, o.attributes, o.created_at as "createdAt", o.updated_at as "updatedAt"`;

/** Objects in the order asked for, else in that of their making; and how many there are. */
export async function selectNumberedObjects(
  executor: Executor,
  tenantId: string,
  kind: NumberedKind,
  filter: NumberedFilter,
  page: { readonly offset: number; readonly limit: number; readonly order?: Order<NumberedColumn> },
): Promise<NumberedObject[]> {
  const { rows } = await sql<NumberedObject>`
    select ${shown} from ${tables[kind]} where ${condition(tenantId, filter)}
    order by ${orderBy(columns, page.order ?? [], columns.serial)} offset ${page.offset} limit ${page.limit}`.execute(
    executor,
  );
  return rows;
}

export async function countNumberedObjects(
  executor: Executor,
  tenantId: string,
  kind: NumberedKind,
  filter: NumberedFilter,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from ${tables[kind]} where ${condition(tenantId, filter)}`.execute(executor);
  return rows[0]?.count ?? 0;
}

/** An object that is tied to another one by a membership. */
export interface RelatedObject extends NumberedObject {
  /** The object that it was looked for. */
  readonly of: string;
}

/** Direct members of groups of one kind, so many of each group at most. */
export async function selectMembersOf(
  executor: Executor,
  groupIds: readonly string[],
  kind: NumberedKind,
  most: number,
): Promise<RelatedObject[]> {
  const { rows } = await sql<RelatedObject>`
    select x.id as "of", ${shown}
    from unnest(${[...groupIds]}::text[]) as x (id) cross join lateral (
      select m.member_id from membership m where m.group_id = x.id and m.member_kind = ${kind} order by m.member_id limit ${most}
    ) y join ${tables[kind]} on o.id = y.member_id order by x.id, o.serial`.execute(executor);
  return rows;
}

/** Groups that objects are direct members of, so many of each object at most. */
export async function selectGroupsOf(
  executor: Executor,
  memberIds: readonly string[],
  most: number,
): Promise<RelatedObject[]> {
  const { rows } = await sql<RelatedObject>`
    select x.id as "of", ${shown}
    from unnest(${[...memberIds]}::text[]) as x (id) cross join lateral (
      select m.group_id from membership m where m.member_id = x.id order by m.group_id limit ${most}
    ) y join ${tables.group} on o.id = y.group_id order by x.id, o.serial`.execute(executor);
  return rows;
}
