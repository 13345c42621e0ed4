import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface PolicyRow {
  readonly name: string;
  readonly description: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** Ids of the keys that it is attached to. */
  readonly accessKeys: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = sql`
  name, description, document, created_at as "createdAt", updated_at as "updatedAt",
  (select coalesce(json_agg(access_key_id order by access_key_id), '[]') from access_key_policy
   where access_key_policy.tenant_id = access_policy.tenant_id and policy_name = name) as "accessKeys"
  from access_policy`;

/** Policies of a tenant by name, those after the given one. */
export async function selectPolicies(
  executor: Executor,
  tenantId: string,
  page: { after?: string | undefined; limit: number },
): Promise<PolicyRow[]> {
  const { rows } = await sql<PolicyRow>`
    select ${columns} where tenant_id = ${tenantId} and name > ${page.after ?? ''}
    order by name limit ${page.limit}`.execute(executor);
  return rows;
}

export async function findPolicy(
  executor: Executor,
  tenantId: string,
  name: string,
): Promise<PolicyRow | undefined> {
  const { rows } = await sql<PolicyRow>`
    select ${columns} where tenant_id = ${tenantId} and name = ${name}`.execute(executor);
  return rows[0];
}

export async function upsertPolicy(
  executor: Executor,
  tenantId: string,
  policy: { name: string; description: string; document: unknown },
): Promise<void> {
  await sql`
    insert into access_policy (tenant_id, name, description, document)
    values (${tenantId}, ${policy.name}, ${policy.description}, ${JSON.stringify(policy.document)}::jsonb)
    on conflict (tenant_id, name) do update
      set description = excluded.description, document = excluded.document, updated_at = now()`.execute(
    executor,
  );
}

export async function deletePolicyRow(executor: Executor, tenantId: string, name: string): Promise<void> {
  await sql`delete from access_policy where tenant_id = ${tenantId} and name = ${name}`.execute(executor);
}

/** Attaching twice is once. */
export async function attachPolicyRow(
  executor: Executor,
  tenantId: string,
  accessKeyId: string,
  policyName: string,
): Promise<void> {
  await sql`
    insert into access_key_policy (access_key_id, tenant_id, policy_name)
    values (${accessKeyId}, ${tenantId}, ${policyName}) on conflict do nothing`.execute(executor);
}

/** @returns whether it was attached. */
export async function detachPolicyRow(
  executor: Executor,
  tenantId: string,
  accessKeyId: string,
  policyName: string,
): Promise<boolean> {
  const { rows } = await sql`
    delete from access_key_policy
    where tenant_id = ${tenantId} and access_key_id = ${accessKeyId} and policy_name = ${policyName}
    returning policy_name`.execute(executor);
  return rows.length > 0;
}
