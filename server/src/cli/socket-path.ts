import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LockstepError } from '../kernel/errors.ts';

/** A unix socket's path is cut off at 108 bytes on Linux, 104 on other systems. */
const longestSocketPath = 100;

function privateFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const state = lstatSync(path);
  const mine = process.getuid === undefined || state.uid === process.getuid();
  if (!state.isDirectory() || !mine || (state.mode & 0o077) !== 0) {
    throw new LockstepError('StoreUnavailable', `The folder ${path} is not a private folder of this user.`, {
      remedy: 'Remove it, or use a data directory with a shorter path.',
    });
  }
  return path;
}

function isPrivate(directory: string): boolean {
  return !existsSync(directory) || (statSync(directory).mode & 0o077) === 0;
}

/**
 * Where the process that holds a data directory listens for local commands: `DIR/lockstep.sock`, or a folder of this
 * user in the temporary directory when that path is too long for a socket or others can look into the directory.
 */
export function socketPathOf(dataDirectory: string): string {
  const absolute = existsSync(dataDirectory) ? realpathSync(dataDirectory) : resolve(dataDirectory);
  const beside = join(absolute, 'lockstep.sock');
  if (Buffer.byteLength(beside) < longestSocketPath && isPrivate(absolute)) return beside;
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 24);
  return join(privateFolder(join(tmpdir(), `lockstep-${process.getuid?.() ?? ''}-${hash}`)), 'lockstep.sock');
}
