import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';
import { findSyncById, type SyncRow } from './syncs.ts';

type Executor = Kysely<Database>;

/** Syncs of a connection in the order of the configuration. */
export async function selectSyncsOfConnection(
  executor: Executor,
  tenantId: string,
  connectionId: string,
): Promise<SyncRow[]> {
  const { rows } = await sql<{ id: string }>`
    select id from sync where tenant_id = ${tenantId} and connection_id = ${connectionId}
    order by position, id`.execute(executor);
  const syncs: SyncRow[] = [];
  for (const { id } of rows) {
    const sync = await findSyncById(executor, id);
    if (sync !== undefined) syncs.push(sync);
  }
  return syncs;
}

/** Also those of connections that are gone: their jobs stay. */
export async function selectConnectionIdsOfTypes(
  executor: Executor,
  tenantId: string,
  types: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from connection where tenant_id = ${tenantId} and type = any(${types}::text[])
    union
    select id from former_connection where tenant_id = ${tenantId} and type = any(${types}::text[])`.execute(
    executor,
  );
  return rows.map(({ id }) => id);
}

/** From the rollups: also connections that are gone. */
export async function selectConnectionIdsWithJobs(executor: Executor, tenantId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct connection_id as id from job_count where tenant_id = ${tenantId}`.execute(executor);
  return rows.map(({ id }) => id);
}
