import { sql, type Kysely } from 'kysely';
import type { Role } from '@lockstep/contract/account.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface OauthClientRow {
  readonly id: string;
  readonly tenantId: string;
  readonly accountId: string;
  readonly name: string;
  readonly secretHash: Uint8Array | null;
  readonly redirectUris: readonly string[];
  readonly scopes: readonly string[];
  readonly createdAt: Date;
}

const clientColumns = sql`
  id, tenant_id as "tenantId", account_id as "accountId", name, secret_hash as "secretHash",
  redirect_uris as "redirectUris", scopes, created_at as "createdAt"`;

export async function insertOauthClient(
  executor: Executor,
  client: Omit<OauthClientRow, 'createdAt'>,
): Promise<void> {
  await sql`
    insert into oauth_client (id, tenant_id, account_id, name, secret_hash, redirect_uris, scopes)
    values (${client.id}, ${client.tenantId}, ${client.accountId}, ${client.name}, ${client.secretHash},
      ${JSON.stringify(client.redirectUris)}::jsonb, ${JSON.stringify(client.scopes)}::jsonb)`.execute(
    executor,
  );
}

/** A client of any tenant: who asks is not known yet. */
export async function findOauthClient(executor: Executor, id: string): Promise<OauthClientRow | undefined> {
  const { rows } = await sql<OauthClientRow>`
    select ${clientColumns} from oauth_client where id = ${id}`.execute(executor);
  return rows[0];
}

/** Nobody deletes the client before the transaction ends. @returns false when it is gone. */
export async function holdOauthClient(executor: Executor, id: string): Promise<boolean> {
  const { rows } = await sql`select from oauth_client where id = ${id} for key share`.execute(executor);
  return rows.length > 0;
}

/** Clients of a tenant by id, those after the key. */
export async function selectOauthClients(
  executor: Executor,
  tenantId: string,
  page: { after?: string | undefined; limit: number },
): Promise<OauthClientRow[]> {
  const { rows } = await sql<OauthClientRow>`
    select ${clientColumns} from oauth_client where tenant_id = ${tenantId} and id > ${page.after ?? ''}
    order by id limit ${page.limit}`.execute(executor);
  return rows;
}

/** Deletes a client with all its tokens. @returns whether there was one. */
export async function deleteOauthClientRow(
  executor: Executor,
  tenantId: string,
  id: string,
): Promise<boolean> {
  const { rows } = await sql`
    delete from oauth_client where tenant_id = ${tenantId} and id = ${id} returning id`.execute(executor);
  return rows.length > 0;
}

export interface OauthGrantRow {
  readonly id: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly scopes: readonly string[];
  readonly lastUsedAt: Date;
}

export async function insertOauthGrant(
  executor: Executor,
  grant: Omit<OauthGrantRow, 'lastUsedAt'> & { readonly at: Date },
): Promise<void> {
  await sql`
    insert into oauth_grant (id, client_id, account_id, scopes, created_at, last_used_at)
    values (${grant.id}, ${grant.clientId}, ${grant.accountId}, ${JSON.stringify(grant.scopes)}::jsonb, ${grant.at},
      ${grant.at})`.execute(executor);
}

/** Ends a grant with all tokens that came of it. */
export async function revokeOauthGrant(executor: Executor, id: string, at: Date): Promise<void> {
  await sql`update oauth_grant set revoked_at = coalesce(revoked_at, ${at}) where id = ${id}`.execute(
    executor,
  );
}

/** Forgets grants of a client's own whose tokens are all gone. */
export async function deleteSpentGrants(executor: Executor, clientId: string): Promise<void> {
  await sql`
    delete from oauth_grant g
    where g.client_id = ${clientId}
      and not exists (select from oauth_access_token t where t.grant_id = g.id)
      and not exists (select from oauth_refresh_token t where t.grant_id = g.id)
      and not exists (select from oauth_code t where t.grant_id = g.id)`.execute(executor);
}

export async function touchOauthGrant(executor: Executor, id: string, at: Date): Promise<void> {
  await sql`update oauth_grant set last_used_at = ${at} where id = ${id}`.execute(executor);
}

export async function insertOauthCode(
  executor: Executor,
  code: {
    readonly hash: Uint8Array;
    readonly grantId: string;
    readonly redirectUri: string;
    readonly challenge: string;
    readonly expiresAt: Date;
  },
): Promise<void> {
  await sql`
    insert into oauth_code (code_hash, grant_id, redirect_uri, code_challenge, expires_at)
    values (${code.hash}, ${code.grantId}, ${code.redirectUri}, ${code.challenge}, ${code.expiresAt})`.execute(
    executor,
  );
}

