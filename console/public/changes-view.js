import { call, query } from './api.js';
import { kindNames, make, operationNames } from './dom.js';

/** @typedef {import('@lockstep/contract/change.ts').ChangeView} ChangeView */
/** @typedef {import('@lockstep/contract/page.ts').Page<ChangeView>} ChangePage */

/** @type {Record<string, string>} */
const resultNames = { success: 'Success', failed: 'Failed', skipped: 'Skipped', planned: 'Planned' };

/** @param {string | { $base64: string }} value */
function showValue(value) {
  if (typeof value === 'string') return value;
  const { length } = atob(value.$base64);
  return length === 1 ? '1 byte' : `${length} bytes`;
}

/** @param {readonly (string | { $base64: string })[]} values */
function showValues(values) {
  return values.map(showValue).join('\n');
}

/** @param {ChangeView} change */
function images(change) {
  const names = [
    ...new Set([...Object.keys(change.before ?? {}), ...Object.keys(change.after ?? {})]),
  ].sort();
  if (names.length === 0) return null;
  const head = ['Attribute', 'Before', 'After'].map((text) => make('th', { scope: 'col' }, text));
  const rows = names.map((name) => {
    const [before, after] = [change.before?.[name] ?? [], change.after?.[name] ?? []];
    // Two photos of as many bytes look alike and are not.
    const different = JSON.stringify(before) === JSON.stringify(after) ? undefined : 'different';
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, name),
      make('td', { class: different }, showValues(before)),
      make('td', { class: different }, showValues(after)),
    );
  });
  return make('table', {}, make('thead', {}, make('tr', {}, head)), make('tbody', {}, rows));
}

/** @param {ChangeView} change */
function changeRow(change) {
  return make(
    'details',
    { class: 'change' },
    make(
      'summary',
      {},
      make('span', { class: `result ${change.result}` }, change.result),
      ' ',
      change.sentence,
    ),
    change.error && make('p', { class: 'failed' }, `${change.error.code}: ${change.error.message}`),
    make(
      'p',
      { class: 'quiet' },
      [change.ordinal === null ? null : `change ${change.ordinal}`, change.objectId, change.externalId]
        .filter((text) => text !== null)
        .join(' · '),
    ),
    images(change),
  );
}

/**
 * @param {string} name
 * @param {string} label
 * @param {Record<string, string>} options
 * @param {URLSearchParams} filter
 * @param {() => void} onChange
 */
function choice(name, label, options, filter, onChange) {
  const select = make(
    'select',
    {
      name,
      onchange: () => {
        if (select.value === '') filter.delete(name);
        else filter.set(name, select.value);
        onChange();
      },
    },
    make('option', { value: '' }, 'all'),
    Object.entries(options).map(([value, text]) =>
      make('option', { value, selected: filter.get(name) === value }, text),
    ),
  );
  return make('label', {}, `${label} `, select);
}

/**
 * The changes of a job with filters; more pages come on demand.
 * @param {string} jobId
 * @param {URLSearchParams} filter read from the address, and written back to it
 * @param {() => boolean} isOver whether the job is, so that nothing more comes
 * @param {(error: unknown) => void} onError
 */
export function changesView(jobId, filter, isOver, onError) {
  const list = make('div', { class: 'changes' });
  const more = make('button', { type: 'button', hidden: true, onclick: () => void load(false) }, 'More');
  /** @type {string | null} */
  let next = null;
  let newest = 0;

  /** @param {boolean} fresh */
  async function load(fresh) {
    const turn = ++newest;
    try {
      const search = query({
        ...Object.fromEntries(filter),
        limit: '100',
        after: (fresh ? null : next) ?? undefined,
      });
      const page = /** @type {ChangePage} */ (await call(`/jobs/${jobId}/changes${search}`));
      if (turn !== newest) return;
      if (fresh) list.replaceChildren();
      list.append(...page.items.map(changeRow));
      if (list.childElementCount === 0)
        list.append(make('p', { class: 'quiet' }, isOver() ? 'No changes.' : 'No changes so far.'));
      next = page.next;
      more.hidden = next === null;
    } catch (error) {
      if (turn === newest) onError(error);
    }
  }
  function filtered() {
    history.replaceState(null, '', `#/jobs/${jobId}${filter.size === 0 ? '' : `?${filter}`}`);
    void load(true);
  }
  const element = make(
    'section',
    { 'aria-label': 'Changes' },
    make('h2', {}, 'Changes'),
    make(
      'div',
      { class: 'row' },
      choice('kind', 'Kind', kindNames, filter, filtered),
      choice('operation', 'Operation', operationNames, filter, filtered),
      choice('result', 'Result', resultNames, filter, filtered),
    ),
    list,
    more,
  );
  return { element, reload: () => load(true) };
}
