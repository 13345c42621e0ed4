import { Command } from 'commander';
import { note, print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withInstallationOptions, type StoreOptions } from '../store-location.ts';
import { renderFields, renderTable } from '../table.ts';

async function listTenants(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listTenants', { query }));
  if (options.json) return printJson({ tenants: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'NAME', value: (tenant) => tenant.name },
        { title: 'ID', value: (tenant) => tenant.id },
        { title: 'MADE', value: (tenant) => tenant.createdAt },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

async function createTenant(name: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  const made = await session.call('createTenant', { body: { name } });
  if (options.json) return printJson(made);
  const { administrator } = made;
  print(
    renderFields([
      ['tenant id', made.id],
      ['account id', administrator.accountId],
      ['api token', administrator.apiToken],
      ['access key id', administrator.accessKeyId],
      ['access key secret', administrator.accessKeySecret],
    ]),
  );
  note('Token and secret are of its administrator, and are not shown again.');
}

function subcommand(name: string, description: string, example: string): Command {
  return withInstallationOptions(new Command(name))
    .description(description)
    .option('--json', 'one JSON document')
    .addHelpText('after', `\nExample:\n  $ bin/lockstep tenants ${example} --data ./data`);
}

/** `lockstep tenants ...` */
export function tenantsCommand(): Command {
  const command = new Command('tenants')
    .description('make and list tenants: directories that know nothing of each other')
    .addHelpText(
      'after',
      '\nExample:\n  $ bin/lockstep tenants create acme --data ./data\n  $ bin/lockstep sync -f acme.yaml --tenant acme --data ./data',
    );
  command.addCommand(
    subcommand('create', 'make a tenant; the credentials of its administrator are shown once', 'create acme')
      .argument('<name>', 'no other tenant has it')
      .action(createTenant),
  );
  command.addCommand(
    subcommand('list', 'list tenants', 'list')
      .option('--limit <count>', 'most tenants, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .action(listTenants),
  );
  return command;
}
