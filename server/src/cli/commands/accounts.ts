import { roles, type Role } from '@lockstep/contract/account.ts';
import { Command, Option } from 'commander';
import { print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderTable } from '../table.ts';
import { accountTokenCommand } from './tokens.ts';

async function listAccounts(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listAccounts', { query }));
  if (options.json) return printJson({ accounts: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'NAME', value: (account) => account.name },
        { title: 'ROLE', value: (account) => account.role },
        { title: 'ID', value: (account) => account.id },
        { title: 'MADE', value: (account) => account.createdAt },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

async function putAccount(account: string, options: StoreOptions & { readonly role: Role }): Promise<void> {
  await using session = await openSession(options);
  const view = await session.call('putAccount', { params: { account }, body: { role: options.role } });
  if (options.json) return printJson(view);
  print(printable(`account ${view.name} has the role ${view.role}`));
}

async function deleteAccount(account: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('deleteAccount', { params: { account } });
  if (options.json) printJson({ name: account, deleted: true });
  else print(printable(`account ${account} is deleted, with its tokens, access keys and OAuth clients`));
}

function subcommand(name: string, description: string, example: string): Command {
  return withStoreOptions(new Command(name))
    .description(description)
    .option('--json', 'one JSON document')
    .addHelpText('after', `\nExample:\n  $ bin/lockstep accounts ${example} --data ./data`);
}

/** `lockstep accounts ...` */
export function accountsCommand(): Command {
  const command = new Command('accounts')
    .description('say who may use the APIs and the console, as what, and with which tokens')
    .addHelpText(
      'after',
      '\nExample:\n  $ bin/lockstep accounts put auditor --role reader --data ./data\n  $ bin/lockstep accounts token auditor --data ./data',
    );
  command.addCommand(
    subcommand('list', 'list accounts', 'list')
      .option('--limit <count>', 'most accounts, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .action(listAccounts),
  );
  command.addCommand(
    subcommand('put', 'make an account, or give it another role', 'put auditor --role reader')
      .argument('<account>', 'its name')
      .addOption(
        new Option('--role <role>', 'what it may do, each more than the one after it')
          .choices(roles)
          .makeOptionMandatory(),
      )
      .action(putAccount),
  );
  command.addCommand(
    subcommand('delete', 'end an account with its tokens, access keys and OAuth clients', 'delete auditor')
      .argument('<account>', 'its name')
      .action(deleteAccount),
  );
  command.addCommand(accountTokenCommand());
  return command;
}
