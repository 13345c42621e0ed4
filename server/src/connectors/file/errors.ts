import { LockstepError, type ErrorCode } from '../../kernel/errors.ts';

/** A record that cannot be understood. `line` and `column` are 1-based; column 1 where the whole line is at fault. */
export function recordError(message: string, line: number, column = 1, remedy?: string): LockstepError {
  return new LockstepError('InvalidRecord', `line ${line}, column ${column}: ${message}`, {
    position: { line, column },
    remedy,
  });
}

/** Nothing in the file says that it is meant to hold nobody. */
export function emptyError(message: string): LockstepError {
  const remedy =
    'A file that is meant to hold nobody has a line: `version: 1` in LDIF, the header in CSV, an empty one in JSON Lines.';
  return recordError(message, 1, 1, remedy);
}

/** The file ends where it must not: it was probably cut off. */
export function truncatedError(message: string, line: number): LockstepError {
  return recordError(
    message,
    line,
    1,
    'Write the file anew; a complete one ends with a line break (LF or CR LF).',
  );
}

export function limitError(message: string, line: number, setting: string): LockstepError {
  return new LockstepError('LimitExceeded', `line ${line}: ${message}`, {
    field: setting,
    position: { line, column: 1 },
    remedy: `Raise ${setting} of the connection if the file is meant to hold this.`,
  });
}

/** What is wrong, and what to do about it where that is known. */
export function adviceOf({ message, remedy }: LockstepError): string {
  return remedy === undefined ? message : `${message}. ${remedy.replace(/\.$/, '')}`;
}

const systemMessages: Readonly<Record<string, readonly [message: string, remedy: string]>> = {
  ENOENT: ['does not exist', 'Check the path of the connection.'],
  ENOTDIR: ['has a part that is no directory', 'Check the path of the connection.'],
  EACCES: [
    'may not be accessed',
    'Give the account that Lockstep runs as the right to it; who writes a file needs it for the folder too.',
  ],
  EPERM: ['may not be accessed', 'Give the account that Lockstep runs as the right to it.'],
  EISDIR: ['is a directory', 'Name a file in the path of the connection.'],
  ELOOP: ['is a symbolic link that leads back to itself', 'Repair the link.'],
  ENOSPC: ['cannot be written: the disk is full', 'Make room and run the sync again.'],
  EIO: ['cannot be written: the disk reports an error', 'Look at the disk and run the sync again.'],
  EROFS: ['lies on a file system that is read-only', 'Choose another path.'],
};

/** An error of the operating system as one that says which path and what to do. */
export function pathError(error: unknown, path: string, code: ErrorCode = 'ConnectionFailed'): LockstepError {
  if (error instanceof LockstepError) return error;
  const systemCode = (error as NodeJS.ErrnoException).code ?? '';
  const [message, remedy] = systemMessages[systemCode] ?? [`cannot be used (${String(error)})`, undefined];
  return new LockstepError(code, `${path} ${message}`, { field: 'path', remedy, cause: error });
}

/** Primary result codes of SQLite (sqlite.org/rescode.html) that say something of the disk and not of Lockstep. */
const sqliteCodes: Readonly<Record<number, string>> = { 8: 'EROFS', 10: 'EIO', 13: 'ENOSPC', 14: 'EACCES' };

/**
 * What went wrong while a file, or the workspace beside it, was written: an error that names the file where the disk or
 * its rights are at fault, else the error itself.
 */
export function writingError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof LockstepError) return error;
  if ('syscall' in error) return pathError(error, path);
  if (!('errcode' in error) || typeof error.errcode !== 'number') return error;
  // The extended codes have the primary one in their lowest byte.
  const code = sqliteCodes[error.errcode & 0xff];
  return code === undefined
    ? error
    : pathError(Object.assign(new Error(error.message, { cause: error }), { code }), path);
}
