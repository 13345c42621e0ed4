import { Command } from 'commander';
import { note, print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderFields, renderTable } from '../table.ts';

interface CreateOptions extends StoreOptions {
  readonly account?: string;
  readonly expires?: string;
  readonly policy?: string[];
}

async function createKey(name: string, options: CreateOptions): Promise<void> {
  await using session = await openSession(options);
  const { account, expires: expiresAt, policy: policies } = options;
  const body = {
    name,
    ...(account && { account }),
    ...(expiresAt && { expiresAt }),
    ...(policies && { policies }),
  };
  const key = await session.call('createAccessKey', { body });
  if (options.json) return printJson(key);
  print(
    renderFields([
      ['access key id', key.id],
      ['access key secret', key.secret],
      ['account', `${key.account} (${key.role})`],
      ['policies', key.policies.join(', ')],
      ['expires', key.expiresAt],
    ]),
  );
  note('The secret is not shown again.');
}

async function listKeys(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listAccessKeys', { query }));
  if (options.json) return printJson({ accessKeys: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'ID', value: (key) => key.id },
        { title: 'NAME', value: (key) => key.name },
        { title: 'ACCOUNT', value: (key) => key.account },
        { title: 'STATUS', value: (key) => key.status },
        { title: 'POLICIES', value: (key) => key.policies.join(', ') },
        { title: 'LAST USED', value: (key) => key.lastUsedAt ?? 'never' },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

async function revokeKey(key: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('revokeAccessKey', { params: { key } });
  if (options.json) printJson({ id: key, status: 'revoked' });
  else print(printable(`${key} is revoked`));
}

/** `lockstep keys ...` */
export function keysCommand(): Command {
  const command = new Command('keys')
    .description('make, list and revoke access keys, which sign requests to the EIAM API')
    .addHelpText(
      'after',
      '\nExample:\n  $ bin/lockstep keys create reporting --policy read-only --data ./data',
    );
  command.addCommand(
    withStoreOptions(new Command('create'))
      .description('make an access key; its secret is shown once')
      .argument('<name>', 'what the key is for')
      .option('--account <name>', 'account that it acts for; else the administrator')
      .option('--expires <time>', 'when it ends, as 2030-01-31T00:00:00Z; else when it is revoked')
      .option('--policy <name...>', 'policies that bound it; without any it may do what its account may')
      .option('--json', 'one JSON document')
      .addHelpText(
        'after',
        '\nExample:\n  $ bin/lockstep keys create reporting --policy read-only --data ./data',
      )
      .action(createKey),
  );
  command.addCommand(
    withStoreOptions(new Command('list'))
      .description('list access keys, revoked ones too, without their secrets')
      .option('--limit <count>', 'most keys, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep keys list --data ./data')
      .action(listKeys),
  );
  command.addCommand(
    withStoreOptions(new Command('revoke'))
      .description('end an access key and the temporary keys that come from it, for good')
      .argument('<key>', 'id of the access key')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep keys revoke LTAI5tExample --data ./data')
      .action(revokeKey),
  );
  return command;
}
