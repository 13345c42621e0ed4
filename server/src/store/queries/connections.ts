import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface ConnectionRow {
  readonly id: string;
  readonly serial: number;
  readonly tenantId: string;
  readonly name: string;
  readonly type: string;
  readonly settings: Record<string, unknown>;
  readonly sealedSecrets: Uint8Array | null;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** What people call it where a name of a configuration will not do. */
  readonly displayName: string | null;
  readonly description: string;
  /** Settings of an API that the engine does not read, by the name of the API. */
  readonly annotations: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const columns = sql`
  id, serial, tenant_id as "tenantId", name, type, settings, sealed_secrets as "sealedSecrets", revision,
  created_at as "createdAt", updated_at as "updatedAt", display_name as "displayName", description, annotations`;

async function select(executor: Executor, where: RawBuilder<unknown>): Promise<ConnectionRow[]> {
  const { rows } = await sql<ConnectionRow>`select ${columns} from connection where ${where}`.execute(
    executor,
  );
  return rows;
}

/** Connections of a tenant by id, those after the key. */
export async function selectConnections(
  executor: Executor,
  tenantId: string,
  page: { after?: string | undefined; limit: number },
): Promise<ConnectionRow[]> {
  return select(
    executor,
    sql`tenant_id = ${tenantId} and id > ${page.after ?? ''} order by id limit ${page.limit}`,
  );
}

/** The connection with this id, else the one with this name. */
export async function findConnection(
  executor: Executor,
  tenantId: string,
  idOrName: string,
): Promise<ConnectionRow | undefined> {
  const rows = await select(
    executor,
    sql`tenant_id = ${tenantId} and (id = ${idOrName} or name = ${idOrName}) order by (id = ${idOrName}) desc limit 1`,
  );
  return rows[0];
}

export async function insertConnection(
  executor: Executor,
  connection: Pick<ConnectionRow, 'id' | 'tenantId' | 'name' | 'type' | 'settings' | 'sealedSecrets'>,
): Promise<void> {
  await sql`
    insert into connection (id, tenant_id, name, type, settings, sealed_secrets)
    values (${connection.id}, ${connection.tenantId}, ${connection.name}, ${connection.type},
      ${JSON.stringify(connection.settings)}::jsonb, ${connection.sealedSecrets})`.execute(executor);
}

export async function renameConnection(executor: Executor, id: string, name: string): Promise<void> {
  await sql`update connection set name = ${name}, updated_at = now() where id = ${id}`.execute(executor);
}

export async function updateConnection(
  executor: Executor,
  id: string,
  to: Pick<ConnectionRow, 'type' | 'settings' | 'sealedSecrets'>,
): Promise<void> {
  await sql`
    update connection
    set type = ${to.type}, settings = ${JSON.stringify(to.settings)}::jsonb, sealed_secrets = ${to.sealedSecrets},
      revision = revision + 1, updated_at = now()
    where id = ${id}`.execute(executor);
}

export type ConnectionProfile = Partial<Pick<ConnectionRow, 'displayName' | 'description' | 'annotations'>>;

/** Changes what is given of a profile; annotations of other APIs stay. */
export async function updateConnectionProfile(
  executor: Executor,
  id: string,
  to: ConnectionProfile,
): Promise<void> {
  await sql`
    update connection
    set display_name = case when ${to.displayName !== undefined} then ${to.displayName ?? null} else display_name end,
      description = coalesce(${to.description ?? null}, description),
      annotations = annotations || ${JSON.stringify(to.annotations ?? {})}::jsonb, updated_at = now()
    where id = ${id}`.execute(executor);
}

export async function deleteConnectionRow(executor: Executor, id: string): Promise<void> {
  await sql`delete from connection where id = ${id}`.execute(executor);
}

/** Names of the syncs that use the connection. */
export async function selectSyncNamesOfConnection(
  executor: Executor,
  connectionId: string,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sync where connection_id = ${connectionId} order by position`.execute(executor);
  return rows.map((row) => row.name);
}
