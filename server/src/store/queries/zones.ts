import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';
import { selectSlice, type Slice, type SlicePage } from './slice.ts';

type Executor = Kysely<Database>;

export interface ZoneNetwork {
  readonly id: string;
  readonly name: string;
}

export interface ZoneRow {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly type: string;
  readonly network: ZoneNetwork | null;
  /** Names of the connections whose people may be let in, in alphabetical order. */
  readonly connections: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = sql`
  z.id, z.serial, z.name, z.type, z.network, z.created_at as "createdAt", z.updated_at as "updatedAt",
  array(select c.name from authorization_zone_connection zc join connection c on c.id = zc.connection_id
    where zc.zone_id = z.id order by c.name collate "C") as "connections"`;
const from = sql`authorization_zone z`;

async function select(executor: Executor, where: RawBuilder<unknown>): Promise<ZoneRow[]> {
  const { rows } = await sql<ZoneRow>`select ${columns} from ${from} where ${where}`.execute(executor);
  return rows;
}

/** Zones of a tenant, oldest first. */
export async function selectZones(
  executor: Executor,
  tenantId: string,
  page: SlicePage,
): Promise<Slice<ZoneRow>> {
  const where = sql`z.tenant_id = ${tenantId}`;
  const serial = sql`z.serial`;
  return selectSlice(executor, { columns, from, where, sortedBy: serial, sortType: 'bigint', serial }, page);
}

/** Zones of a tenant by id, those after the key. */
export async function selectZonesById(
  executor: Executor,
  tenantId: string,
  page: { after?: string | undefined; limit: number },
): Promise<ZoneRow[]> {
  return select(
    executor,
    sql`z.tenant_id = ${tenantId} and z.id > ${page.after ?? ''} order by z.id limit ${page.limit}`,
  );
}

export async function selectZonesOfConnection(executor: Executor, connectionId: string): Promise<ZoneRow[]> {
  return select(
    executor,
    sql`exists (select from authorization_zone_connection l where l.zone_id = z.id and l.connection_id = ${connectionId})
      order by z.serial`,
  );
}

/** The zone with this id, else the one with this name. */
export async function findZone(
  executor: Executor,
  tenantId: string,
  idOrName: string,
): Promise<ZoneRow | undefined> {
  const rows = await select(
    executor,
    sql`z.tenant_id = ${tenantId} and (z.id = ${idOrName} or z.name = ${idOrName})
      order by (z.id = ${idOrName}) desc limit 1`,
  );
  return rows[0];
}

export async function findZoneBySerial(
  executor: Executor,
  tenantId: string,
  serial: number,
): Promise<ZoneRow | undefined> {
  return (await select(executor, sql`z.tenant_id = ${tenantId} and z.serial = ${serial}`))[0];
}

export interface ZoneWrite {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  readonly type: string;
  readonly network: ZoneNetwork | null;
  readonly connectionIds: readonly string[];
}

/** Inserts a zone, or changes the one with its id. */
export async function writeZone(executor: Executor, zone: ZoneWrite): Promise<void> {
  const network = zone.network === null ? null : JSON.stringify(zone.network);
  await sql`
    insert into authorization_zone (id, tenant_id, name, type, network)
    values (${zone.id}, ${zone.tenantId}, ${zone.name}, ${zone.type}, ${network}::jsonb)
    on conflict (id) do update set name = excluded.name, type = excluded.type, network = excluded.network,
      updated_at = now()`.execute(executor);
  await sql`delete from authorization_zone_connection where zone_id = ${zone.id}`.execute(executor);
  await sql`
    insert into authorization_zone_connection (zone_id, connection_id)
    select ${zone.id}, connection_id from unnest(${zone.connectionIds}::text[]) as connection_id`.execute(
    executor,
  );
}

export async function deleteZoneRow(executor: Executor, id: string): Promise<void> {
  await sql`delete from authorization_zone where id = ${id}`.execute(executor);
}
