import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { LockstepError } from '../../kernel/errors.ts';
import { print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderTable } from '../table.ts';

async function listPolicies(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listPolicies', { query }));
  if (options.json) return printJson({ policies: page.items, next: page.next });
  print(
    renderTable(
      [
        { title: 'NAME', value: (policy) => policy.name },
        { title: 'KEYS', value: (policy) => policy.accessKeys.join(', ') },
        { title: 'UPDATED', value: (policy) => policy.updatedAt },
        { title: 'DESCRIPTION', value: (policy) => policy.description },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

/** A JSON object out of a file. */
async function loadDocument(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LockstepError('InvalidRequest', `${path} cannot be read: ${(cause as Error).message}`, {
      field: 'file',
      cause,
    });
  }
  try {
    const document: unknown = JSON.parse(text);
    if (document instanceof Object && !Array.isArray(document)) return document as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new LockstepError('InvalidRequest', `${path} has no JSON object`, {
    field: 'file',
    remedy: 'Give a file with {"Version": "1", "Statement": [...]}.',
  });
}

async function putPolicy(
  policy: string,
  file: string,
  options: StoreOptions & { description?: string },
): Promise<void> {
  const document = await loadDocument(file);
  await using session = await openSession(options);
  const { description } = options;
  const body = { document, ...(description === undefined ? {} : { description }) };
  const view = await session.call('putPolicy', { params: { policy }, body });
  if (options.json) printJson(view);
  else print(printable(`policy ${view.name} is saved; keys that have it: ${view.accessKeys.length}`));
}

async function deletePolicy(policy: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('deletePolicy', { params: { policy } });
  if (options.json) printJson({ name: policy, deleted: true });
  else print(printable(`policy ${policy} is deleted`));
}

async function attach(policy: string, key: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('attachPolicy', { params: { key, policy } });
  if (options.json) printJson({ name: policy, accessKey: key, attached: true });
  else print(printable(`${key} may do only what its policies allow, ${policy} among them`));
}

async function detach(policy: string, key: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  await session.call('detachPolicy', { params: { key, policy } });
  if (options.json) printJson({ name: policy, accessKey: key, attached: false });
  else print(printable(`${key} has policy ${policy} no more; without any it may do what its account may`));
}

function subcommand(name: string, description: string, example: string): Command {
  return withStoreOptions(new Command(name))
    .description(description)
    .option('--json', 'one JSON document')
    .addHelpText('after', `\nExample:\n  $ bin/lockstep policies ${example} --data ./data`);
}

/** `lockstep policies ...` */
export function policiesCommand(): Command {
  const command = new Command('policies')
    .description('say what access keys may do, in the language of Alibaba Cloud RAM')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep policies put read-only read-only.json --data ./data');
  command.addCommand(
    subcommand('list', 'list policies and the keys that have them', 'list')
      .option('--limit <count>', 'most policies, or "all"', 'all')
      .option('--after <next>', 'go on where the list before ended')
      .action(listPolicies),
  );
  command.addCommand(
    subcommand('put', 'create or replace a policy', 'put read-only read-only.json')
      .argument('<policy>', 'name of the policy')
      .argument('<file>', 'JSON file with the policy document')
      .option('--description <text>', 'what it is for')
      .action(putPolicy),
  );
  command.addCommand(
    subcommand('delete', 'delete a policy that no key has', 'delete read-only')
      .argument('<policy>', 'name of the policy')
      .action(deletePolicy),
  );
  command.addCommand(
    subcommand('attach', 'bound an access key by a policy', 'attach read-only LTAI5tExample')
      .argument('<policy>', 'name of the policy')
      .argument('<key>', 'id of the access key')
      .action(attach),
  );
  command.addCommand(
    subcommand('detach', 'take a policy from an access key', 'detach read-only LTAI5tExample')
      .argument('<policy>', 'name of the policy')
      .argument('<key>', 'id of the access key')
      .action(detach),
  );
  return command;
}
