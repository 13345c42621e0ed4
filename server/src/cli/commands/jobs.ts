import { Command, Option } from 'commander';
import { messageLevels, type JobMessage, type JobView, type MessageLevel } from '@lockstep/contract/job.ts';
import type { ChangeView } from '@lockstep/contract/change.ts';
import { jobStatuses, kinds, operations, results, type Operation } from '@lockstep/contract/vocabulary.ts';
import { renderChange, renderValues } from '../change-report.ts';
import { exitCodeOfJob } from '../exit-code.ts';
import { followJob } from '../follow-job.ts';
import { renderGuard } from '../guard-report.ts';
import { note, print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { ProgressReporter } from '../progress.ts';
import { openSession, type Session } from '../session.ts';
import { orderStatistics, renderStatistics } from '../statistics-table.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { printable, renderFields, renderTable, renderTime } from '../table.ts';

type ListOptions = StoreOptions &
  PagingOptions & { readonly sync?: string; readonly status?: JobView['status'][] };
type ChangesOptions = StoreOptions &
  PagingOptions & {
    readonly kind?: ChangeView['kind'];
    readonly operation?: Operation;
    readonly result?: ChangeView['result'];
    readonly values?: boolean;
  };
type MessagesOptions = StoreOptions & PagingOptions & { readonly level?: MessageLevel[] };

/** So many warnings and errors are shown with a job; the rest is in `jobs messages`. */
const shownMessages = 20;

const example = (text: string) => `\nExample:\n  $ bin/lockstep jobs ${text}`;

/** A job with its statistics in the fixed order. */
function orderJob(job: JobView): JobView {
  return { ...job, statistics: orderStatistics(job.statistics) };
}

export function renderJob(job: JobView, named: string): string {
  // What the guard has to say stands below the fields.
  const error = job.status === 'held' ? null : job.error;
  const fields = renderFields([
    ['job', job.id],
    ['sync', `${job.sync} (${job.direction}, ${job.mode})`],
    ['status', job.status],
    ['error', error === null ? null : `${error.message} (${error.code})`],
    ['note', job.note],
    ['approves', job.approvesJobId],
    ['undoes', job.undoesJobId],
    ['undone by', job.undoneByJobId],
    [
      'source read',
      job.complete === null ? null : job.complete ? 'completely' : 'not to its end: nothing was deleted',
    ],
    [
      'unmanaged',
      Object.entries(job.unmanaged)
        .filter(([, count]) => count > 0)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', '),
    ],
    ['started', `${renderTime(job.startedAt)} through ${job.startedThrough}`],
    ['ended', renderTime(job.endedAt)],
  ]);
  const table = renderStatistics([{ sync: job.sync, status: job.status, statistics: job.statistics }]);
  const guard = renderGuard(job, named);
  const held = guard.length > 0 ? `\n\nguard:\n${guard.map((line) => `  ${line}`).join('\n')}` : '';
  return `${fields}${held}\n\n${table}`;
}

async function listJobs(options: ListOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) =>
    session.call('listJobs', { query: { ...query, sync: options.sync, status: options.status } }),
  );
  // No job may also mean no such sync: a mistyped name is refused. Jobs of a sync that was removed are still listed.
  const { sync } = options;
  if (page.items.length === 0 && sync !== undefined && options.after === undefined)
    await session.call('getSync', { params: { sync } });
  if (options.json) return printJson({ jobs: page.items.map(orderJob), next: page.next });
  print(
    renderTable(
      [
        { title: 'JOB', value: (job) => job.id },
        { title: 'SYNC', value: (job) => job.sync },
        {
          title: 'MODE',
          value: ({ mode, undoesJobId }) => (undoesJobId === null ? mode : `undo (${mode})`),
        },
        { title: 'STATUS', value: (job) => job.status },
        { title: 'STARTED', value: (job) => renderTime(job.startedAt) },
        { title: 'ENDED', value: (job) => renderTime(job.endedAt) },
      ],
      page.items,
    ),
  );
  noteMore(page);
}

function renderMessage({ at, level, text }: JobMessage): string {
  return printable(`${renderTime(at)} ${level}: ${text}`);
}

async function showJob(id: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  const job = await session.call('getJob', { params: { job: id } });
  if (options.json) return printJson(orderJob(job));
  print(renderJob(job, session.storeArguments));
  const level: MessageLevel[] = ['warning', 'error'];
  const said = await session.call('listMessages', {
    params: { job: id },
    query: { level, limit: String(shownMessages) },
  });
  if (said.items.length > 0) print(['', ...said.items.map(renderMessage)].join('\n'));
  if (said.next !== null)
    note(`There are more: bin/lockstep jobs messages ${id} --level warning error${session.storeArguments}`);
}

async function listChanges(id: string, options: ChangesOptions): Promise<void> {
  await using session = await openSession(options);
  const { kind, operation, result } = options;
  const page = await collectPages(options, (query) =>
    session.call('listChanges', { params: { job: id }, query: { ...query, kind, operation, result } }),
  );
  if (options.json) return printJson({ changes: page.items, next: page.next });
  for (const change of page.items)
    print([renderChange(change), ...(options.values ? renderValues(change) : [])].join('\n'));
  noteMore(page);
}

