import { Command } from 'commander';
import type {
  DirectoryObject,
  DirectoryObjectDetail,
  DirectorySegment,
  Member,
} from '@lockstep/contract/directoryObject.ts';
import type { JsonAttributeValue } from '@lockstep/contract/attribute.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession, type Session } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderFields, renderTable } from '../table.ts';

const segments: Readonly<Record<string, DirectorySegment>> = {
  user: 'users',
  users: 'users',
  organizationalUnit: 'organizationalUnits',
  organizationalUnits: 'organizationalUnits',
  ou: 'organizationalUnits',
  group: 'groups',
  groups: 'groups',
};

function parseKind(text: string): DirectorySegment {
  const segment = segments[text];
  if (segment !== undefined) return segment;
  throw new LockstepError('InvalidRequest', `"${text}" is no kind of object.`, {
    field: 'kind',
    remedy: 'Give users, organizationalUnits or groups.',
  });
}

function renderValue(value: JsonAttributeValue): string {
  if (typeof value === 'string') return value;
  return `(${Buffer.from(value.$base64, 'base64').length} bytes)`;
}

type ListOptions = StoreOptions & PagingOptions & { readonly path?: string; readonly prefix?: string };

async function listObjects(kind: string, options: ListOptions): Promise<void> {
  const segment = parseKind(kind);
  await using session = await openSession(options);
  const { path, prefix } = options;
  const page = await collectPages<DirectoryObject>(options, (query) =>
    session.call('listDirectory', { params: { kind: segment }, query: { ...query, path, prefix } }),
  );
  if (options.json) return printJson({ objects: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'ID', value: (object) => object.id },
        { title: 'NAME', value: (object) => object.name },
        { title: 'PATH', value: (object) => object.path },
        { title: 'ENABLED', value: (object) => (object.enabled ? 'yes' : 'no') },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

async function membersOf(session: Session, kind: DirectorySegment, id: string): Promise<Member[]> {
  if (kind !== 'groups') return [];
  const params = { kind, object: id };
  return (await collectPages({ limit: 'all' }, (query) => session.call('listMembers', { params, query })))
    .items;
}

async function groupsOf(session: Session, kind: DirectorySegment, id: string): Promise<Member[]> {
  if (kind === 'organizationalUnits') return [];
  const params = { kind, object: id };
  return (await collectPages({ limit: 'all' }, (query) => session.call('listMemberships', { params, query })))
    .items;
}

function renderNames(members: readonly Member[]): string {
  return members.map((member) => member.name).join(', ');
}

function renderObject(
  object: DirectoryObjectDetail,
  members: readonly Member[],
  groups: readonly Member[],
): string {
  const origin = (name: string) => {
    const sync = object.provenance[name];
    return sync === undefined ? '' : `   (from ${sync})`;
  };
  const head = renderFields([
    ['id', object.id],
    ['path', object.path],
    ['enabled', object.enabled ? 'yes' : 'no'],
    ['members', renderNames(members)],
    ['member of', renderNames(groups)],
  ]);
  const attributes = Object.entries(object.attributes).flatMap(([name, values]) =>
    values.map((value) => printable(`  ${name}: ${renderValue(value)}${origin(name)}`)),
  );
  const links = object.links.map((link) =>
    printable(`  ${link.sync} (${link.direction}, ${link.state}): ${link.location ?? link.externalId}`),
  );
  return [head, 'attributes:', ...attributes, 'links:', ...links].join('\n');
}

async function showObject(kind: string, name: string, options: StoreOptions): Promise<void> {
  const segment = parseKind(kind);
  await using session = await openSession(options);
  const object = await session.call('getDirectoryObject', { params: { kind: segment, object: name } });
  const members = await membersOf(session, segment, object.id);
  const groups = await groupsOf(session, segment, object.id);
  if (options.json) printJson({ ...object, members, memberOf: groups });
  else print(renderObject(object, members, groups));
}

/** `lockstep directory ...` */
export function directoryCommand(): Command {
  const command = new Command('directory')
    .description('look into the directory')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep directory show user jdoe --data ./data');
  command.addCommand(
    withStoreOptions(new Command('list'))
      .description('list the objects of a kind')
      .argument('[kind]', 'users, organizationalUnits or groups', 'users')
      .option('--path <path>', 'right below the organizational unit with this path only')
      .option('--prefix <text>', 'whose name begins with this only')
      .option('--limit <count>', 'most objects, or "all"', '100')
      .option('--after <key>', 'go on after this key')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep directory list users --path /Sales --data ./data')
      .action(listObjects),
  );
  command.addCommand(
    withStoreOptions(new Command('show'))
      .description('show an object: its values and where they come from, its links, members and groups')
      .argument('<kind>', 'user, organizationalUnit or group')
      .argument('<object>', 'id, path or user name')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep directory show user jdoe --data ./data')
      .action(showObject),
  );
  return command;
}
