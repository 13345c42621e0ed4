import { sql, type Kysely } from 'kysely';
import type { Role } from '@lockstep/contract/account.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface AccessKeyRow {
  readonly id: string;
  readonly name: string;
  readonly accountName: string;
  readonly role: Role;
  readonly policies: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const keyColumns = sql`
  access_key.id, access_key.name, account.name as "accountName", account.role, access_key.created_at as "createdAt",
  access_key.expires_at as "expiresAt", access_key.last_used_at as "lastUsedAt", access_key.revoked_at as "revokedAt",
  (select coalesce(json_agg(policy_name order by policy_name), '[]') from access_key_policy
   where access_key_id = access_key.id) as policies
  from access_key join account on account.id = access_key.account_id`;

/** Keys of a tenant by id, those after the given one, revoked ones too. */
export async function selectAccessKeys(
  executor: Executor,
  tenantId: string,
  page: { after?: string | undefined; limit: number },
): Promise<AccessKeyRow[]> {
  const { rows } = await sql<AccessKeyRow>`
    select ${keyColumns} where access_key.tenant_id = ${tenantId} and access_key.id > ${page.after ?? ''}
    order by access_key.id limit ${page.limit}`.execute(executor);
  return rows;
}

export async function findAccessKey(
  executor: Executor,
  tenantId: string,
  id: string,
): Promise<AccessKeyRow | undefined> {
  const { rows } = await sql<AccessKeyRow>`
    select ${keyColumns} where access_key.tenant_id = ${tenantId} and access_key.id = ${id}`.execute(
    executor,
  );
  return rows[0];
}

export async function insertNamedAccessKey(
  executor: Executor,
  key: {
    id: string;
    tenantId: string;
    accountId: string;
    sealedSecret: Uint8Array;
    name: string;
    createdAt: Date;
    expiresAt: Date | null;
  },
): Promise<void> {
  await sql`
    insert into access_key (id, tenant_id, account_id, sealed_secret, name, created_at, expires_at)
    values (${key.id}, ${key.tenantId}, ${key.accountId}, ${key.sealedSecret}, ${key.name}, ${key.createdAt},
      ${key.expiresAt})`.execute(executor);
}

/** Revoking twice keeps the first time. @returns whether there is such a key. */
export async function revokeAccessKeyRow(
  executor: Executor,
  tenantId: string,
  id: string,
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    update access_key set revoked_at = coalesce(revoked_at, ${at})
    where tenant_id = ${tenantId} and id = ${id} returning id`.execute(executor);
  return rows.length > 0;
}

/** Everything that decides about a request signed with a key, in one look. */
export interface SignerRow {
  /** The key itself, or the key that a temporary one comes from. */
  readonly accessKeyId: string;
  readonly tenantId: string;
  readonly tenantName: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly role: Role;
  readonly sealedSecret: Uint8Array;
  readonly revokedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly policies: readonly unknown[];
  /** Only of a temporary key. */
  readonly tokenHash: Uint8Array | null;
  readonly tokenExpiresAt: Date | null;
  readonly sessionPolicy: unknown;
}

/** A key or a temporary key by its id, of any tenant. */
export async function findSignerRow(executor: Executor, id: string): Promise<SignerRow | undefined> {
  const { rows } = await sql<SignerRow>`
    with signer as (
      select id as key_id, sealed_secret, null::bytea as token_hash, null::timestamptz as token_expires_at,
        null::jsonb as session_policy
      from access_key where id = ${id}
      union all
      select access_key_id, sealed_secret, token_hash, expires_at, session_policy
      from security_token where id = ${id})
    select access_key.id as "accessKeyId", account.tenant_id as "tenantId", tenant.name as "tenantName",
      account.id as "accountId", account.name as "accountName", account.role, signer.sealed_secret as "sealedSecret",
      access_key.revoked_at as "revokedAt", access_key.expires_at as "expiresAt", signer.token_hash as "tokenHash",
      signer.token_expires_at as "tokenExpiresAt", signer.session_policy as "sessionPolicy",
      (select coalesce(json_agg(access_policy.document), '[]')
       from access_key_policy join access_policy
         on access_policy.tenant_id = access_key_policy.tenant_id and access_policy.name = access_key_policy.policy_name
       where access_key_policy.access_key_id = access_key.id) as policies
    from signer
    join access_key on access_key.id = signer.key_id
    join account on account.id = access_key.account_id
    join tenant on tenant.id = account.tenant_id
    limit 1`.execute(executor);
  return rows[0];
}

export async function insertSecurityToken(
  executor: Executor,
  token: {
    id: string;
    tenantId: string;
    accessKeyId: string;
    sealedSecret: Uint8Array;
    tokenHash: Uint8Array;
    sessionPolicy: unknown;
    createdAt: Date;
    expiresAt: Date;
  },
): Promise<void> {
  const policy = token.sessionPolicy === undefined ? null : JSON.stringify(token.sessionPolicy);
  await sql`
    insert into security_token (id, tenant_id, access_key_id, sealed_secret, token_hash, session_policy, created_at,
      expires_at)
    values (${token.id}, ${token.tenantId}, ${token.accessKeyId}, ${token.sealedSecret}, ${token.tokenHash},
      ${policy}::jsonb, ${token.createdAt}, ${token.expiresAt})`.execute(executor);
}

/**
 * Takes a nonce of a key, and notes to the minute when the key was used last. One that expired may be taken again.
 * @returns false when it was taken before.
 */
export async function takeNonceRow(
  executor: Executor,
  taken: { accessKeyId: string; parentKeyId: string; nonce: string; now: Date; expiresAt: Date },
): Promise<boolean> {
  const { rows } = await sql`
    with used as (
      update access_key set last_used_at = ${taken.now}
      where id = ${taken.parentKeyId}
        and (last_used_at is null or last_used_at < ${taken.now}::timestamptz - interval '1 minute'))
    insert into request_nonce (access_key_id, nonce, expires_at)
    values (${taken.accessKeyId}, ${taken.nonce}, ${taken.expiresAt})
    on conflict (access_key_id, nonce) do update set expires_at = excluded.expires_at
      where request_nonce.expires_at <= ${taken.now}
    returning nonce`.execute(executor);
  return rows.length > 0;
}

/** Drops what has had its time: nonces, temporary keys, and answers kept for repetition since before `answersBefore`. */
export async function deleteExpiredAccess(executor: Executor, now: Date, answersBefore: Date): Promise<void> {
  await sql`
    delete from request_nonce where ctid in (
      select ctid from request_nonce where expires_at <= ${now} limit 20000)`.execute(executor);
  await sql`delete from security_token where expires_at <= ${now}::timestamptz - interval '1 day'`.execute(
    executor,
  );
  await sql`delete from idempotent_request where created_at < ${answersBefore}`.execute(executor);
}
