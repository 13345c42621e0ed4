import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { LockstepError } from '../../kernel/errors.ts';
import { print, printJson } from '../output.ts';
import { locateStore, withStoreOptions, type StoreOptions } from '../store-location.ts';

/** Opened before the store is: a mistyped name must not leave a new, empty store behind. */
async function openBackup(file: string): Promise<Readable> {
  try {
    return (await open(file)).createReadStream();
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LockstepError('InvalidRequest', `The backup ${file} cannot be read (${reason}).`, {
      field: 'FILE',
      remedy: 'Name a file that "backup" has written.',
      cause,
    });
  }
}

async function restore(file: string, options: StoreOptions): Promise<void> {
  const location = locateStore(options);
  const source = await openBackup(file);
  const { restoreInstallation } = await import('../../app/backup.ts');
  const { createdAt } = await restoreInstallation(
    location.type === 'embedded' ? { data: location.directory } : { databaseUrl: location.url },
    source,
  );
  if (options.json) printJson({ file, createdAt });
  else print(`Restored what was there at ${createdAt}. Start it with the master key that was used then.`);
}

/** `lockstep restore` */
export function restoreCommand(): Command {
  return withStoreOptions(new Command('restore'))
    .description('fill an empty store with a backup; from an embedded store to a server and back, too')
    .argument('<file>', 'file that "backup" has written')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep restore lockstep-backup.gz --data ./restored')
    .action(restore);
}