interface Redeemable extends OauthGrantRow {
  readonly usedAt: Date | null;
}

const grantColumns = sql`
  g.id, g.client_id as "clientId", g.account_id as "accountId", g.scopes, g.last_used_at as "lastUsedAt"`;

export interface OauthCodeRow extends Redeemable {
  readonly redirectUri: string;
  readonly challenge: string;
  readonly expiresAt: Date;
}

/**
 * A code of a grant that stands, locked until the transaction ends. The grant comes first, as where a client or an
 * account is deleted: each would wait for the other.
 */
export async function lockOauthCode(executor: Executor, hash: Uint8Array): Promise<OauthCodeRow | undefined> {
  await sql`
    select from oauth_grant where id = (select grant_id from oauth_code where code_hash = ${hash})
    for update`.execute(executor);
  const { rows } = await sql<OauthCodeRow>`
    select ${grantColumns}, k.used_at as "usedAt", k.redirect_uri as "redirectUri", k.code_challenge as "challenge",
      k.expires_at as "expiresAt"
    from oauth_code k join oauth_grant g on g.id = k.grant_id
    where k.code_hash = ${hash} and g.revoked_at is null for update`.execute(executor);
  return rows[0];
}

export async function markOauthCodeUsed(executor: Executor, hash: Uint8Array, at: Date): Promise<void> {
  await sql`update oauth_code set used_at = ${at} where code_hash = ${hash}`.execute(executor);
}

export async function insertOauthRefreshToken(
  executor: Executor,
  token: { readonly hash: Uint8Array; readonly grantId: string; readonly at: Date },
): Promise<void> {
  await sql`
    insert into oauth_refresh_token (token_hash, grant_id, created_at)
    values (${token.hash}, ${token.grantId}, ${token.at})`.execute(executor);
}

/** A refresh token of a grant that stands, locked until the transaction ends, the grant first. */
export async function lockOauthRefreshToken(
  executor: Executor,
  hash: Uint8Array,
): Promise<Redeemable | undefined> {
  await sql`
    select from oauth_grant where id = (select grant_id from oauth_refresh_token where token_hash = ${hash})
    for update`.execute(executor);
  const { rows } = await sql<Redeemable>`
    select ${grantColumns}, r.used_at as "usedAt"
    from oauth_refresh_token r join oauth_grant g on g.id = r.grant_id
    where r.token_hash = ${hash} and g.revoked_at is null for update`.execute(executor);
  return rows[0];
}

export async function markOauthRefreshTokenUsed(
  executor: Executor,
  hash: Uint8Array,
  at: Date,
): Promise<void> {
  await sql`update oauth_refresh_token set used_at = ${at} where token_hash = ${hash}`.execute(executor);
}

/** Adds an access token, and forgets those that ran out. */
export async function insertOauthAccessToken(
  executor: Executor,
  token: {
    readonly hash: Uint8Array;
    readonly grantId: string;
    readonly scopes: readonly string[];
    readonly expiresAt: Date;
    readonly now: Date;
  },
): Promise<void> {
  await sql`
    delete from oauth_access_token where token_hash in (
      select token_hash from oauth_access_token where expires_at < ${token.now} limit 100 for update skip locked)`.execute(
    executor,
  );
  await sql`
    insert into oauth_access_token (token_hash, grant_id, scopes, expires_at)
    values (${token.hash}, ${token.grantId}, ${JSON.stringify(token.scopes)}::jsonb, ${token.expiresAt})`.execute(
    executor,
  );
}

export interface OauthBearerRow {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly role: Role;
  readonly hash: Uint8Array;
  readonly scopes: readonly string[];
}

/** Whom an access token acts for, and what it may; undefined once it ran out or its grant ended. */
export async function findOauthBearer(
  executor: Executor,
  hash: Uint8Array,
  now: Date,
): Promise<OauthBearerRow | undefined> {
  const { rows } = await sql<OauthBearerRow>`
    select a.tenant_id as "tenantId", tenant.name as "tenantName", a.id as "accountId", a.name as "accountName", a.role,
      t.token_hash as "hash", t.scopes
    from oauth_access_token t
    join oauth_grant g on g.id = t.grant_id and g.revoked_at is null
    join account a on a.id = g.account_id
    join tenant on tenant.id = a.tenant_id
    where t.token_hash = ${hash} and t.expires_at > ${now}`.execute(executor);
  return rows[0];
}
