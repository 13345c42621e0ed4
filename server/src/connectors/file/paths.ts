import { access, constants, lstat, readdir, readlink, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LockstepError } from '../../kernel/errors.ts';
import { pathError } from './errors.ts';

/** Where a target file and the scratch of one job are. */
export interface TargetPaths {
  /** The file itself: what a symbolic link leads to, so that the link stays. */
  readonly file: string;
  readonly directory: string;
  readonly workspace: string;
  readonly temporary: string;
}

/**
 * @throws LockstepError InvalidConfiguration when the directory is missing, ConnectionFailed when it may not be written, or something else than
 * a regular file is there.
 */
export async function resolveTarget(path: string, job: string): Promise<TargetPaths> {
  const file = await followLinks(path);
  const directory = await findDirectory(dirname(file));
  await checkFile(file);
  const scratch = join(directory, `.${basename(file)}.lockstep-${job.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`);
  return {
    file: join(directory, basename(file)),
    directory,
    workspace: `${scratch}.db`,
    temporary: `${scratch}.tmp`,
  };
}

/** Follows links of the file also when the last one leads to nothing yet. */
async function followLinks(path: string, hops = 0): Promise<string> {
  if (hops > 40) throw pathError({ code: 'ELOOP' }, path);
  try {
    const stats = await lstat(path);
    if (!stats.isSymbolicLink()) return path;
    return await followLinks(resolve(dirname(path), await readlink(path)), hops + 1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw pathError(error, path);
  }
}

async function findDirectory(directory: string): Promise<string> {
  try {
    const real = await realpath(directory);
    await access(real, constants.W_OK | constants.X_OK);
    return real;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw pathError(error, directory);
    throw new LockstepError('InvalidConfiguration', `the directory ${directory} does not exist`, {
      field: 'path',
      remedy: `Make it: mkdir -p ${directory}`,
      cause: error,
    });
  }
}

async function checkFile(file: string): Promise<void> {
  try {
    if ((await stat(file)).isFile()) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw pathError(error, file);
  }
  throw new LockstepError('ConnectionFailed', `${file} is not a regular file`, { field: 'path' });
}

const staleAfterMs = 24 * 60 * 60 * 1000;

/** Removes what jobs that never came to their end left beside the file: it holds personal data. */
export async function removeStale(
  { file, directory, workspace, temporary }: TargetPaths,
  nowMs: number,
): Promise<void> {
  const prefix = `.${basename(file)}.lockstep-`;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.startsWith(prefix) || path.startsWith(workspace) || path === temporary) continue;
    const stats = await stat(path).catch(() => undefined);
    if (stats !== undefined && nowMs - stats.mtimeMs > staleAfterMs) await rm(path, { force: true });
  }
}
