import { oauthScopes, type OauthScope } from '@lockstep/contract/oauth.ts';
import { Command, Option } from 'commander';
import { note, print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderFields, renderTable } from '../table.ts';

interface CreateOptions extends StoreOptions {
  readonly redirectUri?: string[];
  readonly scope?: OauthScope[];
  readonly public?: boolean;
}

async function createClient(name: string, options: CreateOptions): Promise<void> {
  await using session = await openSession(options);
  const { redirectUri: redirectUris, scope: scopes } = options;
  const body = {
    name,
    confidential: options.public !== true,
    ...(redirectUris && { redirectUris }),
    ...(scopes && { scopes }),
  };
  const client = await session.call('createOauthClient', { body });
  if (options.json) return printJson(client);
  print(
    renderFields([
      ['client id', client.id],
      ['client secret', client.secret ?? '(none: a public client)'],
      ['redirect URIs', client.redirectUris.join(', ')],
      ['scopes', client.scopes.join(', ')],
    ]),
  );
  if (client.secret !== null) note('The secret is not shown again.');
}

async function listClients(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listOauthClients', { query }));
  if (options.json) return printJson({ oauthClients: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'ID', value: (client) => client.id },
        { title: 'NAME', value: (client) => client.name },
        { title: 'SECRET', value: (client) => (client.confidential ? 'yes' : 'no') },
        { title: 'SCOPES', value: (client) => client.scopes.join(', ') },
        { title: 'REDIRECT URIS', value: (client) => client.redirectUris.join(', ') },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

async function deleteClient(client: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('deleteOauthClient', { params: { client } });
  if (options.json) printJson({ id: client, status: 'deleted' });
  else print(printable(`${client} is deleted`));
}

/** `lockstep oauth-clients ...` */
export function oauthClientsCommand(): Command {
  const command = new Command('oauth-clients')
    .description('make, list and delete OAuth clients, which get tokens for the Meraki API')
    .addHelpText(
      'after',
      '\nExample:\n  $ bin/lockstep oauth-clients create portal --redirect-uri https://portal.example/back --data ./data',
    );
  command.addCommand(
    withStoreOptions(new Command('create'))
      .description('make an OAuth client; its secret is shown once')
      .argument('<name>', 'what people are told who asks for access')
      .option('--redirect-uri <uri...>', 'where browsers may be sent back to')
      .addOption(
        new Option('--scope <scope...>', 'the most that its tokens may do; else everything').choices(
          oauthScopes,
        ),
      )
      .option('--public', 'a program that cannot keep a secret, and gets none')
      .option('--json', 'one JSON document')
      .addHelpText(
        'after',
        '\nExample:\n  $ bin/lockstep oauth-clients create portal --redirect-uri https://portal.example/back --data ./data',
      )
      .action(createClient),
  );
  command.addCommand(
    withStoreOptions(new Command('list'))
      .description('list OAuth clients, without their secrets')
      .option('--limit <count>', 'most clients, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep oauth-clients list --data ./data')
      .action(listClients),
  );
  command.addCommand(
    withStoreOptions(new Command('delete'))
      .description('delete an OAuth client; its tokens end with it')
      .argument('<client>', 'id of the client')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep oauth-clients delete oauth_example --data ./data')
      .action(deleteClient),
  );
  return command;
}
