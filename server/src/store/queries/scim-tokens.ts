import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

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
