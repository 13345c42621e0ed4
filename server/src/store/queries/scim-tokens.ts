import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

export interface ScimTokenRow {
  readonly id: string;
  readonly label: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const columns = sql`
  id, label, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

export async function insertScimToken(
  executor: Executor,
  token: {
    id: string;
    connectionId: string;
    hash: Uint8Array;
    label: string;
    createdAt: Date;
    expiresAt: Date | null;
  },
): Promise<void> {
  await sql`
    insert into scim_token (id, connection_id, token_hash, label, created_at, expires_at)
    values (${token.id}, ${token.connectionId}, ${token.hash}, ${token.label}, ${token.createdAt}, ${token.expiresAt})`.execute(
    executor,
  );
}

/** Tokens of a connection by id, those after the given one, revoked ones too. */
export async function selectScimTokens(
  executor: Executor,
  connectionId: string,
  page: { after?: string | undefined; limit: number },
): Promise<ScimTokenRow[]> {
  const { rows } = await sql<ScimTokenRow>`
    select ${columns} from scim_token where connection_id = ${connectionId} and id > ${page.after ?? ''}
    order by id limit ${page.limit}`.execute(executor);
  return rows;
}

/** @returns false when the connection has no such token. */
export async function revokeScimTokenRow(
  executor: Executor,
  connectionId: string,
  id: string,
  at: Date,
): Promise<boolean> {
  const { rows } = await sql`
    update scim_token set revoked_at = coalesce(revoked_at, ${at})
    where connection_id = ${connectionId} and id = ${id} returning id`.execute(executor);
  return rows.length > 0;
}

/** What a presented token opens. */
export interface PresentedToken {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly connectionId: string;
  readonly connectionSerial: number;
  readonly connectionName: string;
  readonly tenantId: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The live token with this hash, if it belongs to the connection of this name or id. */
export async function findPresentedToken(
  executor: Executor,
  hash: Uint8Array,
  connection: string,
  now: Date,
): Promise<PresentedToken | undefined> {
  const { rows } = await sql<PresentedToken>`
    select t.id, t.token_hash as hash, t.expires_at as "expiresAt", t.last_used_at as "lastUsedAt",
      c.id as "connectionId", c.serial as "connectionSerial", c.name as "connectionName", c.tenant_id as "tenantId", c.settings
    from scim_token t join connection c on c.id = t.connection_id
    where t.token_hash = ${hash} and t.revoked_at is null and (t.expires_at is null or t.expires_at > ${now})
      and c.type = 'scim_server' and (c.name = ${connection} or c.id = ${connection})`.execute(executor);
  return rows[0];
}

export async function markScimTokenUsed(executor: Executor, id: string, at: Date): Promise<void> {
  await sql`update scim_token set last_used_at = ${at} where id = ${id}`.execute(executor);
}