async function listMessages(id: string, options: MessagesOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) =>
    session.call('listMessages', { params: { job: id }, query: { ...query, level: options.level } }),
  );
  if (options.json) return printJson({ messages: page.items, next: page.next });
  for (const message of page.items) print(renderMessage(message));
  noteMore(page);
}

type StartOptions = StoreOptions & { readonly wait?: boolean };

/**
 * Says what was started, or waits for its end and shows it: without a server nobody else carries it out, and a dry run
 * is asked for what it finds.
 */
async function showStarted(
  session: Session,
  job: JobView,
  sentence: string,
  options: StartOptions,
): Promise<void> {
  if (!session.isLocal && options.wait !== true && job.mode !== 'dryRun') {
    if (options.json) printJson(orderJob(job));
    else print(sentence);
    return;
  }
  const ended = await followJob(session, job, new ProgressReporter(process.stderr));
  if (options.json) printJson(orderJob(ended));
  else print(renderJob(ended, session.storeArguments));
  process.exitCode = exitCodeOfJob(ended);
}

async function approveJob(id: string, options: StartOptions): Promise<void> {
  await using session = await openSession(options, { worker: true });
  const { job } = await session.call('approveJob', { params: { job: id } });
  await showStarted(session, job, `Job ${job.id} applies the plan that ${id} holds.`, options);
}

async function undoJob(id: string, options: StartOptions & { readonly dryRun?: boolean }): Promise<void> {
  await using session = await openSession(options, { worker: true });
  const mode = options.dryRun ? 'dryRun' : 'apply';
  const { job } = await session.call('undoJob', { params: { job: id }, body: { mode } });
  await showStarted(session, job, `Job ${job.id} takes back what ${id} did.`, options);
  if (options.dryRun && !options.json)
    note(`Each change: bin/lockstep jobs changes ${job.id}${session.storeArguments}`);
}

async function cancelJob(id: string, options: StoreOptions): Promise<void> {
  await using session = await openSession(options);
  const job = await session.call('cancelJob', { params: { job: id } });
  if (options.json) printJson(orderJob(job));
  else print(`Job ${job.id} is ${job.status === 'cancelled' ? 'cancelled' : 'being cancelled'}.`);
}

/** `lockstep jobs ...` */
export function jobsCommand(): Command {
  const command = new Command('jobs')
    .description('list, show, approve, undo and cancel jobs')
    .addHelpText('after', example('list --sync corp-in --data ./data'));
  command.addCommand(
    withStoreOptions(new Command('list'))
      .description('list jobs, newest first')
      .option('--sync <name>', 'of this sync only')
      .addOption(new Option('--status <status...>', 'with one of these statuses only').choices(jobStatuses))
      .option('--limit <count>', 'most jobs, or "all"', '50')
      .option('--after <key>', 'go on after this key')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('list --data ./data --status held partial_success'))
      .action(listJobs),
  );
  command.addCommand(
    withStoreOptions(new Command('show'))
      .description('show a job with its statistics')
      .argument('<job>', 'id of the job')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('show sync_0dk1... --data ./data'))
      .action(showJob),
  );
  command.addCommand(
    withStoreOptions(new Command('changes'))
      .description('list what a job did, or would do, to each object, and what became of it')
      .argument('<job>', 'id of the job')
      .addOption(new Option('--kind <kind>', 'of this kind only').choices(kinds))
      .addOption(new Option('--operation <operation>', 'of this operation only').choices(operations))
      .addOption(new Option('--result <result>', 'with this result only').choices(results))
      .option('--values', 'with the values from before and after')
      .option('--limit <count>', 'most changes, or "all"', '1000')
      .option('--after <key>', 'go on after this key')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('changes sync_0dk1... --kind user --result failed'))
      .action(listChanges),
  );
  command.addCommand(
    withStoreOptions(new Command('messages'))
      .description('list what a job said of itself, oldest first')
      .argument('<job>', 'id of the job')
      .addOption(new Option('--level <level...>', 'of one of these levels only').choices(messageLevels))
      .option('--limit <count>', 'most messages, or "all"', '1000')
      .option('--after <key>', 'go on after this key')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('messages sync_0dk1... --level warning error'))
      .action(listMessages),
  );
  command.addCommand(
    withStoreOptions(new Command('approve'))
      .description('start a job that applies exactly the plan that a held job holds')
      .argument('<job>', 'id of the held job')
      .option('--wait', 'wait for the end; without a running server it is always waited for')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('approve sync_0dk1... --wait'))
      .action(approveJob),
  );
  command.addCommand(
    withStoreOptions(new Command('undo'))
      .description('start a job that takes back what an ingress job did to the directory')
      .argument('<job>', 'id of the job to take back')
      .option(
        '--dry-run',
        'show what would be taken back, and what changed since and would stay (exit code 2: something)',
      )
      .option('--wait', 'wait for the end; without a running server it is always waited for')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('undo sync_0dk1... --dry-run'))
      .action(undoJob),
  );
  command.addCommand(
    withStoreOptions(new Command('cancel'))
      .description('cancel a job: a pending one at once, a running one after the batch at hand')
      .argument('<job>', 'id of the job')
      .option('--json', 'one JSON document')
      .addHelpText('after', example('cancel sync_0dk1...'))
      .action(cancelJob),
  );
  return command;
}
