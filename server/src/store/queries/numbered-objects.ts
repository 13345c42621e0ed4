import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

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

export interface NumberedFilter {
  /** The whole name, whatever its letter case. */
  readonly nameKey?: string | undefined;
  readonly enabled?: boolean | undefined;
  /** Each must be part of the name, the display name or an e-mail address. */
  readonly words?: readonly string[] | undefined;
}

const tables = {
  user: sql`(select id, serial, tenant_id, username as name, username_key as name_key, enabled, attributes, created_at, updated_at
    from directory_user) o`,
  group: sql`(select id, serial, tenant_id, name, name_key, true as enabled, attributes, created_at, updated_at
    from directory_group) o`,
};

function condition(tenantId: string, filter: NumberedFilter): RawBuilder<unknown> {
  const conditions = [sql`o.tenant_id = ${tenantId}`];
  if (filter.nameKey !== undefined) conditions.push(sql`o.name_key = ${filter.nameKey}`);
  if (filter.enabled !== undefined) conditions.push(sql`o.enabled = ${filter.enabled}`);
  for (const word of filter.words ?? []) {
    const pattern = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    conditions.push(sql`(o.name ilike ${pattern} or o.attributes -> 'displayName' ->> 0 ilike ${pattern}
      or (o.attributes -> 'mail')::text ilike ${pattern})`);
  }
  return sql.join(conditions, sql` and `);
}

/** Objects in the order of their making, and how many there are. */
export async function selectNumberedObjects(
  executor: Executor,
  tenantId: string,
  kind: 'user' | 'group',
  filter: NumberedFilter,
  page: { readonly offset: number; readonly limit: number },
): Promise<NumberedObject[]> {
  const { rows } = await sql<NumberedObject>`
    select o.id, o.serial, o.name, o.enabled, o.attributes, o.created_at as "createdAt", o.updated_at as "updatedAt"
    from ${tables[kind]} where ${condition(tenantId, filter)}
    order by o.serial offset ${page.offset} limit ${page.limit}`.execute(executor);
  return rows;
}

export async function countNumberedObjects(
  executor: Executor,
  tenantId: string,
  kind: 'user' | 'group',
  filter: NumberedFilter,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from ${tables[kind]} where ${condition(tenantId, filter)}`.execute(executor);
  return rows[0]?.count ?? 0;
}
