import { sql, type Kysely } from 'kysely';
import type { ConnectionTest } from '@lockstep/contract/connection.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface ConnectionCheckRow {
  readonly id: string;
  readonly connectionId: string;
  readonly status: 'running' | 'success' | 'failed';
  readonly steps: ConnectionTest['steps'];
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

export async function insertConnectionCheck(
  executor: Executor,
  check: { readonly id: string; readonly tenantId: string; readonly connectionId: string },
): Promise<void> {
  await sql`
    insert into connection_check (id, tenant_id, connection_id, status)
    values (${check.id}, ${check.tenantId}, ${check.connectionId}, 'running')`.execute(executor);
}

export async function endConnectionCheck(
  executor: Executor,
  id: string,
  status: 'success' | 'failed',
  steps: ConnectionTest['steps'],
): Promise<void> {
  await sql`
    update connection_check set status = ${status}, steps = ${JSON.stringify(steps)}::jsonb, ended_at = now()
    where id = ${id}`.execute(executor);
}

export async function findConnectionCheck(
  executor: Executor,
  tenantId: string,
  connectionId: string,
  id: string,
): Promise<ConnectionCheckRow | undefined> {
  const { rows } = await sql<ConnectionCheckRow>`
    select id, connection_id as "connectionId", status, steps, started_at as "startedAt", ended_at as "endedAt"
    from connection_check where tenant_id = ${tenantId} and connection_id = ${connectionId} and id = ${id}`.execute(
    executor,
  );
  return rows[0];
}

/** Forgets tests of a connection that ended, or broke off, before a time. */
export async function deleteOldConnectionChecks(
  executor: Executor,
  connectionId: string,
  before: Date,
): Promise<void> {
  await sql`
    delete from connection_check where connection_id = ${connectionId} and started_at < ${before}`.execute(
    executor,
  );
}
