import { Command } from 'commander';
import { version } from '../kernel/version.ts';
import { accountsCommand } from './commands/accounts.ts';
import { applyCommand } from './commands/apply.ts';
import { backupCommand } from './commands/backup.ts';
import { connectionsCommand } from './commands/connections.ts';
import { demoCommand } from './commands/demo.ts';
import { directoryCommand } from './commands/directory.ts';
import { jobsCommand } from './commands/jobs.ts';
import { keysCommand } from './commands/keys.ts';
import { oauthClientsCommand } from './commands/oauth-clients.ts';
import { planCommand } from './commands/plan.ts';
import { policiesCommand } from './commands/policies.ts';
import { restoreCommand } from './commands/restore.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { syncCommand } from './commands/sync.ts';
import { syncsCommand } from './commands/syncs.ts';
import { tenantsCommand } from './commands/tenants.ts';
import { versionCommand } from './commands/version.ts';
import { workerCommand } from './commands/worker.ts';

/** The whole command line. Modules with weight are imported by the command that needs them, when it runs. */
export function buildProgram(): Command {
  const program = new Command('lockstep')
    .description(
      'Keeps directories in step: reads from one system, keeps it in a directory, writes to others.',
    )
    .version(version)
    .showHelpAfterError('(--help shows what is possible)')
    .addHelpText(
      'after',
      `
Example:
  $ bin/lockstep sync -f lockstep.yaml --data ./data`,
    );
  const commands = [
    syncCommand,
    serveCommand,
    workerCommand,
    applyCommand,
    planCommand,
    runCommand,
    syncsCommand,
    jobsCommand,
    directoryCommand,
    connectionsCommand,
    accountsCommand,
    keysCommand,
    policiesCommand,
    oauthClientsCommand,
    tenantsCommand,
    backupCommand,
    restoreCommand,
    demoCommand,
    versionCommand,
  ];
  for (const build of commands) program.addCommand(build());
  return program;
}
