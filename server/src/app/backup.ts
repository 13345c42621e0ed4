import { randomUUID } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { LockstepError } from '../kernel/errors.ts';
import { restoreBackup, writeBackup, type BackupReport } from '../store/backup.ts';
import { openStore, type StoreLocation } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { requireInstallationAdministrator } from './installation.ts';

/** How files begin, in the data directory, that a backup is written to before it is sent. */
const unsent = 'unsent-backup-';

/**
 * Everything in the store at one moment, as a compressed stream that `restoreInstallation` reads. Secrets stay sealed:
 * they can be read again with the same master key only. It holds all tenants, so it is for the first one alone, whose
 * administrator the installation belongs to.
 * @throws LockstepError Forbidden.
 */
export async function backUpInstallation(app: Application, actor: Actor): Promise<Readable> {
  await requireInstallationAdministrator(app, actor, 'a backup, which holds all tenants,');
  const { dataDirectory } = app.store;
  if (dataDirectory !== undefined) return writeFirst(app.store, dataDirectory);
  const stream = new PassThrough();
  writeBackup(app.store, stream).catch((error: unknown) => {
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  return stream;
}

/**
 * While an embedded store is read for a backup it does nothing else, so it does not wait for who takes the backup, and
 * may never do: it is written to a file that has no name any more when it is read.
 */
async function writeFirst(store: Store, directory: string): Promise<Readable> {
  const path = join(directory, `${unsent}${randomUUID()}`);
  try {
    await writeBackup(store, path);
    const file = await open(path);
    return file.createReadStream();
  } finally {
    await rm(path, { force: true });
  }
}

/** Removes what a process left that was killed while it wrote a backup. Only for who holds the directory's lock. */
export async function removeUnsentBackups(directory: string): Promise<void> {
  const left = (await readdir(directory)).filter((name) => name.startsWith(unsent));
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })));
}

async function listNames(directory: string): Promise<string[] | null> {
  return readdir(directory).catch(() => null);
}

/** Takes away what a failed restore has made of a data directory; what was there before (null: nothing) stays. */
async function removeMade(directory: string, before: readonly string[] | null): Promise<void> {
  if (before === null) return rm(directory, { recursive: true, force: true });
  const made = (await readdir(directory)).filter((name) => !before.includes(name));
  await Promise.all(made.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

/**
 * Fills an empty store with a backup, all of it or nothing: a data directory that was not there is not there afterwards. Jobs that had not ended when it was taken are cancelled:
 * the queue is not part of a backup.
 * @throws LockstepError Conflict when the store is not empty, InvalidRecord when the backup is damaged or of another
 * version, DataDirectoryLocked when a process has the store open.
 */
export async function restoreInstallation(location: StoreLocation, backup: Readable): Promise<BackupReport> {
  const directory = 'data' in location ? location.data : undefined;
  const before = directory === undefined ? null : await listNames(directory);
  try {
    await using store = await openStore(location);
    return await restoreInto(store, backup);
  } catch (error) {
    const isOthers =
      error instanceof LockstepError && ['Conflict', 'DataDirectoryLocked'].includes(error.code);
    if (directory !== undefined && !isOthers) await removeMade(directory, before);
    throw error;
  }
}

async function restoreInto(store: Store, backup: Readable): Promise<BackupReport> {
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
