import { Command } from 'commander';
import { exitCodeOfJob } from '../exit-code.ts';
import { followJob } from '../follow-job.ts';
import { print, printJson } from '../output.ts';
import { ProgressReporter } from '../progress.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { renderJob } from './jobs.ts';

async function run(sync: string, options: StoreOptions & { wait?: boolean; full?: boolean }): Promise<void> {
  const waits = options.wait === true;
  await using session = await openSession(options, { worker: waits || options.databaseUrl === undefined });
  const { job, created } = await session.call('requestJob', {
    params: { sync },
    body: { mode: 'apply', full: options.full === true },
  });
  // On an embedded store the job would stop with this process; on a PostgreSQL server a worker takes it.
  const mustWait = session.isLocal && options.databaseUrl === undefined;
  if (!waits && !mustWait) {
    if (options.json) printJson({ job, created });
    else print(created ? `Job ${job.id} was requested.` : `Job ${job.id} of this sync is under way already.`);
    return;
  }
  const ended = await followJob(session, job, new ProgressReporter(process.stderr));
  if (options.json) printJson({ job: ended, created });
  else print(renderJob(ended));
  process.exitCode = exitCodeOfJob(ended);
}

/** `lockstep run` */
export function runCommand(): Command {
  return withStoreOptions(new Command('run'))
    .description('run a sync that is configured already; answers with the running job if there is one')
    .argument('<sync>', 'name or id of the sync')
    .option('--full', 'read everything again, also where the system could tell what changed')
    .option('--wait', 'wait for the end; without a running server it is always waited for')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep run corp-in --wait --data ./data')
    .action(run);
}
