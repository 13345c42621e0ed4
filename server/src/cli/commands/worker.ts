import { Command } from 'commander';
import type { LogLevel } from '../../telemetry/log.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { logLevelOption } from '../log-level-option.ts';
import { note } from '../output.ts';
import { terminated } from '../signals.ts';
import { locateStore, withInstallationOptions, type StoreOptions } from '../store-location.ts';

async function work(options: StoreOptions & { logLevel: LogLevel }): Promise<void> {
  const location = locateStore(options);
  if (location.type === 'embedded') {
    throw new LockstepError('InvalidRequest', 'A worker needs a database that it can share with a server.', {
      field: '--database-url',
      remedy: 'Give --database-url. On an embedded store "serve" runs the jobs itself.',
    });
  }
  const { openLocalRuntime } = await import('../local-runtime.ts');
  const end = terminated();
  const runtime = await openLocalRuntime(location, { worker: true, logLevel: options.logLevel });
  note('worker: waiting for jobs');
  await end;
  await runtime[Symbol.asyncDispose]();
}

/** `lockstep worker` */
export function workerCommand(): Command {
  return withInstallationOptions(new Command('worker'))
    .description('run the jobs of a PostgreSQL store, beside any number of servers and workers')
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ bin/lockstep worker --database-url postgres://lockstep@db/lockstep',
    )
    .action(work);
}
