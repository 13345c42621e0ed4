import { LockstepError } from '../kernel/errors.ts';

const reasons: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ENOENT: ['there is no such file or folder', 'Correct the path, or make the folder first.'],
  ENOTDIR: ['a part of the path is no folder', 'Correct the path.'],
  EEXIST: ['there is something else of this name', 'Name another path.'],
  ENAMETOOLONG: ['the name is too long', 'Name a shorter path.'],
  ELOOP: ['its symbolic links lead in a circle', 'Name another path.'],
  EISDIR: ['it is a folder', 'Name a file.'],
  EACCES: ['permission denied', 'Give this account the right to it, or name another path.'],
  EPERM: ['permission denied', 'Give this account the right to it, or name another path.'],
  EROFS: ['the file system is read-only', 'Name another path.'],
  ENOSPC: ['the disk is full', 'Make room and run the command again.'],
  EFBIG: ['it would be larger than files may be here', 'Raise the limit (ulimit -f) and run it again.'],
  EMFILE: ['this process may open no more files', 'Raise the limit (ulimit -n) and run it again.'],
  EDQUOT: ['the disk quota is used up', 'Make room and run the command again.'],
  EIO: ['the disk reports an error', 'Look after the disk, or name another path.'],
};

/** What is meant where the system names no path: an open file has none any more, and a folder that was removed neither. */
const withoutPath: Readonly<Record<string, string>> = {
  write: 'A file that this command writes',
  uv_cwd: 'The folder that this command runs in',
};

/** An error of the operating system as one that names the path; undefined for any other. */
export function fileError(error: unknown, path?: string): LockstepError | undefined {
  if (!(error instanceof Error) || error instanceof LockstepError) return undefined;
  const { code = '', path: own, syscall } = error as NodeJS.ErrnoException;
  const known = reasons[code];
  const named = path ?? own ?? withoutPath[syscall ?? ''];
  if (known === undefined || named === undefined) return undefined;
  const [reason, remedy] = known;
  return new LockstepError('InvalidRequest', `${named} cannot be used: ${reason} (${code}).`, {
    remedy,
    cause: error,
  });
}
