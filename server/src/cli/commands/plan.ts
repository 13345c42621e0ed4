import { Command } from 'commander';
import { renderValues } from '../change-report.ts';
import { exitCodeOfJob, exitCodes } from '../exit-code.ts';
import { runSync } from '../follow-job.ts';
import { renderGuard } from '../guard-report.ts';
import { note, print, printJson } from '../output.ts';
import { collectPages, type PagingOptions } from '../paging.ts';
import { ProgressReporter } from '../progress.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable } from '../table.ts';

type PlanOptions = StoreOptions & PagingOptions & { readonly values?: boolean };

async function plan(sync: string, options: PlanOptions): Promise<void> {
  await using session = await openSession(options, { worker: true });
  const { job } = await runSync(session, sync, { mode: 'dryRun' }, new ProgressReporter(process.stderr));
  const page = await collectPages(options, (query) =>
    session.call('listChanges', { params: { job: job.id }, query }),
  );
  if (options.json) {
    printJson({ job, changes: page.items, next: page.next });
  } else {
    const lines = page.items.flatMap((change) => [
      printable(change.sentence),
      ...(options.values ? renderValues(change) : []),
    ]);
    if (lines.length > 0) print(lines.join('\n'));
    // A plan that could not be made says nothing about differences.
    else if (exitCodeOfJob(job) === exitCodes.success) print('Nothing to change.');
    for (const line of renderGuard(job, session.storeArguments)) note(line);
    if (job.note !== null) note(printable(job.note));
    if (page.next !== null) note(`There are more: --limit all, or jobs changes ${job.id}`);
    if (job.error !== null) note(`error: ${job.error.message} (${job.error.code})`);
  }
  process.exitCode = exitCodeOfJob(job);
}

/** `lockstep plan` */
export function planCommand(): Command {
  return withStoreOptions(new Command('plan'))
    .description(
      'show what a sync would change, one sentence for each change; nothing is written (exit code 2: there are changes)',
    )
    .argument('<sync>', 'name or id of the sync')
    .option('--values', 'with the values from before and after')
    .option('--limit <count>', 'most changes, or "all"', '1000')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep plan replica-out --data ./data')
    .action(plan);
}
