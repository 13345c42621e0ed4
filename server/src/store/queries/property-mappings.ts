import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface PropertyMappingRow {
  readonly id: string;
  readonly tenantId: string;
  readonly connectionType: string;
  readonly name: string;
  readonly expression: string;
  readonly managed: string | null;
}

const columns = sql`m.id, m.tenant_id as "tenantId", m.connection_type as "connectionType", m.name, m.expression, m.managed`;

async function select(executor: Executor, where: RawBuilder<unknown>): Promise<PropertyMappingRow[]> {
  const { rows } = await sql<PropertyMappingRow>`
    select ${columns} from property_mapping m where ${where}`.execute(executor);
  return rows;
}

/** All of a tenant, by name. */
export async function selectPropertyMappings(
  executor: Executor,
  tenantId: string,
): Promise<PropertyMappingRow[]> {
  return select(executor, sql`m.tenant_id = ${tenantId} order by m.name, m.id`);
}

export async function findPropertyMapping(
  executor: Executor,
  tenantId: string,
  id: string,
): Promise<PropertyMappingRow | undefined> {
  return (await select(executor, sql`m.tenant_id = ${tenantId} and m.id = ${id}`))[0];
}

/** Adds it, or replaces the one with its id. */
export async function putPropertyMapping(executor: Executor, row: PropertyMappingRow): Promise<void> {
  await sql`
    insert into property_mapping (id, tenant_id, connection_type, name, expression, managed)
    values (${row.id}, ${row.tenantId}, ${row.connectionType}, ${row.name}, ${row.expression}, ${row.managed})
    on conflict (id) do update set name = excluded.name, expression = excluded.expression,
      managed = excluded.managed, updated_at = now()`.execute(executor);
}

export async function deletePropertyMappingRow(executor: Executor, id: string): Promise<void> {
  await sql`delete from property_mapping where id = ${id}`.execute(executor);
}

export interface SyncMappingRow extends PropertyMappingRow {
  readonly syncId: string;
  readonly kind: 'user' | 'group';
}

/** Property mappings of these syncs, each sync's and kind's in their order. */
export async function selectMappingsOfSyncs(
  executor: Executor,
  syncIds: readonly string[],
): Promise<SyncMappingRow[]> {
  const { rows } = await sql<SyncMappingRow>`
    select s.sync_id as "syncId", s.kind, ${columns}
    from sync_property_mapping s join property_mapping m on m.id = s.mapping_id
    where s.sync_id = any(${[...syncIds]}::text[]) order by s.sync_id, s.kind, s.position`.execute(executor);
  return rows;
}

/** Ids of the syncs that use a mapping. */
export async function selectSyncsOfMapping(executor: Executor, mappingId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct sync_id as id from sync_property_mapping where mapping_id = ${mappingId} order by 1`.execute(
    executor,
  );
  return rows.map(({ id }) => id);
}

/** Gives a sync these mappings for a kind, instead of those it had. */
export async function replaceMappingsOfSync(
  executor: Executor,
  syncId: string,
  kind: 'user' | 'group',
  mappingIds: readonly string[],
): Promise<void> {
  await sql`delete from sync_property_mapping where sync_id = ${syncId} and kind = ${kind}`.execute(executor);
  await sql`
    insert into sync_property_mapping (sync_id, kind, mapping_id, position)
    select ${syncId}, ${kind}, id, ordinal
    from unnest(${[...mappingIds]}::text[]) with ordinality as given (id, ordinal)`.execute(executor);
}
