import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';
import { selectSlice, type Slice, type SlicePage } from './slice.ts';

type Executor = Kysely<Database>;

export interface ZoneAuthorizationRow {
  readonly id: string;
  readonly serial: number;
  readonly userSerial: number;
  readonly zoneSerial: number;
  readonly zoneName: string;
  readonly startsAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly authorizer: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = sql`
  a.id, a.serial, u.serial as "userSerial", z.serial as "zoneSerial", z.name as "zoneName", a.starts_at as "startsAt",
  a.expires_at as "expiresAt", a.revoked_at as "revokedAt", a.authorizer, a.created_at as "createdAt",
  a.updated_at as "updatedAt"`;
const from = sql`
  zone_authorization a join authorization_zone z on z.id = a.zone_id join directory_user u on u.id = a.user_id`;

/** Authorizations of some users, oldest first. */
export async function selectZoneAuthorizations(
  executor: Executor,
  tenantId: string,
  userSerials: readonly number[],
  page: SlicePage,
): Promise<Slice<ZoneAuthorizationRow>> {
  const where = sql`a.tenant_id = ${tenantId} and u.serial = any(${userSerials}::bigint[])`;
  const serial = sql`a.serial`;
  return selectSlice(executor, { columns, from, where, sortedBy: serial, sortType: 'bigint', serial }, page);
}

export interface ZoneAuthorizationKey {
  readonly serial?: number | undefined;
  /** Those that are not revoked, of this user in this zone. */
  readonly standing?: { readonly userId: string; readonly zoneId: string } | undefined;
}

/** The newest authorization that fits, locked until the transaction ends. */
export async function lockZoneAuthorization(
  executor: Executor,
  tenantId: string,
  key: ZoneAuthorizationKey,
): Promise<ZoneAuthorizationRow | undefined> {
  const conditions: RawBuilder<unknown>[] = [sql`a.tenant_id = ${tenantId}`];
  if (key.serial !== undefined) conditions.push(sql`a.serial = ${key.serial}`);
  if (key.standing !== undefined)
    conditions.push(
      sql`a.user_id = ${key.standing.userId} and a.zone_id = ${key.standing.zoneId} and a.revoked_at is null`,
    );
  const { rows } = await sql<ZoneAuthorizationRow>`
    select ${columns} from ${from} where ${sql.join(conditions, sql` and `)}
    order by a.serial desc limit 1 for update of a`.execute(executor);
  return rows[0];
}

export async function insertZoneAuthorization(
  executor: Executor,
  row: {
    readonly id: string;
    readonly tenantId: string;
    readonly zoneId: string;
    readonly userId: string;
    readonly startsAt: Date;
    readonly expiresAt: Date | null;
    readonly authorizer: string;
  },
): Promise<number> {
  const { rows } = await sql<{ serial: number }>`
    insert into zone_authorization (id, tenant_id, zone_id, user_id, starts_at, expires_at, authorizer)
    values (${row.id}, ${row.tenantId}, ${row.zoneId}, ${row.userId}, ${row.startsAt}, ${row.expiresAt}, ${row.authorizer})
    returning serial`.execute(executor);
  return rows[0]?.serial ?? 0;
}

export async function updateZoneAuthorization(
  executor: Executor,
  serial: number,
  to: {
    readonly zoneId?: string | undefined;
    readonly startsAt: Date;
    readonly expiresAt: Date | null;
    readonly revokedAt: Date | null;
  },
): Promise<void> {
  await sql`
    update zone_authorization set zone_id = coalesce(${to.zoneId ?? null}, zone_id), starts_at = ${to.startsAt},
      expires_at = ${to.expiresAt}, revoked_at = ${to.revokedAt}, updated_at = now()
    where serial = ${serial}`.execute(executor);
}

export async function deleteZoneAuthorizationRow(executor: Executor, serial: number): Promise<void> {
  await sql`delete from zone_authorization where serial = ${serial}`.execute(executor);
}
