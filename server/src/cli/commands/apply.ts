import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { loadConfiguration } from '../configuration-file.ts';
import { renderDifference } from '../configuration-difference.ts';
import { exitCodes } from '../exit-code.ts';
import { note, print, printJson } from '../output.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';

interface ApplyOptions extends StoreOptions {
  readonly file: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** Asks on a terminal; a script that runs the command has decided already. */
async function confirm(options: ApplyOptions): Promise<boolean> {
  if (options.yes === true || options.json === true || !process.stdin.isTTY) return true;
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Apply? [y/N] ');
  return /^y(es)?$/i.test(answer.trim());
}

async function apply(options: ApplyOptions): Promise<void> {
  const { configuration, placing } = await loadConfiguration(options.file);
  await using session = await openSession(options, { create: true }, options.file);
  const { changes } = await placing(session.call('compareConfiguration', { body: configuration }));
  const dryRun = options.dryRun === true;
  if (options.json) printJson({ changes, applied: !dryRun && changes.length > 0 });
  else print(renderDifference(changes));
  if (changes.length === 0) return;
  if (dryRun) {
    process.exitCode = exitCodes.different;
    return;
  }
  if (!(await confirm(options))) {
    note('Nothing was applied.');
    process.exitCode = exitCodes.failed;
    return;
  }
  await placing(session.call('applyConfiguration', { body: configuration }));
  if (!options.json) print('Applied.');
}

/** `lockstep apply` */
export function applyCommand(): Command {
  return withStoreOptions(new Command('apply'), 'configurationFile')
    .description(
      'bring connections and syncs to what a configuration file says, after showing the difference',
    )
    .requiredOption('-f, --file <file>', 'configuration file')
    .option('--yes', 'do not ask; without a terminal nothing is asked anyway')
    .option('--dry-run', 'show the difference only (exit code 2: there is one)')
    .option('--json', 'one JSON document; asks nothing')
    .addHelpText(
      'after',
      `
Connections and syncs that the file does not name are removed; directory objects and jobs stay.

Example:
  $ bin/lockstep apply -f lockstep.yaml --data ./data`,
    )
    .action(apply);
}
