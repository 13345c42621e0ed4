import { kindNames, make, operationNames } from './dom.js';

/** @typedef {import('@lockstep/contract/job.ts').JobView} JobView */

/**
 * @param {JobView} job
 * @param {string} kind
 * @param {string} operation
 * @param {string} [result]
 */
function changesLink(job, kind, operation, result) {
  const search = new URLSearchParams({ kind, operation, ...(result === undefined ? {} : { result }) });
  return `#/jobs/${job.id}?${search}`;
}

/**
 * @param {JobView} job
 * @param {keyof JobView['statistics']} kind
 * @param {keyof JobView['statistics']['user']} operation
 */
function cell(job, kind, operation) {
  const counts = job.statistics[kind][operation];
  if (counts.total === 0) return make('td', { class: 'zero' }, '0');
  const label = `${kindNames[kind]}, ${operationNames[operation]}`;
  /** @param {'failed' | 'skipped'} result */
  const part = (result) =>
    counts[result] > 0 && [
      make('br'),
      make(
        'a',
        {
          class: result,
          href: changesLink(job, kind, operation, result),
          'aria-label': `${label}: ${counts[result]} ${result}`,
        },
        `${counts[result]} ${result}`,
      ),
    ];
  return make(
    'td',
    {},
    make(
      'a',
      { href: changesLink(job, kind, operation), 'aria-label': `${label}: ${counts.total}` },
      counts.total,
    ),
    ...[part('failed'), part('skipped')].flat(),
  );
}

/**
 * Four kinds by seven operations; each number leads to the list behind it.
 * @param {JobView} job
 */
export function statisticsTable(job) {
  const operations = /** @type {(keyof JobView['statistics']['user'])[]} */ (Object.keys(operationNames));
  const kinds = /** @type {(keyof JobView['statistics'])[]} */ (Object.keys(kindNames));
  return make(
    'div',
    { class: 'scroll' },
    make(
      'table',
      { class: 'statistics' },
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          make('th', { scope: 'col' }, 'Kind'),
          operations.map((operation) => make('th', { scope: 'col' }, operationNames[operation])),
        ),
      ),
      make(
        'tbody',
        {},
        kinds.map((kind) =>
          make(
            'tr',
            {},
            make('th', { scope: 'row' }, kindNames[kind]),
            operations.map((operation) => cell(job, kind, operation)),
          ),
        ),
      ),
    ),
  );
}
