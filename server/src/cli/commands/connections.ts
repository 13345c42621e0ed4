import type { ConnectionView } from '@lockstep/contract/connection.ts';
import { Command } from 'commander';
import { exitCodes } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderTable } from '../table.ts';
import { connectionTokenCommand } from './tokens.ts';

function whereabouts({ name, configuration }: ConnectionView): string {
  if (configuration.type === 'scim_server') return `/scim/v2/${name}`;
  if ('url' in configuration) return configuration.url;
  if ('path' in configuration) return configuration.path;
  return 'tenantId' in configuration ? configuration.tenantId : configuration.delegatedSubject;
}

async function listConnections(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listConnections', { query }));
  if (options.json) return printJson({ connections: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'NAME', value: (connection) => connection.name },
        { title: 'TYPE', value: (connection) => connection.type },
        {
          title: 'WHERE',
          value: whereabouts,
        },
        { title: 'SECRETS', value: (connection) => connection.secrets.join(', ') },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

async function testConnection(name: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  const result = await session.call('testConnection', { params: { connection: name } });
  if (options.json) {
    printJson(result);
  } else {
    for (const step of result.steps) {
      print(printable(`${step.ok ? 'ok    ' : 'failed'}  ${step.step}: ${step.detail}`));
      if (step.remedy !== undefined) print(printable(`        remedy: ${step.remedy}`));
    }
  }
  process.exitCode = result.ok ? exitCodes.success : exitCodes.failed;
}

/** `lockstep connections ...` */
export function connectionsCommand(): Command {
  const command = new Command('connections')
    .description('list and test connections, and make tokens for those who push into one')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep connections test corp --data ./data');
  command.addCommand(
    withStoreOptions(new Command('list'))
      .description('list connections, without their secrets')
      .option('--limit <count>', 'most connections, or "all"', 'all')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep connections list --data ./data')
      .action(listConnections),
  );
  command.addCommand(
    withStoreOptions(new Command('test'))
      .description('test a connection step by step (name, TCP, TLS, bind, read), up to the step that fails')
      .argument('<connection>', 'name or id of the connection')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep connections test corp --data ./data')
      .action(testConnection),
  );
  command.addCommand(connectionTokenCommand());
  return command;
}
