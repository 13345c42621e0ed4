import { sql, type Kysely } from 'kysely';
import type { Role } from '@lockstep/contract/account.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Any number that no other lock of this product uses. */
const bootstrapLock = 0x10c5_7e90;

/** Lets one process at a time look whether the installation exists; released at the end of the transaction. */
export async function lockInstallation(executor: Executor): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(bootstrapLock)})`.execute(executor);
}

/** The oldest tenant with an administrator, or undefined on an empty store. */
export async function findInstalledTenant(
  executor: Executor,
): Promise<{ tenantId: string; accountId: string } | undefined> {
  const { rows } = await sql<{ tenantId: string; accountId: string }>`
    select tenant.id as "tenantId", account.id as "accountId"
    from tenant join account on account.tenant_id = tenant.id
    where account.role = 'administrator'
    order by tenant.serial, account.serial
    limit 1`.execute(executor);
  return rows[0];
}

/** @returns false when another tenant has the name. */
export async function insertTenant(
  executor: Executor,
  tenant: { id: string; name: string },
): Promise<boolean> {
  await sql`insert into installation (only_row) values (true) on conflict do nothing`.execute(executor);
  const { rows } = await sql`
    insert into tenant (id, name) values (${tenant.id}, ${tenant.name}) on conflict (name) do nothing
    returning id`.execute(executor);
  return rows.length > 0;
}

export async function insertAccount(
  executor: Executor,
  account: { id: string; tenantId: string; name: string; role: Role },
): Promise<void> {
  await sql`
    insert into account (id, tenant_id, name, role)
    values (${account.id}, ${account.tenantId}, ${account.name}, ${account.role})`.execute(executor);
}

export async function insertAccessKey(
  executor: Executor,
  key: { id: string; tenantId: string; accountId: string; sealedSecret: Uint8Array },
): Promise<void> {
  await sql`
    insert into access_key (id, tenant_id, account_id, sealed_secret)
    values (${key.id}, ${key.tenantId}, ${key.accountId}, ${key.sealedSecret})`.execute(executor);
}

/** Whom a request acts for. */
export interface CallerRow {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly role: Role;
}

export interface FoundToken {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly lastUsedAt: Date | null;
  readonly caller: CallerRow;
}

const callerColumns = sql`
  account.tenant_id as "tenantId", tenant.name as "tenantName", account.id as "accountId", account.name as "accountName",
  account.role`;

/** The token with this hash, unless it is revoked or expired at `now`. */
export async function findToken(
  executor: Executor,
  hash: Uint8Array,
  now: Date,
): Promise<FoundToken | undefined> {
  const { rows } = await sql<CallerRow & Omit<FoundToken, 'caller'>>`
    select api_token.id, api_token.token_hash as hash, api_token.last_used_at as "lastUsedAt", ${callerColumns}
    from api_token
    join account on account.id = api_token.account_id
    join tenant on tenant.id = account.tenant_id
    where api_token.token_hash = ${hash}
      and api_token.revoked_at is null
      and (api_token.expires_at is null or api_token.expires_at > ${now})`.execute(executor);
  if (rows[0] === undefined) return undefined;
  const { id, hash: found, lastUsedAt, ...caller } = rows[0];
  return { id, hash: found, lastUsedAt, caller };
}

export async function findAccount(executor: Executor, accountId: string): Promise<CallerRow | undefined> {
  const { rows } = await sql<CallerRow>`
    select ${callerColumns} from account join tenant on tenant.id = account.tenant_id
    where account.id = ${accountId}`.execute(executor);
  return rows[0];
}

/** The oldest administrator of a tenant, which is named by its id or name. */
export async function findAdministrator(executor: Executor, tenant: string): Promise<CallerRow | undefined> {
  const { rows } = await sql<CallerRow>`
    select ${callerColumns} from account join tenant on tenant.id = account.tenant_id
    where (tenant.id = ${tenant} or tenant.name = ${tenant}) and account.role = 'administrator'
    order by tenant.id = ${tenant} desc, account.serial limit 1`.execute(executor);
  return rows[0];
}
