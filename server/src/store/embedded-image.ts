import { randomUUID } from 'node:crypto';
import { constants, cpSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { findHomeFolder } from '../kernel/home-folder.ts';
import { makeDirectory } from '../kernel/make-directory.ts';

const keepMilliseconds = 7 * 24 * 3_600_000;

/** `$XDG_CACHE_HOME/lockstep`, or `~/.cache/lockstep` (XDG Base Directory Specification); without a home `/tmp/.cache`. */
export function cacheDirectory(): string {
  const chosen = process.env['XDG_CACHE_HOME'];
  const base =
    chosen !== undefined && isAbsolute(chosen) ? chosen : join(findHomeFolder() ?? tmpdir(), '.cache');
  return join(base, 'lockstep');
}

/** A thousand small files: one synchronous call takes 0.2 s, the asynchronous one many times that. */
function copyTree(from: string, to: string): void {
  cpSync(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE, errorOnExist: true, force: false });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** An image somebody else could have written would hand them the new store. */
async function isOurs(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const uid = process.getuid?.() ?? found.uid;
  return found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0;
}

async function removeOld(folder: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === keep) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > keepMilliseconds) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

/** Keeps a copy of a new data directory for the next one with the same key; does without where it cannot. */
export async function keepImage(key: string, directory: string, folder = cacheDirectory()): Promise<void> {
  const name = `pgdata-${key}`;
  const temporary = join(folder, `making-${randomUUID()}`);
  try {
    await makeDirectory(folder);
    copyTree(directory, temporary);
    await rename(temporary, join(folder, name));
    await removeOld(folder, name);
  } catch {
    // Read-only home, no space, or another process was first: initialising takes seconds longer, that is all.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * Makes `directory` from the kept image of this key.
 * @returns false when there is none that can be used
 */
export async function takeImage(key: string, directory: string, folder = cacheDirectory()): Promise<boolean> {
  const image = join(folder, `pgdata-${key}`);
  if (!(await isOurs(folder)) || !(await isOurs(image)) || !(await exists(join(image, 'PG_VERSION'))))
    return false;
  try {
    copyTree(image, directory);
    const now = new Date();
    await utimes(image, now, now).catch(() => undefined);
    return true;
  } catch {
    await rm(directory, { recursive: true, force: true });
    return false;
  }
}
