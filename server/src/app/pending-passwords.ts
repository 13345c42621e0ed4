import { randomUUID } from 'node:crypto';
import {
  deleteExpiredPasswords,
  deletePasswordsOfUsers,
  keepPendingPassword,
  selectPasswordSyncs,
} from '../store/queries/pending-passwords.ts';
import type { PasswordReading } from '../store/sync/passwords.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { lockForWrite, writeDirectory, type DirectoryWrite } from './directory-writes/directory-write.ts';

/** A password waits so many milliseconds for a run that writes it. */
const life = 10 * 60_000;

/** A sealed password opens for its sync and its user only. */
function contextOf(syncSerial: number, userId: string): string {
  return `password of ${userId} for sync ${syncSerial}`;
}

/**
 * Keeps a user's password, sealed, for each sync of the tenant that writes passwords, in place of any that waits; where
 * there is no such sync it is not kept at all. @returns whether one waits for it
 */
export async function keepPassword(
  app: Application,
  { trx, tenantId }: DirectoryWrite,
  userId: string,
  password: string,
): Promise<boolean> {
  await deletePasswordsOfUsers(trx, [userId]);
  const expiresAt = new Date(app.clock.now().getTime() + life);
  const syncs = await selectPasswordSyncs(trx, tenantId);
  for (const syncSerial of syncs) {
    const sealed = app.vault.seal(password, contextOf(syncSerial, userId));
    await keepPendingPassword(trx, { syncSerial, userId, version: randomUUID(), sealed }, expiresAt);
  }
  return syncs.length > 0;
}

/**
 * Sets a user's password in the systems that passwords are written to. Syncs that follow the directory run soon; those
 * that do not come within ten minutes know nothing of it.
 * @throws LockstepError NotFound.
 */
export async function setUserPassword(
  app: Application,
  actor: Actor,
  userId: string,
  password: string,
): Promise<void> {
  await writeDirectory(app, actor, async (write) => {
    await lockForWrite(write, 'user', userId);
    const waits = await keepPassword(app, write, userId, password);
    if (waits) await write.log({ kind: 'user', verb: 'update', objectId: userId });
  });
}

/** Drops what nobody wrote in time; it is not used any more even before. Now and then is enough. */
export async function purgeExpiredPasswords(app: Pick<Application, 'store' | 'clock'>): Promise<void> {
  await deleteExpiredPasswords(app.store.db, app.clock.now());
}

/** How runs open what waits. */
export function passwordReading(app: Pick<Application, 'vault' | 'clock'>): PasswordReading {
  return {
    open: ({ sealed, syncSerial, userId }) =>
      app.vault.open(sealed, contextOf(syncSerial, userId), `the password of ${userId}`),
    now: () => app.clock.now(),
  };
}
