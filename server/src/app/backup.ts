import { PassThrough, type Readable } from 'node:stream';
import { restoreBackup, writeBackup, type BackupReport } from '../store/backup.ts';
import { openStore, type StoreLocation } from '../store/open.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';

/**
 * Everything in the store at one moment, as a compressed stream that `restoreInstallation` reads. Secrets stay sealed:
 * they can be read again with the same master key only.
 * @throws LockstepError Forbidden.
 */
export function backUpInstallation(app: Application, actor: Actor): Readable {
  requireRole(actor, 'administrator');
  const stream = new PassThrough();
  writeBackup(app.store, stream).catch((error: unknown) => {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  return stream;
}

/**
 * Fills an empty store with a backup, all of it or nothing. Jobs that had not ended when it was taken are cancelled:
 * the queue is not part of a backup.
 * @throws LockstepError Conflict when the store is not empty, InvalidRecord when the backup is damaged or of another
 * version, DataDirectoryLocked when a process has the store open.
 */
export async function restoreInstallation(location: StoreLocation, backup: Readable): Promise<BackupReport> {
  await using store = await openStore(location);
  const report = await restoreBackup(store, backup);
  await store.db
    .updateTable('job')
    .set({
      status: 'cancelled',
      phase: 'over',
      ended_at: new Date(report.createdAt),
      note: 'had not ended when the backup was taken',
    })
    .where('status', 'in', ['pending', 'running'])
    .execute();
  return report;
}
