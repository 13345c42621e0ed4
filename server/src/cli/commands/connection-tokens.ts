import { Command } from 'commander';
import { note, print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderTable } from '../table.ts';

interface CreateOptions extends StoreOptions {
  readonly label?: string;
  readonly expires?: string;
}

/** The token alone goes to standard output, so that a script can take it. */
async function createToken(connection: string, options: CreateOptions): Promise<void> {
  await using session = await openSession(options);
  const { label, expires: expiresAt } = options;
  const body = { ...(label !== undefined && { label }), ...(expiresAt !== undefined && { expiresAt }) };
  const made = await session.call('createConnectionToken', { params: { connection }, body });
  if (options.json) return printJson(made);
  print(made.token);
  const until = made.expiresAt === null ? 'until it is revoked' : `until ${made.expiresAt}`;
  note(`Token ${made.id} is good for ${made.path} ${until}. It is not shown again.`);
}

async function listTokens(connection: string, options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) =>
    session.call('listConnectionTokens', { params: { connection }, query }),
  );
  if (options.json) return printJson({ tokens: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'ID', value: (token) => token.id },
        { title: 'LABEL', value: (token) => token.label },
        { title: 'STATUS', value: (token) => token.status },
        { title: 'EXPIRES', value: (token) => token.expiresAt ?? 'never' },
        { title: 'LAST USED', value: (token) => token.lastUsedAt ?? 'never' },
      ],
      page.items,
    ),
  );
  const expiring = page.items.filter(({ status }) => status === 'expiring');
  for (const { id, expiresAt } of expiring)
    note(`Token ${id} ends at ${expiresAt}: make a new one and give it to the pushing side.`);
  noteMore(page);
}

async function revokeToken(connection: string, token: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('revokeConnectionToken', { params: { connection, token } });
  if (options.json) printJson({ id: token, status: 'revoked' });
  else print(printable(`${token} is revoked`));
}

function subcommand(name: string, description: string, example: string): Command {
  return withStoreOptions(new Command(name))
    .description(description)
    .argument('<connection>', 'name or id of a connection of type scim_server')
    .option('--json', 'one JSON document')
    .addHelpText('after', `\nExample:\n  $ bin/lockstep connections token ${example} --data ./data`);
}

/** `lockstep connections token ...`: without a further word it makes one. */
export function connectionTokenCommand(): Command {
  const command = new Command('token')
    .usage('[create] <connection> | list <connection> | revoke <connection> <token>')
    .description('make, list and revoke tokens of systems that push into a connection (SCIM)')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep connections token hr-push --data ./data');
  command.addCommand(
    subcommand('create', 'make a token; it is shown once', 'hr-push --label entra')
      .option('--label <text>', 'what it is for')
      .option('--expires <time>', 'when it ends, as 2030-01-31T00:00:00Z; else when it is revoked')
      .action(createToken),
    { isDefault: true },
  );
  command.addCommand(
    subcommand('list', 'list tokens, revoked ones too', 'list hr-push')
      .option('--limit <count>', 'most tokens, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .action(listTokens),
  );
  command.addCommand(
    subcommand('revoke', 'end a token for good', 'revoke hr-push tok_a2b3c4d5e6f7g2h3i4j5k6l7m2')
      .argument('<token>', 'id of the token')
      .action(revokeToken),
  );
  return command;
}
