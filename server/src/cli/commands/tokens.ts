import type { Page } from '@lockstep/contract/page.ts';
import type { TokenView } from '@lockstep/contract/token.ts';
import { Command } from 'commander';
import { note, print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession, type Session } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderTable } from '../table.ts';

interface CreateOptions extends StoreOptions {
  readonly label?: string;
  readonly expires?: string;
}

interface TokenRequest {
  label?: string;
  expiresAt?: string;
}

type Made = TokenView & { readonly token: string };

/** Tokens of one kind of owner: how they are called for, and how they are told of. */
interface TokenKind<M extends Made> {
  /** The command above, as it is typed. */
  readonly parent: string;
  readonly owner: '<account>' | '<connection>';
  readonly ownerHelp: string;
  readonly description: string;
  readonly example: string;
  /** Who has to be given a new one. */
  readonly holder: string;
  readonly goodFor: (made: M) => string;
  readonly create: (session: Session, owner: string, body: TokenRequest) => Promise<M>;
  readonly list: (
    session: Session,
    owner: string,
    query: { limit?: string; after?: string },
  ) => Promise<Page<TokenView>>;
  readonly revoke: (session: Session, owner: string, token: string) => Promise<void>;
}

/** The token alone goes to standard output, so that a script can take it. */
async function createToken<M extends Made>(
  kind: TokenKind<M>,
  owner: string,
  options: CreateOptions,
): Promise<void> {
  await using session = await openSession(options);
  const { label, expires: expiresAt } = options;
  const body = { ...(label !== undefined && { label }), ...(expiresAt !== undefined && { expiresAt }) };
  const made = await kind.create(session, owner, body);
  if (options.json) return printJson(made);
  print(made.token);
  const until = made.expiresAt === null ? 'until it is revoked' : `until ${made.expiresAt}`;
  note(`Token ${made.id} is good for ${kind.goodFor(made)} ${until}. It is not shown again.`);
}

async function listTokens<M extends Made>(
  kind: TokenKind<M>,
  owner: string,
  options: StoreOptions & PagingOptions,
): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => kind.list(session, owner, query));
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
    note(`Token ${id} ends at ${expiresAt}: make a new one and give it to ${kind.holder}.`);
  noteMore(page);
}

async function revokeToken<M extends Made>(
  kind: TokenKind<M>,
  owner: string,
  token: string,
  options: StoreOptions,
): Promise<void> {
  await using session = await openSession(options);
  await kind.revoke(session, owner, token);
  if (options.json) printJson({ id: token, status: 'revoked' });
  else print(printable(`${token} is revoked`));
}

/** `lockstep PARENT token ...`: without a further word it makes one. */
function tokenCommand<M extends Made>(kind: TokenKind<M>): Command {
  const { parent, owner, example } = kind;
  const shown = (words: string) => `\nExample:\n  $ bin/lockstep ${parent} token ${words} --data ./data`;
  const subcommand = (name: string, description: string, words: string): Command =>
    withStoreOptions(new Command(name))
      .description(description)
      .argument(owner, kind.ownerHelp)
      .option('--json', 'one JSON document')
      .addHelpText('after', shown(words));
  const command = new Command('token')
    .usage(`[create] ${owner} | list ${owner} | revoke ${owner} <token>`)
    .description(kind.description)
    .addHelpText('after', shown(example));
  command.addCommand(
    subcommand('create', 'make a token; it is shown once', `${example} --label laptop`)
      .option('--label <text>', 'what it is for')
      .option('--expires <time>', 'when it ends, as 2030-01-31T00:00:00Z; else when it is revoked')
      .action(async (name: string, options: CreateOptions) => createToken(kind, name, options)),
    { isDefault: true },
  );
  command.addCommand(
    subcommand('list', 'list tokens, revoked ones too', `list ${example}`)
      .option('--limit <count>', 'most tokens, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .action(async (name: string, options: StoreOptions & PagingOptions) => listTokens(kind, name, options)),
  );
  command.addCommand(
    subcommand('revoke', 'end a token for good', `revoke ${example} tok_a2b3c4d5e6f7g2h3i4j5k6l7m2`)
      .argument('<token>', 'id of the token')
      .action(async (name: string, token: string, options: StoreOptions) =>
        revokeToken(kind, name, token, options),
      ),
  );
  return command;
}

/** `lockstep connections token ...` */
export function connectionTokenCommand(): Command {
  return tokenCommand({
    parent: 'connections',
    owner: '<connection>',
    ownerHelp: 'name or id of a connection of type scim_server',
    description: 'make, list and revoke tokens of systems that push into a connection (SCIM)',
    example: 'hr-push',
    holder: 'the pushing side',
    goodFor: (made: Made & { readonly path: string }) => made.path,
    create: (session, connection, body) =>
      session.call('createConnectionToken', { params: { connection }, body }),
    list: (session, connection, query) =>
      session.call('listConnectionTokens', { params: { connection }, query }),
    revoke: (session, connection, token) =>
      session.call('revokeConnectionToken', { params: { connection, token } }),
  });
}

/** `lockstep accounts token ...` */
export function accountTokenCommand(): Command {
  return tokenCommand({
    parent: 'accounts',
    owner: '<account>',
    ownerHelp: 'name of the account',
    description: 'make, list and revoke bearer tokens, which open the APIs and the console',
    example: 'auditor',
    holder: 'whoever uses it',
    goodFor: () => 'the APIs and the console',
    create: (session, account, body) => session.call('createAccountToken', { params: { account }, body }),
    list: (session, account, query) => session.call('listAccountTokens', { params: { account }, query }),
    revoke: (session, account, token) => session.call('revokeAccountToken', { params: { account, token } }),
  });
}
