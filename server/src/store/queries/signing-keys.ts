import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface SigningKeyRow {
  /** The kid. */
  readonly id: string;
  readonly publicKey: Readonly<Record<string, unknown>>;
  readonly sealedPrivateKey: Uint8Array;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
}

const columns = sql`
  id, public_key as "publicKey", sealed_private_key as "sealedPrivateKey", created_at as "createdAt", retired_at as "retiredAt"`;

/** The key that a tenant signs with, once there is one. */
export async function findCurrentSigningKey(
  executor: Executor,
  tenantId: string,
): Promise<SigningKeyRow | undefined> {
  const { rows } = await sql<SigningKeyRow>`
    select ${columns} from signing_key where tenant_id = ${tenantId} and retired_at is null`.execute(
    executor,
  );
  return rows[0];
}

/** The current key and those that were retired later than the given moment, newest first. */
export async function selectSigningKeys(
  executor: Executor,
  tenantId: string,
  retiredAfter: Date,
): Promise<SigningKeyRow[]> {
  const { rows } = await sql<SigningKeyRow>`
    select ${columns} from signing_key
    where tenant_id = ${tenantId} and (retired_at is null or retired_at > ${retiredAfter})
    order by created_at desc, id desc`.execute(executor);
  return rows;
}

export async function insertSigningKey(
  executor: Executor,
  key: Omit<SigningKeyRow, 'retiredAt'> & { readonly tenantId: string },
): Promise<void> {
  await sql`
    insert into signing_key (id, tenant_id, public_key, sealed_private_key, created_at)
    values (${key.id}, ${key.tenantId}, ${JSON.stringify(key.publicKey)}::jsonb, ${key.sealedPrivateKey}, ${key.createdAt})`.execute(
    executor,
  );
}

export async function retireSigningKey(executor: Executor, id: string, at: Date): Promise<void> {
  await sql`update signing_key set retired_at = ${at} where id = ${id}`.execute(executor);
}

export async function deleteSigningKeys(
  executor: Executor,
  tenantId: string,
  retiredBefore: Date,
): Promise<void> {
  await sql`delete from signing_key where tenant_id = ${tenantId} and retired_at < ${retiredBefore}`.execute(
    executor,
  );
}
