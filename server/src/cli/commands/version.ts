import { Command } from 'commander';
import { print, printJson } from '../output.ts';
import { version } from '../../kernel/version.ts';

/** `lockstep version` */
export function versionCommand(): Command {
  return new Command('version')
    .description('show the version')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep version --json')
    .action((options: { json?: boolean }) => {
      if (options.json) printJson({ version, node: process.versions.node });
      else print(version);
    });
}
