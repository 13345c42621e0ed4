import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { LockstepError } from '../../kernel/errors.ts';
import { pathError } from './errors.ts';

export interface OpenedFile {
  readonly handle: FileHandle;
  readonly size: number;
  readonly modifiedMs: number;
}

/**
 * Opens a file for reading, through symbolic links. Null when it does not exist and that is allowed.
 * @throws LockstepError ConnectionFailed when it cannot be opened, or is a directory, a pipe or a device.
 */
export async function openRegular(path: string, mayBeAbsent: boolean): Promise<OpenedFile | null> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK opening a pipe would wait for a writer.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (mayBeAbsent && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw pathError(error, path);
  }
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, size: stats.size, modifiedMs: stats.mtimeMs };
  await handle.close();
  throw new LockstepError('ConnectionFailed', `${path} is not a regular file`, {
    field: 'path',
    remedy: 'Name a file in the path of the connection.',
  });
}
