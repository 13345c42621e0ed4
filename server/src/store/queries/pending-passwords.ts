import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Serials of a tenant's syncs that write passwords, as they are now. */
export async function selectPasswordSyncs(executor: Executor, tenantId: string): Promise<number[]> {
  const { rows } = await sql<{ serial: number }>`
    select serial from sync
    where tenant_id = ${tenantId} and direction = 'egress' and enabled and settings @> '{"passwords": true}'
    order by serial`.execute(executor);
  return rows.map(({ serial }) => serial);
}

export interface SealedPassword {
  readonly syncSerial: number;
  readonly userId: string;
  readonly version: string;
  readonly sealed: Uint8Array;
}

/** Keeps a password until then, in place of one that waited. */
export async function keepPendingPassword(
  executor: Executor,
  { syncSerial, userId, version, sealed }: SealedPassword,
  expiresAt: Date,
): Promise<void> {
  await sql`
    insert into pending_password (sync_serial, user_id, version, sealed, expires_at)
    values (${syncSerial}, ${userId}, ${version}, ${sealed}, ${expiresAt})
    on conflict (sync_serial, user_id) do update
      set version = excluded.version, sealed = excluded.sealed, expires_at = excluded.expires_at`.execute(
    executor,
  );
}

/** Passwords of these users that wait for a sync and have not expired. */
export async function selectPendingPasswords(
  executor: Executor,
  syncSerial: number,
  userIds: readonly string[],
  now: Date,
): Promise<SealedPassword[]> {
  const { rows } = await sql<SealedPassword>`
    select sync_serial as "syncSerial", user_id as "userId", version, sealed from pending_password
    where sync_serial = ${syncSerial} and user_id = any (${[...userIds]}::text[]) and expires_at > ${now}`.execute(
    executor,
  );
  return rows;
}

/** Drops passwords that were written. One that came meanwhile has another version and stays. */
export async function deleteWrittenPasswords(
  executor: Executor,
  syncSerial: number,
  versions: readonly string[],
): Promise<void> {
  await sql`
    delete from pending_password
    where sync_serial = ${syncSerial} and version = any (${[...versions]}::uuid[])`.execute(executor);
}

export async function deletePasswordsOfUsers(executor: Executor, userIds: readonly string[]): Promise<void> {
  await sql`delete from pending_password where user_id = any (${[...userIds]}::text[])`.execute(executor);
}

/** A sync that writes passwords no more, or rests, does not write the ones from before when it begins again. */
export async function deletePasswordsOfSync(executor: Executor, syncSerial: number): Promise<void> {
  await sql`delete from pending_password where sync_serial = ${syncSerial}`.execute(executor);
}

/** One that is being replaced at this moment is passed over, so that nobody waits in a circle. */
export async function deleteExpiredPasswords(executor: Executor, now: Date): Promise<void> {
  await sql`
    delete from pending_password where (sync_serial, user_id) in (
      select sync_serial, user_id from pending_password where expires_at <= ${now} for update skip locked)`.execute(
    executor,
  );
}
