import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Database } from '../schema.ts';
import { directoryTables, enabledColumn } from '../sync/staging-tables.ts';
import { behind } from './tenant-page.ts';

type Executor = Kysely<Database>;

type Annotations = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** An object as lists show it, with the connection that it came from. */
export interface FoundObject {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The best ingress sync's connection; null: made in the directory itself. */
  readonly originId: string | null;
  readonly originType: string | null;
  readonly originAnnotations: Annotations | null;
  readonly originExternalId: string | null;
  /** Whether a unit holds no other units; true of other objects. */
  readonly leaf: boolean;
}

/** What is looked for: all that is given must hold. */
export interface ObjectSearch {
  readonly ids?: readonly string[] | undefined;
  /** The whole normalised name. */
  readonly nameKey?: string | undefined;
  /** Beginning of the normalised name. */
  readonly namePrefix?: string | undefined;
  /** Right in this unit; null: in the root. */
  readonly parentId?: string | null | undefined;
  /** Users in this unit, whether it is their primary one or a further one; null: the root. */
  readonly unitId?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Attributes that have this text among their values. */
  readonly texts?: Readonly<Record<string, string>> | undefined;
  /** Beginning of the first value of an attribute, whatever its letter case. */
  readonly textPrefixes?: Readonly<Record<string, string>> | undefined;
  /** Id in the connection that it came from, or the value of attribute `externalId`; else its own id. */
  readonly externalId?: string | undefined;
  /** Came from one of these connections. */
  readonly originIds?: readonly string[] | undefined;
  /** Made in the directory itself. */
  readonly made?: 'here' | undefined;
}

/** Links of ingress syncs. */
const ingressLinks = sql`
  link l join sync s on s.serial = l.sync_serial and s.direction = 'ingress'
  join connection c on c.id = s.connection_id`;

/** Live ones of an object. */
const origins = sql`${ingressLinks} where l.object_id = o.id and l.state = 'live'`;

function placed(column: RawBuilder<unknown>, unitId: string | null): RawBuilder<unknown> {
  return unitId === null ? sql`${column} is null` : sql`${column} = ${unitId}`;
}

function originConditions(
  tenantId: string,
  kind: ObjectKind,
  { originIds, made, externalId }: ObjectSearch,
): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (made === 'here') conditions.push(sql`not exists (select from ${origins})`);
  // By a list of their own and not one by one: links of every object would be looked up, to find few or to count many.
  const linked = (where: RawBuilder<unknown>) =>
    sql`o.id in (select l.object_id from ${ingressLinks} 
      where s.tenant_id = ${tenantId} and l.kind = ${kind} and l.state = 'live' and ${where})`;
  if (originIds !== undefined) conditions.push(linked(sql`c.id = any(${[...originIds]}::text[])`));
  if (externalId !== undefined)
    conditions.push(sql`(
      ${linked(sql`l.external_id = ${externalId}`)}
      or coalesce(o.attributes -> 'externalId' ->> 0, o.id) = ${externalId} and not exists (select from ${origins}))`);
  return conditions;
}

function condition(
  tenantId: string,
  kind: ObjectKind,
  search: ObjectSearch,
  after?: string,
): RawBuilder<unknown> {
  const key = sql`o.${directoryTables[kind].key}`;
  const conditions = [behind(tenantId, after, 'o'), ...originConditions(tenantId, kind, search)];
  const { ids, nameKey, namePrefix, parentId, unitId, enabled } = search;
  if (ids !== undefined) conditions.push(sql`o.id = any(${[...ids]}::text[])`);
  if (nameKey !== undefined) conditions.push(sql`o.tenant_id = ${tenantId} and ${key} = ${nameKey}`);
  if (namePrefix !== undefined) conditions.push(sql`starts_with(${key}, ${namePrefix})`);
  if (parentId !== undefined) conditions.push(placed(sql`o.parent_id`, parentId));
  if (enabled !== undefined && kind === 'user') conditions.push(sql`o.enabled = ${enabled}`);
  if (unitId !== undefined)
    conditions.push(sql`(${placed(sql`o.parent_id`, unitId)} or exists (
      select from user_organizational_unit f where f.user_id = o.id and f.organizational_unit_id = ${unitId}))`);
  for (const [attribute, text] of Object.entries(search.texts ?? {}))
    conditions.push(sql`o.attributes @> ${JSON.stringify({ [attribute]: [text] })}::jsonb`);
  for (const [attribute, text] of Object.entries(search.textPrefixes ?? {}))
    conditions.push(sql`starts_with(lower(o.attributes -> ${attribute}::text ->> 0), lower(${text}))`);
  return sql.join(conditions, sql` and `);
}

