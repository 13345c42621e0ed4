import { sql, type Kysely } from 'kysely';
import type { Role } from '@lockstep/contract/account.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
}

const columns = sql`id, name, role, created_at as "createdAt"`;

/** Accounts of a tenant by id, which is the order in which they were made; those after the given one. */
export async function selectAccounts(
  executor: Executor,
  tenantId: string,
  page: { after?: string | undefined; limit: number },
): Promise<AccountRow[]> {
  const { rows } = await sql<AccountRow>`
    select ${columns} from account where tenant_id = ${tenantId} and id > ${page.after ?? ''}
    order by id limit ${page.limit}`.execute(executor);
  return rows;
}

export async function findAccountByName(
  executor: Executor,
  tenantId: string,
  name: string,
): Promise<AccountRow | undefined> {
  const { rows } = await sql<AccountRow>`
    select ${columns} from account where tenant_id = ${tenantId} and name = ${name}`.execute(executor);
  return rows[0];
}

/** Whether an administrator is left when this account is none. */
export async function hasOtherAdministrator(
  executor: Executor,
  tenantId: string,
  accountId: string,
): Promise<boolean> {
  const { rows } = await sql`
    select from account where tenant_id = ${tenantId} and role = 'administrator' and id <> ${accountId} limit 1`.execute(
    executor,
  );
  return rows.length > 0;
}

export async function updateAccountRole(executor: Executor, id: string, role: Role): Promise<void> {
  await sql`update account set role = ${role} where id = ${id}`.execute(executor);
}

/** Nobody deletes the account before the transaction ends. @returns false when it is gone. */
export async function holdAccount(executor: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`select from account where id = ${id} for key share`.execute(executor);
  return rows.length > 0;
}

/** With its tokens, access keys, OAuth clients and grants, and what it asked for in batches. */
export async function deleteAccountRow(executor: Executor, id: string): Promise<void> {
  await sql`delete from account where id = ${id}`.execute(executor);
}
