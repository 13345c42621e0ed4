import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { LockstepError } from '../../kernel/errors.ts';
import { note, print, printJson } from '../output.ts';
import { renderError } from '../report-error.ts';
import { exitCodeOf, terminated, type Ending } from '../signals.ts';
import { locateStore, withInstallationOptions, type StoreOptions } from '../store-location.ts';

function unusable(file: string, reason: string, cause?: unknown): LockstepError {
  return new LockstepError('InvalidRequest', `The backup ${file} cannot be read (${reason}).`, {
    field: 'FILE',
    remedy: 'Name a file that "backup" has written.',
    cause,
  });
}

/** RFC 1952 section 2.3.1: how a gzip file begins. */
const gzipMagic = Buffer.of(0x1f, 0x8b);

async function beginsAsBackup(handle: FileHandle): Promise<boolean> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.equals(gzipMagic);
}

/** Opened before the store is: a mistyped name must not leave a new, empty store behind. */
async function openBackup(file: string): Promise<Readable> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unusable(file, (cause as NodeJS.ErrnoException).code ?? String(cause), cause);
  });
  const isFile = (await handle.stat()).isFile();
  if (isFile && (await beginsAsBackup(handle))) return handle.createReadStream({ start: 0 });
  await handle.close();
  throw unusable(file, isFile ? 'it is no backup' : 'it is no file');
}

async function restore(file: string, options: StoreOptions): Promise<void> {
  const location = locateStore(options);
  const source = await openBackup(file);
  const { restoreInstallation } = await import('../../app/backup.ts');
  let ended: Ending | undefined;
  void terminated().then((signal) => {
    ended = signal;
    source.destroy();
  });
  const { createdAt } = await restoreInstallation(
    location.type === 'embedded' ? { data: location.directory } : { databaseUrl: location.url },
    source,
  ).catch((error: unknown) => {
    if (ended === undefined) throw error;
    note(renderError(new LockstepError('Cancelled', 'The command was ended.')));
    process.exit(exitCodeOf(ended));
  });
  if (options.json) printJson({ file, createdAt });
  else print(`Restored what was there at ${createdAt}. Start it with the master key that was used then.`);
}

/** `lockstep restore` */
export function restoreCommand(): Command {
  return withInstallationOptions(new Command('restore'))
    .description('fill an empty store with a backup; from an embedded store to a server and back, too')
    .argument('<file>', 'file that "backup" has written')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep restore lockstep-backup.gz --data ./restored')
    .action(restore);
}
