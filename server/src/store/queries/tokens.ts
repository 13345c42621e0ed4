import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Whose a token is: one of an account opens the APIs, one of a connection lets another system push into it. */
export interface TokenOwner {
  readonly type: 'account' | 'connection';
  readonly id: string;
}

export interface TokenRow {
  readonly id: string;
  readonly label: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const tables = {
  account: { table: sql.table('api_token'), owner: sql.ref('account_id') },
  connection: { table: sql.table('scim_token'), owner: sql.ref('connection_id') },
} as const;

const columns = sql`
  id, label, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

export async function insertToken(
  executor: Executor,
  owner: TokenOwner,
  token: {
    id: string;
    hash: Uint8Array;
    label: string;
    createdAt: Date;
    expiresAt: Date | null;
  },
): Promise<void> {
  const of = tables[owner.type];
  await sql`
    insert into ${of.table} (id, ${of.owner}, token_hash, label, created_at, expires_at)
    values (${token.id}, ${owner.id}, ${token.hash}, ${token.label}, ${token.createdAt}, ${token.expiresAt})`.execute(
    executor,
  );
}

/** Tokens of the owner by id, those after the given one, revoked ones too. */
export async function selectTokens(
  executor: Executor,
  owner: TokenOwner,
  page: { after?: string | undefined; limit: number },
): Promise<TokenRow[]> {
  const of = tables[owner.type];
  const { rows } = await sql<TokenRow>`
    select ${columns} from ${of.table} where ${of.owner} = ${owner.id} and id > ${page.after ?? ''}
    order by id limit ${page.limit}`.execute(executor);
  return rows;
}

/** Revoking twice keeps the first time. @returns false when the owner has no such token. */
export async function revokeTokenRow(
  executor: Executor,
  owner: TokenOwner,
  id: string,
  at: Date,
): Promise<boolean> {
  const of = tables[owner.type];
  const { rows } = await sql`
    update ${of.table} set revoked_at = coalesce(revoked_at, ${at})
    where ${of.owner} = ${owner.id} and id = ${id} returning id`.execute(executor);
  return rows.length > 0;
}

export async function markTokenUsed(
  executor: Executor,
  type: TokenOwner['type'],
  id: string,
  at: Date,
): Promise<void> {
  await sql`update ${tables[type].table} set last_used_at = ${at} where id = ${id}`.execute(executor);
}
