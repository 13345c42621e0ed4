import { existsSync, renameSync, statSync } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { LockstepError } from '../../kernel/errors.ts';
import type {
  ReadScope,
  TargetChange,
  TargetOutcome,
  TargetSession,
  UnitMove,
} from '../../sync/connector.ts';
import type { FileSettings } from './config.ts';
import { writingError } from './errors.ts';
import { openRegular } from './opening.ts';
import { removeStale, resolveTarget, type TargetPaths } from './paths.ts';
import { removeDatabase } from './workspace/database.ts';
import { Workspace, type Imported } from './workspace/workspace.ts';

/** Of a file that nobody made yet: it holds personal data. */
const newFileMode = 0o600;

/**
 * Opens a file for writing. Nothing is made before the first change.
 * @throws LockstepError ConnectionFailed when the directory is missing or may not be written.
 */
export async function openFileTarget(
  settings: FileSettings,
  options: {
    readonly job: string;
    readonly scopes: readonly ReadScope[];
    readonly moved?: readonly UnitMove[] | undefined;
  },
): Promise<TargetSession> {
  const paths = await resolveTarget(settings.path, options.job);
  await removeStale(paths, Date.now());
  return new FileTarget(
    settings,
    paths,
    options.scopes.map((scope) => scope.node),
    options.moved ?? [],
  );
}

/** Removes what a job keeps beside the file until it has written it. */
export async function discardScratch(settings: FileSettings, job: string): Promise<void> {
  const { workspace, temporary } = await resolveTarget(settings.path, job);
  removeDatabase(workspace);
  await rm(temporary, { force: true });
}

class FileTarget implements TargetSession {
  readonly #settings: FileSettings;
  readonly #paths: TargetPaths;
  readonly #nodes: readonly string[];
  readonly #moved: readonly UnitMove[];
  #workspace: Workspace | undefined;

  constructor(
    settings: FileSettings,
    paths: TargetPaths,
    nodes: readonly string[],
    moved: readonly UnitMove[],
  ) {
    this.#settings = settings;
    this.#paths = paths;
    this.#nodes = nodes;
    this.#moved = moved;
  }

  async apply(
    changes: readonly TargetChange[],
    options: { readonly recovering: boolean; readonly signal: AbortSignal },
  ): Promise<readonly TargetOutcome[]> {
    options.signal.throwIfAborted();
    const workspace = await this.#open();
    try {
      return workspace.apply(changes, options.recovering);
    } catch (error) {
      throw writingError(error, this.#paths.file);
    }
  }

  async finish(): Promise<void> {
    // A resumed job may have nothing left to apply, and yet a workspace to write.
    if (this.#workspace === undefined && !existsSync(this.#paths.workspace)) return;
    const workspace = await this.#open();
    if (workspace.meta.changed !== undefined) await this.#replaceFile(workspace);
    workspace.remove();
    this.#workspace = undefined;
    await rm(this.#paths.temporary, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#workspace?.close();
    this.#workspace = undefined;
  }

  async #open(): Promise<Workspace> {
    const { workspace, file } = this.#paths;
    try {
      this.#workspace ??= await Workspace.open(
        workspace,
        this.#settings,
        { nodes: this.#nodes, moved: this.#moved },
        () => loadExisting(file),
      );
    } catch (error) {
      throw writingError(error, file);
    }
    return this.#workspace;
  }

  async #replaceFile(workspace: Workspace): Promise<void> {
    const { file, temporary } = this.#paths;
    try {
      refuseMoved(workspace, file);
      const handle = await open(temporary, 'w', newFileMode);
      try {
        await workspace.export(handle);
        await takeOverPermissions(file, handle);
        await handle.sync();
        // Again, and without a pause before the renaming: another job may have written while this one exported.
        refuseMoved(workspace, file);
        workspace.markWritten(stampOf(temporary));
        renameSync(temporary, file);
      } finally {
        await handle.close();
      }
      await syncDirectory(this.#paths.directory);
    } catch (error) {
      throw writingError(error, file);
    }
  }
}

async function loadExisting(file: string): Promise<Imported> {
  const opened = await openRegular(file, true);
  return { handle: opened?.handle ?? null, stamp: stampOf(file) };
}

/** Which file it is, and in which state. */
function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? 'absent' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

/** What somebody else wrote in the meantime would be lost. */
function refuseMoved(workspace: Workspace, file: string): void {
  const { imported, written } = workspace.meta;
  const stamp = stampOf(file);
  if (stamp === imported || stamp === written) return;
  throw new LockstepError('Conflict', `${file} was changed by somebody else while the job ran`, {
    remedy: 'Run the sync again; what it wrote so far was left out of the file.',
  });
}

async function takeOverPermissions(file: string, handle: FileHandle): Promise<void> {
  const existing = await stat(file).catch(() => undefined);
  if (existing === undefined) return;
  const own = await handle.stat();
  if (existing.uid !== own.uid || existing.gid !== own.gid) {
    // Only root may give a file away; without the right to, the file stays the writer's.
    await handle.chown(existing.uid, existing.gid).catch(() => undefined);
  }
  await handle.chmod(existing.mode & 0o7777);
}

/** So that the renaming itself outlives a loss of power. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
