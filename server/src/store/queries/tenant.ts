import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Directory attribute to the names of the ingress syncs that may set it, best first. */
export async function findTenantPrecedence(
  executor: Executor,
  tenantId: string,
): Promise<Record<string, string[]>> {
  const { rows } = await sql<{ precedence: Record<string, string[]> }>`
    select precedence from tenant where id = ${tenantId}`.execute(executor);
  return rows[0]?.precedence ?? {};
}

export async function updateTenantPrecedence(
  executor: Executor,
  tenantId: string,
  precedence: Record<string, string[]>,
): Promise<void> {
  await sql`
    update tenant set precedence = ${JSON.stringify(precedence)}::jsonb where id = ${tenantId}`.execute(
    executor,
  );
}

/** Lets one writer at a time change the configuration of a tenant; released at the end of the transaction. */
export async function lockTenant(executor: Executor, tenantId: string): Promise<void> {
  await sql`select id from tenant where id = ${tenantId} for no key update`.execute(executor);
}

export interface TenantRow {
  readonly id: string;
  readonly serial: number;
  readonly name: string;
  readonly description: string;
  /** Stands for the root of the directory where an API wants an id. */
  readonly rootId: string;
  readonly createdAt: Date;
}

export async function findTenant(executor: Executor, tenantId: string): Promise<TenantRow | undefined> {
  const { rows } = await sql<TenantRow>`
    select id, serial, name, description, root_id as "rootId", created_at as "createdAt"
    from tenant where id = ${tenantId}`.execute(executor);
  return rows[0];
}

/** Tenants by id, those after the given one. */
export async function selectTenants(
  executor: Executor,
  page: { after?: string | undefined; limit: number },
): Promise<Pick<TenantRow, 'id' | 'name' | 'createdAt'>[]> {
  const { rows } = await sql<Pick<TenantRow, 'id' | 'name' | 'createdAt'>>`
    select id, name, created_at as "createdAt" from tenant where id > ${page.after ?? ''}
    order by id limit ${page.limit}`.execute(executor);
  return rows;
}

export async function updateTenantDescription(
  executor: Executor,
  tenantId: string,
  description: string,
): Promise<void> {
  await sql`update tenant set description = ${description} where id = ${tenantId}`.execute(executor);
}

/** The number that some APIs call a tenant by. */
export async function findTenantSerial(executor: Executor, tenantId: string): Promise<number | undefined> {
  const { rows } = await sql<{ serial: number }>`select serial from tenant where id = ${tenantId}`.execute(
    executor,
  );
  return rows[0]?.serial;
}
