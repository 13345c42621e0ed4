import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { LockstepError } from '../kernel/errors.ts';
import { restoreBackup, writeBackup, type BackupHead } from '../store/backup.ts';
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
  const lines = new PassThrough();
  const compressed = createGzip();
  const gone = new AbortController();
  lines.once('close', () => gone.abort());
  const write = async (line: string): Promise<void> => {
    if (lines.destroyed) throw new LockstepError('Cancelled', 'The reader of the backup went away.');
    if (!lines.write(`${line}\n`)) await once(lines, 'drain', { signal: gone.signal }).catch(() => undefined);
  };
  pipeline(lines, compressed).catch(() => undefined);
  writeBackup(app.store, app.clock.now(), write).then(
    () => lines.end(),
    (error: unknown) => compressed.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return compressed;
}

/**
 * Fills an empty store with a backup, all of it or nothing.
 * @throws LockstepError Conflict when the store is not empty, InvalidRecord when the backup is damaged,
 * DataDirectoryLocked when a process has the store open.
 */
export async function restoreInstallation(location: StoreLocation, backup: Readable): Promise<BackupHead> {
  const text = createGunzip();
  const feeding = pipeline(backup, text);
  feeding.catch(() => undefined);
  await using store = await openStore(location);
  const restoring = restoreBackup(store, splitLines(text)).finally(() => text.destroy());
  const [fed, restored] = await Promise.allSettled([feeding, restoring]);
  if (restored.status === 'fulfilled') return restored.value;
  throw fed.status === 'rejected' && isDamage(fed.reason) ? damaged(fed.reason) : restored.reason;
}

/** readline would lose what comes before its reader does. */
async function* splitLines(text: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of text.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** Errors of zlib: https://nodejs.org/api/zlib.html#zlib-constants */
function isDamage(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('Z_');
}

function damaged(cause: unknown): LockstepError {
  return new LockstepError('InvalidRecord', 'The backup cannot be used: it is damaged or cut off.', {
    remedy: 'Use another backup; nothing was restored.',
    cause,
  });
}
