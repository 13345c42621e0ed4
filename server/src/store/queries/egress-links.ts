import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Database } from '../schema.ts';
import { orderBy, type Order } from './order-by.ts';

type Executor = Kysely<Database>;
export type LinkedKind = 'user' | 'group';

/** A link of an egress sync, with the directory object that it ties. */
export interface EgressLinkRow {
  readonly externalId: string;
  readonly syncSerial: number;
  readonly connectionSerial: number;
  readonly connectionName: string;
  readonly objectId: string;
  readonly objectSerial: number;
  readonly objectName: string;
  readonly objectEnabled: boolean;
  readonly objectAttributes: JsonAttributeMap;
}

export interface EgressLinkFilter {
  /** Syncs whose links are looked at; they belong to the caller's tenant. */
  readonly syncSerials: readonly number[];
  readonly connectionSerial?: number | undefined;
  readonly objectSerial?: number | undefined;
  readonly objectId?: string | undefined;
  readonly objectName?: string | undefined;
  /** Each must be part of the connection's name or of the object's. */
  readonly words?: readonly string[] | undefined;
}

const objects = {
  user: sql`select id, serial, username as name, username_key as name_key, enabled, attributes, tenant_id from directory_user`,
  group: sql`select id, serial, name, name_key, true as enabled, attributes, tenant_id from directory_group`,
};
const connectionName = sql`coalesce(c.display_name, c.name)`;

function from(kind: LinkedKind): RawBuilder<unknown> {
  return sql`link l join sync s on s.serial = l.sync_serial join connection c on c.id = s.connection_id
    join (${objects[kind]}) d on d.id = l.object_id and d.tenant_id = s.tenant_id`;
}

function condition(kind: LinkedKind, tenantId: string, filter: EgressLinkFilter): RawBuilder<unknown> {
  const conditions = [
    sql`s.tenant_id = ${tenantId} and l.kind = ${kind}`,
    sql`l.sync_serial = any(${[...filter.syncSerials]}::bigint[])`,
  ];
  if (filter.connectionSerial !== undefined) conditions.push(sql`c.serial = ${filter.connectionSerial}`);
  if (filter.objectSerial !== undefined) conditions.push(sql`d.serial = ${filter.objectSerial}`);
  if (filter.objectId !== undefined) conditions.push(sql`d.id = ${filter.objectId}`);
  if (filter.objectName !== undefined) conditions.push(sql`d.name = ${filter.objectName}`);
  for (const word of filter.words ?? []) {
    const pattern = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    conditions.push(sql`(${connectionName} ilike ${pattern} or d.name ilike ${pattern})`);
  }
  return sql.join(conditions, sql` and `);
}

/** What links can be sorted by; objects that were made earlier come first where that leaves a choice. */
const columns = {
  externalId: sql`l.external_id`,
  object: sql`d.serial`,
  objectName: sql`d.name_key`,
  connection: sql`c.serial`,
} as const;
export type EgressLinkColumn = keyof typeof columns;

/** Links in the order asked for. */
export async function selectEgressLinks(
  executor: Executor,
  tenantId: string,
  kind: LinkedKind,
  filter: EgressLinkFilter,
  page: { readonly offset: number; readonly limit: number; readonly order?: Order<EgressLinkColumn> },
): Promise<EgressLinkRow[]> {
  const { rows } = await sql<EgressLinkRow>`
    select l.external_id as "externalId", l.sync_serial as "syncSerial", c.serial as "connectionSerial",
      ${connectionName} as "connectionName", d.id as "objectId", d.serial as "objectSerial", d.name as "objectName",
      d.enabled as "objectEnabled", d.attributes as "objectAttributes"
    from ${from(kind)} where ${condition(kind, tenantId, filter)}
    order by ${orderBy(columns, page.order ?? [], sql`l.sync_serial, d.serial`)} offset ${page.offset} limit ${page.limit}`.execute(
    executor,
  );
  return rows;
}

export async function countEgressLinks(
  executor: Executor,
  tenantId: string,
  kind: LinkedKind,
  filter: EgressLinkFilter,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from ${from(kind)} where ${condition(kind, tenantId, filter)}`.execute(executor);
  return rows[0]?.count ?? 0;
}

/** @returns whether it was added; not so when object or external id are linked in this sync already. */
export async function insertLink(
  executor: Executor,
  link: {
    readonly syncSerial: number;
    readonly kind: LinkedKind;
    readonly externalId: string;
    readonly objectId: string;
  },
): Promise<boolean> {
  const { rows } = await sql`
    insert into link (sync_serial, kind, external_id, object_id)
    values (${link.syncSerial}, ${link.kind}, ${link.externalId}, ${link.objectId})
    on conflict do nothing returning 1 as added`.execute(executor);
  return rows.length > 0;
}

/** Drops the tie between an object and its counterpart; both stay. */
export async function deleteLink(
  executor: Executor,
  link: { readonly syncSerial: number; readonly objectId: string },
): Promise<void> {
  await sql`
    delete from link where sync_serial = ${link.syncSerial} and object_id = ${link.objectId}`.execute(
    executor,
  );
  await sql`
    delete from membership_link where sync_serial = ${link.syncSerial} and group_id = ${link.objectId}`.execute(
    executor,
  );
}
