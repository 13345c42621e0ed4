import { Command } from 'commander';
import type { JobView } from '@lockstep/contract/job.ts';
import { exitCodeOfJob } from '../exit-code.ts';
import { runSync } from '../follow-job.ts';
import { print, printJson } from '../output.ts';
import { ProgressReporter } from '../progress.ts';
import { openSession } from '../session.ts';
import { locateStore, withStoreOptions, type StoreOptions } from '../store-location.ts';
import { renderJob } from './jobs.ts';

function renderUnderWay({ id, mode, selection }: JobView): string {
  if (mode !== 'apply') return `Nothing was requested: job ${id} of this sync (${mode}) is under way.`;
  const part = selection === null ? '' : ', for some objects only';
  return `Job ${id} of this sync is under way already${part}.`;
}

async function run(sync: string, options: StoreOptions & { wait?: boolean; full?: boolean }): Promise<void> {
  const waits = options.wait === true;
  const isShared = locateStore(options).type === 'server';
  await using session = await openSession(options, { worker: waits || !isShared });
  const asked = { mode: 'apply', full: options.full === true } as const;
  // On an embedded store the job would stop with this process; on a PostgreSQL server a worker takes it.
  const mustWait = session.isLocal && !isShared;
  if (!waits && !mustWait) {
    const { job, created } = await session.call('requestJob', { params: { sync }, body: asked });
    if (options.json) printJson({ job, created });
    else print(created ? `Job ${job.id} was requested.` : renderUnderWay(job));
    return;
  }
  const { job, created } = await runSync(session, sync, asked, new ProgressReporter(process.stderr));
  if (options.json) printJson({ job, created });
  else print(renderJob(job, session.storeArguments));
  process.exitCode = exitCodeOfJob(job);
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
