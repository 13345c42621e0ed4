import type { JobView } from '@lockstep/contract/job.ts';
import type { SyncView } from '@lockstep/contract/sync.ts';
import { Command } from 'commander';
import { print, printJson } from '../output.ts';
import { collectPages, noteMore, type PagingOptions } from '../paging.ts';
import { openSession, type Session } from '../session.ts';
import { withStoreOptions, type StoreOptions } from '../store-location.ts';
import { renderTable, renderTime } from '../table.ts';

/** A sync with the last of its jobs that was more than a preview. */
interface Row extends SyncView {
  readonly lastJob: Pick<JobView, 'id' | 'status' | 'startedAt' | 'endedAt'> | null;
  /** It runs when others push into its connection. */
  readonly isPushed: boolean;
}

function renderStart({ enabled, isPushed, configuration: { schedule, continuous } }: Row): string {
  const starts = [
    isPushed ? 'when pushed' : null,
    schedule === undefined ? null : 'cron' in schedule ? schedule.cron : `at ${schedule.hours.join(', ')} h`,
    continuous ? 'continuous' : null,
  ].filter((start) => start !== null);
  if (starts.length === 0) return 'on request';
  return enabled ? starts.join(', ') : `${starts.join(', ')} (off)`;
}

async function lastJobOf(session: Session, sync: SyncView): Promise<Row['lastJob']> {
  const newest: JobView[] = [];
  for (const mode of ['apply', 'approve'] as const) {
    const { items } = await session.call('listJobs', { query: { sync: sync.id, mode, limit: '1' } });
    newest.push(...items);
  }
  const [job] = newest.toSorted((left, right) => right.serial - left.serial);
  if (job === undefined) return null;
  const { id, status, startedAt, endedAt } = job;
  return { id, status, startedAt, endedAt };
}

async function listSyncs(options: StoreOptions & PagingOptions): Promise<void> {
  await using session = await openSession(options);
  const page = await collectPages(options, (query) => session.call('listSyncs', { query }));
  const connections = await collectPages({ limit: 'all' }, (query) =>
    session.call('listConnections', { query }),
  );
  const types = new Map(connections.items.map(({ id, type }) => [id, type]));
  const rows: Row[] = [];
  for (const sync of page.items) {
    const isPushed = sync.direction === 'ingress' && types.get(sync.connectionId) === 'scim_server';
    rows.push({ ...sync, isPushed, lastJob: await lastJobOf(session, sync) });
  }
  if (options.json) return printJson({ syncs: rows, next: page.next });
  print(
    renderTable(
      [
        { title: 'NAME', value: ({ name }) => name },
        { title: 'DIRECTION', value: ({ direction }) => direction },
        { title: 'CONNECTION', value: ({ configuration }) => configuration.connection },
        { title: 'STARTS', value: renderStart },
        { title: 'NEXT RUN', value: ({ nextRunAt }) => renderTime(nextRunAt) },
        {
          title: 'LAST JOB',
          value: ({ lastJob }) =>
            lastJob === null ? 'none' : `${lastJob.status} ${renderTime(lastJob.startedAt)}`,
        },
      ],
      rows,
    ),
  );
  noteMore(page);
}

/** `lockstep syncs ...` */
export function syncsCommand(): Command {
  const command = new Command('syncs')
    .description('list the syncs that are configured, when they run, and how they last ended')
    .addHelpText('after', '\nExample:\n  $ bin/lockstep syncs list --data ./data');
  command.addCommand(
    withStoreOptions(new Command('list'))
      .description('list syncs in the order of the configuration')
      .option('--limit <count>', 'most syncs, or "all"', 'all')
      .option('--after <key>', 'go on after this key')
      .option('--json', 'one JSON document')
      .addHelpText('after', '\nExample:\n  $ bin/lockstep syncs list --data ./data')
      .action(listSyncs),
  );
  return command;
}
