import { call, isRefusal, query } from './api.js';
import { kindNames, make, operationNames, showTime } from './dom.js';

/** @typedef {import('@lockstep/contract/job.ts').JobView} JobView */
/** @typedef {import('@lockstep/contract/sync.ts').SyncView} SyncView */
/** @typedef {import('./job-view.js').ViewContext} ViewContext */
/** @template Item @typedef {import('@lockstep/contract/page.ts').Page<Item>} Page */

const refreshInterval = 3000;

/** The numbers that are not zero, in words. @param {JobView} job */
function summary(job) {
  const parts = [];
  let failed = 0;
  let skipped = 0;
  for (const operation of /** @type {(keyof JobView['statistics']['user'])[]} */ (
    Object.keys(operationNames)
  )) {
    if (operation === 'pushed' || operation === 'exported') continue;
    let total = 0;
    for (const kind of /** @type {(keyof JobView['statistics'])[]} */ (Object.keys(kindNames))) {
      const counts = job.statistics[kind][operation];
      total += counts.total;
      failed += counts.failed;
      skipped += counts.skipped;
    }
    if (total > 0) parts.push(`${total} ${operationNames[operation]?.toLowerCase()}`);
  }
  return make(
    'span',
    {},
    parts.join(', ') || '–',
    failed > 0 && make('span', { class: 'failed' }, ` · ${failed} failed`),
    skipped > 0 && make('span', { class: 'skipped' }, ` · ${skipped} skipped`),
  );
}

/** @param {string[]} names */
function tableHead(names) {
  return make(
    'thead',
    {},
    make(
      'tr',
      {},
      names.map((name) => make('th', { scope: 'col' }, name)),
    ),
  );
}

/** @param {JobView} job */
function jobRow(job) {
  return make(
    'tr',
    {},
    make('td', {}, make('a', { href: `#/jobs/${job.id}` }, job.sync)),
    make('td', {}, make('span', { class: `status ${job.status}` }, job.status)),
    make('td', {}, job.undoesJobId === null ? job.mode : `undo (${job.mode})`),
    make('td', {}, showTime(job.startedAt ?? job.createdAt)),
    make('td', {}, job.startedThrough),
    make('td', {}, summary(job)),
  );
}

/**
 * @param {SyncView} sync
 * @param {ViewContext} context
 */
function syncRow(sync, context) {
  /** @param {'apply' | 'dryRun'} mode @param {string} label */
  const run = (mode, label) =>
    make(
      'button',
      {
        type: 'button',
        'aria-label': `${label} ${sync.name}`,
        disabled: !sync.enabled,
        onclick: () => {
          call(`/syncs/${encodeURIComponent(sync.name)}/jobs`, { method: 'POST', body: { mode } })
            .then((answer) => {
              location.hash = `#/jobs/${/** @type {{ job: JobView }} */ (answer).job.id}`;
            })
            .catch(context.onError);
        },
      },
      label,
    );
  return make(
    'tr',
    {},
    make('td', {}, sync.name),
    make('td', {}, `${sync.direction} · ${sync.configuration.connection}`),
    make('td', {}, sync.nextRunAt === null ? '–' : showTime(sync.nextRunAt)),
    make('td', { class: 'row' }, context.mayAct && [run('apply', 'Run'), run('dryRun', 'Dry run')]),
  );
}

/**
 * @param {number} columns
 * @param {string} text
 */
function emptyRow(columns, text) {
  return make('tr', {}, make('td', { colspan: columns, class: 'quiet' }, text));
}

/**
 * @param {ViewContext} context
 * @param {string | undefined} after the job after which the page of older ones begins
 */
export async function homeView(context, after) {
  const syncBody = make('tbody');
  const jobBody = make('tbody');
  const older = make('p', { class: 'row' });

  async function refresh() {
    const [syncs, jobs] = await Promise.all([
      call('/syncs?limit=1000', { signal: context.signal }),
      call(`/jobs${query({ limit: '25', after })}`, { signal: context.signal }),
    ]);
    const jobPage = /** @type {Page<JobView>} */ (jobs);
    // A row that has the focus stays where it is.
    if (!syncBody.contains(document.activeElement)) {
      const syncPage = /** @type {Page<SyncView>} */ (syncs);
      syncBody.replaceChildren(...syncPage.items.map((sync) => syncRow(sync, context)));
      if (syncPage.items.length === 0)
        syncBody.append(
          emptyRow(4, 'No syncs yet. Describe them in a file: bin/lockstep apply -f lockstep.yaml'),
        );
    }
    if (jobBody.contains(document.activeElement)) return;
    jobBody.replaceChildren(...jobPage.items.map(jobRow));
    if (jobPage.items.length === 0)
      jobBody.append(emptyRow(6, 'No jobs yet. Run a sync, or wait for its schedule.'));
    const links = [
      after !== undefined && make('a', { href: '#/' }, 'Newest jobs'),
      jobPage.next !== null && make('a', { href: `#/?after=${jobPage.next}` }, 'Older jobs'),
    ];
    older.replaceChildren(...links.filter((link) => link instanceof Node));
  }
  await refresh();
  const timer = setInterval(() => {
    if (document.hidden) return;
    // Where the server is away for a while, a later turn finds it.
    refresh().catch((error) => {
      if (isRefusal(error)) context.onError(error);
    });
  }, refreshInterval);
  context.signal.addEventListener('abort', () => clearInterval(timer));

  const syncTable = make('table', {}, tableHead(['Sync', 'Direction', 'Next run', 'Actions']), syncBody);
  const jobTable = make(
    'table',
    {},
    tableHead(['Job of', 'Status', 'Mode', 'Started', 'Through', 'Result']),
    jobBody,
  );
  return make(
    'div',
    {},
    make('h1', {}, 'Syncs'),
    make('div', { class: 'scroll' }, syncTable),
    make('h2', {}, 'Jobs'),
    make('div', { class: 'scroll' }, jobTable),
    older,
  );
}
