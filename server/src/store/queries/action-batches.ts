import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export type ActionBatchStatus = 'unconfirmed' | 'pending' | 'completed' | 'failed';

export interface CreatedResource {
  readonly id: string;
  readonly uri: string;
}

export interface ActionBatchRow {
  readonly id: string;
  readonly serial: number;
  readonly accountId: string;
  readonly status: ActionBatchStatus;
  readonly synchronous: boolean;
  readonly sealedActions: Uint8Array;
  readonly errors: readonly string[];
  readonly createdResources: readonly CreatedResource[];
  readonly createdAt: Date;
}

const columns = sql`
  id, serial, account_id as "accountId", status, synchronous, sealed_actions as "sealedActions", errors,
  created_resources as "createdResources", created_at as "createdAt"`;

async function select(executor: Executor, rest: RawBuilder<unknown>): Promise<ActionBatchRow[]> {
  const { rows } = await sql<ActionBatchRow>`select ${columns} from action_batch where ${rest}`.execute(
    executor,
  );
  return rows;
}

export async function insertActionBatch(
  executor: Executor,
  batch: Pick<
    ActionBatchRow,
    'id' | 'accountId' | 'status' | 'synchronous' | 'sealedActions' | 'createdAt'
  > & {
    readonly tenantId: string;
  },
): Promise<number> {
  const { rows } = await sql<{ serial: number }>`
    insert into action_batch (id, tenant_id, account_id, status, synchronous, sealed_actions, created_at, updated_at)
    values (${batch.id}, ${batch.tenantId}, ${batch.accountId}, ${batch.status}, ${batch.synchronous},
      ${batch.sealedActions}, ${batch.createdAt}, ${batch.createdAt})
    returning serial`.execute(executor);
  return rows[0]?.serial ?? 0;
}

/** The newest batches of a tenant. */
export async function selectActionBatches(
  executor: Executor,
  tenantId: string,
  statuses: readonly ActionBatchStatus[] | undefined,
  limit: number,
): Promise<ActionBatchRow[]> {
  const wanted = statuses === undefined ? sql`true` : sql`status = any(${statuses}::text[])`;
  return select(executor, sql`tenant_id = ${tenantId} and ${wanted} order by serial desc limit ${limit}`);
}

export async function findActionBatch(
  executor: Executor,
  tenantId: string,
  serial: number,
): Promise<ActionBatchRow | undefined> {
  return (await select(executor, sql`tenant_id = ${tenantId} and serial = ${serial}`))[0];
}

/** Serials of batches that wait to be carried out, oldest first. */
export async function selectPendingBatches(executor: Executor, tenantId: string): Promise<number[]> {
  const rows = await select(executor, sql`tenant_id = ${tenantId} and status = 'pending' order by serial`);
  return rows.map((row) => row.serial);
}

/**
 * A pending batch, locked until the transaction ends; undefined when another process has it or it is done.
 */
export async function claimActionBatch(
  executor: Executor,
  tenantId: string,
  serial: number,
): Promise<ActionBatchRow | undefined> {
  const rows = await select(
    executor,
    sql`tenant_id = ${tenantId} and serial = ${serial} and status = 'pending' for update skip locked`,
  );
  return rows[0];
}

/** Waits for the end of those batches of an account that are carried out, and keeps the others from it. */
export async function lockActionBatchesOf(executor: Executor, accountId: string): Promise<void> {
  await sql`select from action_batch where account_id = ${accountId} for update`.execute(executor);
}

export async function endActionBatch(
  executor: Executor,
  tenantId: string,
  serial: number,
  end: {
    readonly status: 'completed' | 'failed';
    readonly errors: readonly string[];
    readonly createdResources: readonly CreatedResource[];
  },
): Promise<void> {
  await sql`
    update action_batch set status = ${end.status}, errors = ${JSON.stringify(end.errors)}::jsonb,
      created_resources = ${JSON.stringify(end.createdResources)}::jsonb, updated_at = now()
    where tenant_id = ${tenantId} and serial = ${serial} and status = 'pending'`.execute(executor);
}

/** Confirms a batch that is not. @returns whether this call did. */
export async function confirmActionBatch(
  executor: Executor,
  tenantId: string,
  serial: number,
  synchronous: boolean,
): Promise<boolean> {
  const { rows } = await sql`
    update action_batch set status = 'pending', synchronous = ${synchronous}, updated_at = now()
    where tenant_id = ${tenantId} and serial = ${serial} and status = 'unconfirmed' returning id`.execute(
    executor,
  );
  return rows.length > 0;
}

/** Deletes a batch that is not waiting to be carried out. @returns whether there was one. */
export async function deleteActionBatchRow(
  executor: Executor,
  tenantId: string,
  serial: number,
): Promise<boolean> {
  const { rows } = await sql`
    delete from action_batch where tenant_id = ${tenantId} and serial = ${serial} and status <> 'pending'
    returning id`.execute(executor);
  return rows.length > 0;
}

/** Forgets batches of a tenant that nobody confirmed in time. */
export async function deleteUnconfirmedBatches(
  executor: Executor,
  tenantId: string,
  before: Date,
): Promise<void> {
  await sql`
    delete from action_batch
    where tenant_id = ${tenantId} and status = 'unconfirmed' and created_at < ${before}`.execute(executor);
}
