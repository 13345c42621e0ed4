import { Command } from 'commander';
import type { ResolvedConfiguration } from '@lockstep/contract/installationConfiguration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { loadConfiguration } from '../configuration-file.ts';
import { combineExitCodes, exitCodeOfJob, type ExitCode } from '../exit-code.ts';
import { runSync } from '../follow-job.ts';
import { note, print, printJson } from '../output.ts';
import { ProgressReporter } from '../progress.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { renderReport, reportJob, type JobReport } from '../sync-report.ts';

interface SyncOptions extends StoreOptions {
  readonly file: string;
  readonly dryRun?: boolean;
}

/** The named syncs, or all that are enabled, in the order of the file. */
function chooseSyncs(configuration: ResolvedConfiguration, names: readonly string[]): string[] {
  const known = configuration.syncs.map((sync) => sync.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new LockstepError('NotFound', `There is no sync "${unknown}" in the configuration.`, {
      field: 'NAME',
      remedy: known.length === 0 ? 'The file has no syncs.' : `The file has: ${known.join(', ')}.`,
    });
  }
  const disabled = configuration.syncs.filter((sync) => !sync.settings.enabled);
  const refused = disabled.find(({ name }) => names.includes(name));
  if (refused !== undefined) {
    throw new LockstepError('Conflict', `The sync "${refused.name}" is not enabled.`, {
      field: 'NAME',
      remedy: 'Set `enabled: true` in its configuration, or leave its name out.',
    });
  }
  if (names.length > 0) return known.filter((name) => names.includes(name));
  for (const { name } of disabled) note(`${name}: left out, it is not enabled`);
  return known.filter((name) => !disabled.some((sync) => sync.name === name));
}

async function sync(names: string[], options: SyncOptions): Promise<void> {
  const { configuration, placing } = await loadConfiguration(options.file);
  const chosen = chooseSyncs(configuration, names);
  await using session = await openSession(options, { worker: true, create: true }, options.file);
  await placing(session.call('applyConfiguration', { body: configuration }));
  const mode = options.dryRun === true ? 'dryRun' : 'apply';
  if (mode === 'dryRun' && chosen.length > 1) {
    note(
      'dry run: each sync is planned against the directory as it is now, without the changes of those before it',
    );
  }
  const reporter = new ProgressReporter(process.stderr);
  const reports: JobReport[] = [];
  const codes: ExitCode[] = [];
  for (const name of chosen) {
    const { job } = await runSync(session, name, { mode }, reporter);
    reporter.line(`${name}: ${job.status}`);
    reports.push(await reportJob(session, job));
    codes.push(exitCodeOfJob(job));
  }
  if (options.json) printJson({ jobs: reports.map(({ report }) => report) });
  else print(renderReport(reports));
  process.exitCode = combineExitCodes(codes);
}

/** `lockstep sync` */
export function syncCommand(): Command {
  return withStoreOptions(new Command('sync'), 'configurationFile')
    .description('bring the store to a configuration file and run its syncs once, in the order of the file')
    .argument('[name...]', 'syncs to run; all without a name')
    .requiredOption('-f, --file <file>', 'configuration file')
    .option('--dry-run', 'plan only: nothing is written but the configuration and the plan')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Exit code: 0 success, 1 failed, 2 a dry run found differences, 3 partial success, 4 held.

Example:
  $ bin/lockstep sync -f lockstep.yaml corp-in --data ./data --json`,
    )
    .action(sync);
}
