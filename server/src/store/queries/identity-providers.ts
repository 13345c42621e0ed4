import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';
import { selectSlice, type Slice, type SlicePage } from './slice.ts';

type Executor = Kysely<Database>;

/** A connection that people come from, with the ingress sync that brings them. */
export interface IdentityProviderRow {
  readonly id: string;
  readonly serial: number;
  /** The name in the configuration. */
  readonly name: string;
  readonly displayName: string | null;
  readonly description: string;
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly syncId: string;
  readonly syncName: string;
  readonly syncEnabled: boolean;
  readonly scheduled: boolean;
}

export interface IdentityProviderFilter {
  readonly serials?: readonly number[] | undefined;
  readonly types?: readonly string[] | undefined;
  readonly zone?: { readonly serial?: number | undefined; readonly type?: string | undefined } | undefined;
  /** Only those whose sync has run, or was asked to. */
  readonly withJob?: boolean | undefined;
}

const columns = sql`
  c.id, c.serial, c.name, c.display_name as "displayName", c.description, c.type, c.settings,
  c.created_at as "createdAt", greatest(c.updated_at, s.updated_at) as "updatedAt", s.id as "syncId",
  s.name as "syncName", s.enabled as "syncEnabled", s.settings ? 'schedule' as "scheduled"`;

/** The first ingress sync of a connection speaks for it. */
const from = sql`
  connection c join lateral (
    select * from sync where sync.connection_id = c.id and sync.direction = 'ingress'
    order by sync.position, sync.id limit 1) s on true`;

/** Jobs that write: previews are nobody's business but of who asked for them. */
const latestJob = sql`
  select j.id from sync k join job j on j.sync_id = k.id
  where k.connection_id = c.id and k.direction = 'ingress' and j.mode in ('apply', 'approve')`;

export function inZone(zone: NonNullable<IdentityProviderFilter['zone']>, connection: RawBuilder<unknown>) {
  return sql`exists (
    select from authorization_zone_connection zc join authorization_zone z on z.id = zc.zone_id
    where zc.connection_id = ${connection} and ${zone.serial === undefined ? sql`true` : sql`z.serial = ${zone.serial}`}
      and ${zone.type === undefined ? sql`true` : sql`z.type = ${zone.type}`})`;
}

function condition(tenantId: string, filter: IdentityProviderFilter): RawBuilder<unknown> {
  const conditions = [sql`c.tenant_id = ${tenantId}`];
  if (filter.serials !== undefined) conditions.push(sql`c.serial = any(${filter.serials}::bigint[])`);
  if (filter.types !== undefined) conditions.push(sql`c.type = any(${filter.types}::text[])`);
  if (filter.zone !== undefined) conditions.push(inZone(filter.zone, sql`c.id`));
  if (filter.withJob === true) conditions.push(sql`exists (${latestJob})`);
  return sql.join(conditions, sql` and `);
}

/** Identity providers of a tenant, oldest first. */
export async function selectIdentityProviders(
  executor: Executor,
  tenantId: string,
  filter: IdentityProviderFilter,
  page: SlicePage,
): Promise<Slice<IdentityProviderRow>> {
  const where = condition(tenantId, filter);
  const serial = sql`c.serial`;
  return selectSlice(executor, { columns, from, where, sortedBy: serial, sortType: 'bigint', serial }, page);
}

export async function findIdentityProvider(
  executor: Executor,
  tenantId: string,
  serial: number,
): Promise<IdentityProviderRow | undefined> {
  const { rows } = await sql<IdentityProviderRow>`
    select ${columns} from ${from} where ${condition(tenantId, { serials: [serial] })}`.execute(executor);
  return rows[0];
}

/** The newest job of each connection's ingress syncs that is no preview. */
export async function selectLatestIngressJobs(
  executor: Executor,
  tenantId: string,
  connectionIds: readonly string[],
): Promise<{ connectionId: string; jobId: string }[]> {
  const { rows } = await sql<{ connectionId: string; jobId: string }>`
    select c.id as "connectionId", l.id as "jobId"
    from connection c join lateral (${latestJob} order by j.id desc limit 1) l on true
    where c.tenant_id = ${tenantId} and c.id = any(${connectionIds}::text[])`.execute(executor);
  return rows;
}

/** Serials of connections, those that are gone included. */
export async function selectConnectionSerials(
  executor: Executor,
  tenantId: string,
  ids: readonly string[],
): Promise<{ id: string; serial: number }[]> {
  const { rows } = await sql<{ id: string; serial: number }>`
    select id, serial from connection where tenant_id = ${tenantId} and id = any(${ids}::text[])
    union all
    select id, serial from former_connection where tenant_id = ${tenantId} and id = any(${ids}::text[])`.execute(
    executor,
  );
  return rows;
}

/** The connection with this serial, also one that is gone. */
export async function findConnectionId(
  executor: Executor,
  tenantId: string,
  serial: number,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from connection where tenant_id = ${tenantId} and serial = ${serial}
    union all
    select id from former_connection where tenant_id = ${tenantId} and serial = ${serial}`.execute(executor);
  return rows[0]?.id;
}

/** Names of all connections and syncs of a tenant. */
export async function selectTakenNames(executor: Executor, tenantId: string): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`
    select name from connection where tenant_id = ${tenantId}
    union select name from sync where tenant_id = ${tenantId}`.execute(executor);
  return new Set(rows.map((row) => row.name));
}
