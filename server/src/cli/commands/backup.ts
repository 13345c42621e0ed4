import { createWriteStream } from 'node:fs';
import { lstat, realpath, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { LockstepError } from '../../kernel/errors.ts';
import { fileError } from '../file-error.ts';
import { note, print, printJson } from '../output.ts';
import { openSession } from '../session.ts';
import { withInstallationOptions, type StoreOptions } from '../store-location.ts';

/**
 * Where the bytes go: a link leads there and stays. What is no file would be replaced by one: a device, a pipe, a link
 * that leads nowhere.
 * @throws LockstepError InvalidRequest
 */
async function placeOf(file: string): Promise<string> {
  const place = await realpath(file).catch(() => file);
  // A link that leads nowhere is there, and what it leads to is not.
  const found = await stat(place).catch(() => lstat(place).catch(() => undefined));
  if (found === undefined || found.isFile()) return place;
  throw new LockstepError('InvalidRequest', `${file} is no file.`, {
    field: 'FILE',
    remedy: 'Name a file, or one that is not there yet.',
  });
}

async function backup(file: string, options: StoreOptions): Promise<void> {
  if (file === '') {
    throw new LockstepError('InvalidRequest', 'The name of the file is empty.', {
      field: 'FILE',
      remedy: 'Name the file to write.',
    });
  }
  const place = await placeOf(file);
  await using session = await openSession(options);
  const unfinished = `${place}.unfinished`;
  try {
    const stream = await session.client.open('downloadBackup', {});
    await pipeline(stream, createWriteStream(unfinished, { mode: 0o600, flush: true }));
    await rename(unfinished, place);
  } catch (error) {
    await rm(unfinished, { force: true });
    session.refuseEnded();
    throw fileError(error, file) ?? error;
  }
  if (options.json) printJson({ file });
  else print(`Written: ${file}`);
  note('Keep the master key apart from it and as long: without it the secrets in the backup cannot be read.');
}

/** `lockstep backup` */
export function backupCommand(): Command {
  return withInstallationOptions(new Command('backup'))
    .description('write everything in the store to a file, also while a server is running')
    .argument('<file>', 'file to write')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep backup lockstep-backup.gz --data ./data')
    .action(backup);
}
