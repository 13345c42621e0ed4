import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Direction, ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Database } from '../schema.ts';
import { behind } from './tenant-page.ts';

type Executor = Kysely<Database>;

export interface DirectoryRow {
  readonly id: string;
  readonly serial: number;
  readonly parentId: string | null;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface KindTable {
  readonly table: RawBuilder<unknown>;
  readonly name: RawBuilder<unknown>;
  readonly nameKey: RawBuilder<unknown>;
  readonly enabled: RawBuilder<unknown>;
}

const tables: Readonly<Record<ObjectKind, KindTable>> = {
  user: {
    table: sql`directory_user`,
    name: sql`username`,
    nameKey: sql`username_key`,
    enabled: sql`enabled`,
  },
  organizationalUnit: {
    table: sql`organizational_unit`,
    name: sql`name`,
    nameKey: sql`name_key`,
    enabled: sql`true`,
  },
  group: { table: sql`directory_group`, name: sql`name`, nameKey: sql`name_key`, enabled: sql`true` },
};

async function select(
  executor: Executor,
  kind: ObjectKind,
  where: RawBuilder<unknown>,
): Promise<DirectoryRow[]> {
  const { table, name, enabled } = tables[kind];
  const { rows } = await sql<DirectoryRow>`
    select id, serial, parent_id as "parentId", ${name} as "name", ${enabled} as "enabled", attributes, revision,
      created_at as "createdAt", updated_at as "updatedAt"
    from ${table} where ${where}`.execute(executor);
  return rows;
}

export interface DirectoryFilter {
  /** Right in this organizational unit; null: right in the root. */
  readonly parentId?: string | null | undefined;
  /** Beginning of the normalised name. */
  readonly namePrefix?: string | undefined;
  /** The whole normalised name. */
  readonly nameKey?: string | undefined;
}

/** Objects of a kind by id, those after the key. */
export async function selectObjects(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  filter: DirectoryFilter,
  page: { after?: string | undefined; limit: number },
): Promise<DirectoryRow[]> {
  const conditions = [behind(tenantId, page.after)];
  if (filter.parentId !== undefined) {
    conditions.push(filter.parentId === null ? sql`parent_id is null` : sql`parent_id = ${filter.parentId}`);
  }
  if (filter.namePrefix !== undefined)
    conditions.push(sql`starts_with(${tables[kind].nameKey}, ${filter.namePrefix})`);
  if (filter.nameKey !== undefined)
    conditions.push(sql`tenant_id = ${tenantId} and ${tables[kind].nameKey} = ${filter.nameKey}`);
  return select(
    executor,
    kind,
    sql`${sql.join(conditions, sql` and `)} order by tenant_id, id limit ${page.limit}`,
  );
}

export async function findObject(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  id: string,
): Promise<DirectoryRow | undefined> {
  return (await select(executor, kind, sql`tenant_id = ${tenantId} and id = ${id}`))[0];
}

export async function findUserByKey(
  executor: Executor,
  tenantId: string,
  usernameKey: string,
): Promise<DirectoryRow | undefined> {
  return (await select(executor, 'user', sql`tenant_id = ${tenantId} and username_key = ${usernameKey}`))[0];
}

/** The object with this normalised name right in a place. */
export async function findObjectInPlace(
  executor: Executor,
  tenantId: string,
  kind: ObjectKind,
  place: { parentId: string | null; nameKey: string },
): Promise<DirectoryRow | undefined> {
  const rows = await select(
    executor,
    kind,
    // The expression of the unique index over the place.
    sql`tenant_id = ${tenantId} and coalesce(parent_id, '') = ${place.parentId ?? ''}
      and ${tables[kind].nameKey} = ${place.nameKey}`,
  );
  return rows[0];
}

/** A unit and its ancestors have this many levels at most; a cycle ends here. */
const deepestLevel = 1000;

/** Names from the root down to each of the organizational units; one that does not exist is absent. */
export async function selectUnitPaths(
  executor: Executor,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, string[]>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ start: string; names: string[] }>`
    with recursive above (start, parent_id, name, level) as (
      select id, parent_id, name, 0 from organizational_unit
      where tenant_id = ${tenantId} and id = any(${[...ids]}::text[])
      union all
      select above.start, unit.parent_id, unit.name, above.level + 1
      from above join organizational_unit as unit on unit.id = above.parent_id and unit.tenant_id = ${tenantId}
      where above.level < ${sql.lit(deepestLevel)}
    )
    select start, array_agg(name order by level desc) as names from above group by start`.execute(executor);
  return new Map(rows.map((row) => [row.start, row.names]));
}

export interface LinkRow {
  readonly sync: string;
  readonly syncId: string;
  readonly connection: string;
  readonly direction: Direction;
  readonly externalId: string;
  readonly location: string | null;
  readonly state: 'live' | 'missing';
  readonly contribution: JsonAttributeMap | null;
  readonly linkedAt: Date;
}

/** Links of an object in the order of the syncs. */
export async function selectLinks(executor: Executor, objectId: string): Promise<LinkRow[]> {
  const { rows } = await sql<LinkRow>`
    select sync.name as "sync", sync.id as "syncId", connection.name as "connection", sync.direction,
      link.external_id as "externalId", link.location, link.state, link.contribution, link.linked_at as "linkedAt"
    from link
    join sync on sync.serial = link.sync_serial
    join connection on connection.id = sync.connection_id
    where link.object_id = ${objectId}
    order by sync.position, sync.id`.execute(executor);
  return rows;
}

/** Ids of the further organizational units of a user. */
export async function selectFurtherUnits(executor: Executor, userId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select organizational_unit_id as id from user_organizational_unit
    where user_id = ${userId} order by organizational_unit_id`.execute(executor);
  return rows.map((row) => row.id);
}

export interface MemberRow {
  readonly id: string;
  readonly kind: 'user' | 'group';
  readonly name: string;
  readonly since: Date;
}

/** Members of a group by id, those after the key. */
export async function selectMembers(
  executor: Executor,
  groupId: string,
  page: { after?: string | undefined; limit: number },
): Promise<MemberRow[]> {
  const { rows } = await sql<MemberRow>`
    select membership.member_id as id, membership.member_kind as kind,
      coalesce(directory_user.username, directory_group.name, '') as name, membership.created_at as since
    from membership
    left join directory_user on directory_user.id = membership.member_id
    left join directory_group on directory_group.id = membership.member_id
    where membership.group_id = ${groupId} and membership.member_id > ${page.after ?? ''}
    order by membership.member_id limit ${page.limit}`.execute(executor);
  return rows;
}

/** Groups that an object is a direct member of, by id, those after the key. */
export async function selectMemberships(
  executor: Executor,
  memberId: string,
  page: { after?: string | undefined; limit: number },
): Promise<MemberRow[]> {
  const { rows } = await sql<MemberRow>`
    select membership.group_id as id, 'group' as kind, directory_group.name, membership.created_at as since
    from membership join directory_group on directory_group.id = membership.group_id
    where membership.member_id = ${memberId} and membership.group_id > ${page.after ?? ''}
    order by membership.group_id limit ${page.limit}`.execute(executor);
  return rows;
}