/** Where a page begins: behind an id, or after so many objects. */
export interface SearchPage {
  readonly after?: string | undefined;
  readonly offset?: number | undefined;
  readonly limit: number;
}

/** Objects by id: to the millisecond the order of their making. */
export async function searchObjects(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  search: ObjectSearch,
  page: SearchPage,
): Promise<FoundObject[]> {
  const { table, name } = directoryTables[kind];
  const leaf =
    kind === 'organizationalUnit'
      ? sql`not exists (select from organizational_unit below where below.parent_id = o.id)`
      : sql`true`;
  const { rows } = await sql<FoundObject>`
    select o.id, o.parent_id as "parentId", o.${name} as "name", ${enabledColumn(kind, 'o')} as "enabled", o.attributes,
      o.created_at as "createdAt", o.updated_at as "updatedAt", origin.id as "originId", origin.type as "originType",
      origin.annotations as "originAnnotations", origin.external_id as "originExternalId", ${leaf} as "leaf"
    from (
      select * from ${table} o
      where ${condition(tenantId, kind, search, page.after)}
      order by o.tenant_id, o.id limit ${page.limit} offset ${page.offset ?? 0}
    ) o
    left join lateral (
      select c.id, c.type, c.annotations, l.external_id from ${origins} order by s.position, s.id limit 1
    ) origin on true
    order by o.id`.execute(executor);
  return rows;
}

export async function countObjects(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  search: ObjectSearch,
): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from ${directoryTables[kind].table} o
    where ${condition(tenantId, kind, search)}`.execute(executor);
  return rows[0]?.total ?? 0;
}

/** The units above a unit, from the top down. */
export async function selectUnitsAbove(
  executor: Executor,
  tenantId: string,
  unitId: string,
): Promise<{ id: string; parentId: string | null }[]> {
  const { rows } = await sql<{ id: string; parentId: string | null }>`
    with recursive above (id, parent_id, level) as (
      select id, parent_id, 0 from organizational_unit where tenant_id = ${tenantId} and id = ${unitId}
      union all
      select unit.id, unit.parent_id, above.level + 1
      from above join organizational_unit as unit on unit.id = above.parent_id and unit.tenant_id = ${tenantId}
    ) cycle id set looped using path
    select id, parent_id as "parentId" from above where level > 0 and not looped order by level desc`.execute(
    executor,
  );
  return rows;
}

/** One side of a membership, with the connection that gave it. */
export interface FoundMembership {
  /** Of the member, or of the group. */
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly originId: string | null;
  readonly originType: string | null;
  readonly originAnnotations: Annotations | null;
}

/** Users in a group, or groups of a user, by id. */
export async function searchMemberships(
  executor: Executor,
  tenantId: string,
  of:
    | { readonly groupId: string; readonly memberIds?: readonly string[] | undefined }
    | { readonly userId: string },
  page: SearchPage,
): Promise<{ rows: FoundMembership[]; total: number }> {
  const users = 'groupId' in of;
  const other = users ? sql`m.member_id` : sql`m.group_id`;
  const table = users ? sql`directory_user` : sql`directory_group`;
  const name = users ? sql`o.username` : sql`o.name`;
  const conditions = [
    sql`m.tenant_id = ${tenantId} and m.member_kind = 'user'`,
    users ? sql`m.group_id = ${of.groupId}` : sql`m.member_id = ${of.userId}`,
  ];
  if (users && of.memberIds !== undefined)
    conditions.push(sql`m.member_id = any(${[...of.memberIds]}::text[])`);
  const where = sql.join(conditions, sql` and `);
  // The page first: else where each comes from was looked up for all the members before it.
  const { rows } = await sql<FoundMembership>`
    select o.id, ${name} as "name", o.attributes -> 'description' ->> 0 as "description",
      origin.id as "originId", origin.type as "originType",
      origin.annotations as "originAnnotations"
    from (select * from membership m where ${where} order by ${other} limit ${page.limit} offset ${page.offset ?? 0}) m
    join ${table} o on o.id = ${other}
    left join lateral (
      select c.id, c.type, c.annotations from membership_link x join sync s on s.serial = x.sync_serial and s.direction = 'ingress'
      join connection c on c.id = s.connection_id
      where x.group_id = m.group_id and x.member_id = m.member_id order by s.position, s.id limit 1
    ) origin on true
    order by ${other}`.execute(executor);
  const { rows: counted } = await sql<{ total: number }>`
    select count(*) as total from membership m where ${where}`.execute(executor);
  return { rows, total: counted[0]?.total ?? 0 };
}
