import { call } from './api.js';
import { changesView } from './changes-view.js';
import { make, showCount, showDuration, showTime } from './dom.js';
import { statisticsTable } from './statistics-view.js';
import { followJob } from './stream.js';

/** @typedef {import('@lockstep/contract/job.ts').JobView} JobView */
/** @typedef {import('@lockstep/contract/events.ts').JobEvent} JobEvent */
/**
 * @typedef {object} ViewContext
 * @property {AbortSignal} signal
 * @property {(error: unknown) => void} onError
 * @property {boolean} mayAct whether the account may start, approve and cancel jobs: a reader is offered none of it
 */

/** Statistics of a running job are counted from its outcomes, so they are asked for now and then only. */
const statisticsInterval = 2000;

/** @param {JobView} job */
function isOver({ status }) {
  return status !== 'pending' && status !== 'running';
}

/** @param {JobView} job */
function facts(job) {
  const origin = job.startedBy === null ? job.startedThrough : `${job.startedThrough} by ${job.startedBy}`;
  const line = `${job.direction} · ${job.mode} · ${origin} · started ${showTime(job.startedAt)} · ended ${showTime(job.endedAt)}`;
  return make(
    'div',
    {},
    make('p', { class: 'quiet' }, line),
    job.undoesJobId !== null &&
      make(
        'p',
        {},
        'Takes back what was done by ',
        make('a', { href: `#/jobs/${job.undoesJobId}` }, job.undoesJobId),
      ),
    job.undoneByJobId !== null &&
      make('p', {}, 'Taken back by ', make('a', { href: `#/jobs/${job.undoneByJobId}` }, job.undoneByJobId)),
    job.note !== null && make('p', { class: 'note' }, `Note: ${job.note}.`),
  );
}

/** What the guard found, a line for each limit that the plan is beyond. @param {JobView} job */
function findings({ guard, mode }) {
  const part = guard?.hold === 'all' ? 'the whole plan' : 'everything that takes something away';
  return make(
    'div',
    {},
    make(
      'p',
      {},
      mode === 'dryRun' ? `A run would hold ${part} until it is approved:` : `The guard holds ${part}:`,
    ),
    make(
      'ul',
      {},
      (guard?.findings ?? []).map(({ sentence }) => make('li', {}, sentence)),
    ),
  );
}

/**
 * @param {string} label
 * @param {() => Promise<void>} action
 * @param {ViewContext} context
 */
function button(label, action, context) {
  const element = make(
    'button',
    {
      type: 'button',
      onclick: () => {
        element.disabled = true;
        action()
          .catch(context.onError)
          .finally(() => {
            element.disabled = false;
          });
      },
    },
    label,
  );
  return element;
}

/**
 * What became of a plan that waits no more.
 * @param {NonNullable<JobView['heldPlan']>} plan
 */
function sequel({ state, jobId, account, at }) {
  const what = state === 'approved' ? 'Approved' : 'Superseded by a newer run';
  const by = account === null ? '' : ` by ${account}`;
  return make(
    'p',
    {},
    `${what}${by} on ${showTime(at)}: `,
    make('a', { href: `#/jobs/${jobId}` }, jobId ?? ''),
  );
}

/**
 * Starts a job that takes another one back, or shows what it would take back, and goes to its page.
 * @param {string} label
 * @param {string} jobId
 * @param {'apply' | 'dryRun'} mode
 * @param {ViewContext} context
 */
function undoButton(label, jobId, mode, context) {
  return button(
    label,
    async () => {
      const { job } = /** @type {{ job: JobView }} */ (
        await call(`/jobs/${jobId}/undo`, { method: 'POST', body: { mode } })
      );
      location.hash = `#/jobs/${job.id}`;
    },
    context,
  );
}

/** Taking a job back begins with a look at what that means. @param {JobView} job @param {ViewContext} context */
function undo({ id, direction, mode, undoesJobId }, context) {
  if (direction !== 'ingress' || !context.mayAct) return null;
  if (mode !== 'dryRun') return undoButton('Preview undo', id, 'dryRun', context);
  return undoesJobId === null ? null : undoButton('Undo', undoesJobId, 'apply', context);
}

/**
 * @param {JobView} job
 * @param {ViewContext} context
 */
function actions(job, context) {
  if (!isOver(job)) {
    if (!context.mayAct) return null;
    return button(
      job.cancelRequested ? 'Cancelling' : 'Cancel',
      async () => {
        await call(`/jobs/${job.id}/cancel`, { method: 'POST' });
      },
      context,
    );
  }
  const reason = findings(job);
  if (job.mode === 'dryRun' && job.guard?.tripped) return make('div', { class: 'held-plan' }, reason);
  if (job.status !== 'held') return null;
  if (job.heldPlan !== null && job.heldPlan.state !== 'waiting') {
    return make('div', { class: 'held-plan' }, reason, sequel(job.heldPlan));
  }
  return make(
    'div',
    { class: 'held-plan' },
    reason,
    context.mayAct &&
      button(
        'Approve',
        async () => {
          const { job: started } = /** @type {{ job: JobView }} */ (
            await call(`/jobs/${job.id}/approve`, { method: 'POST' })
          );
          location.hash = `#/jobs/${started.id}`;
        },
        context,
      ),
  );
}

/** The job page: what is known now, then live until the job ends. */
class JobPage {
  /**
   * @param {JobView} job
   * @param {URLSearchParams} filter
   * @param {ViewContext} context
   */
  constructor(job, filter, context) {
    this.job = job;
    this.context = context;
    this.asked = 0;
    this.status = make('span', { id: 'job-status', 'aria-live': 'polite' });
    this.progress = make('progress', { 'aria-label': 'Progress' });
    this.progressText = make('span', { class: 'quiet' });
    this.head = make('div');
    this.statistics = make('div');
    this.messages = make('ol', { class: 'messages', 'aria-label': 'Messages', tabindex: 0 });
    this.changes = changesView(job.id, filter, () => this.isOver, context.onError);
    this.render();
  }

  get isOver() {
    return isOver(this.job);
  }

  get element() {
    return make(
      'div',
      {},
      make('h1', {}, `${this.job.sync} `, this.status),
      make('div', { class: 'row' }, this.progress, this.progressText),
      this.head,
      make('h2', {}, 'Statistics'),
      this.statistics,
      make('h2', {}, 'Messages'),
      this.messages,
      this.changes.element,
    );
  }

  render() {
    const { job } = this;
    this.status.className = `status ${job.status}`;
    this.status.textContent = job.status;
    this.progress.hidden = this.isOver;
    this.progressText.hidden = this.isOver;
    // Why a job is held is said where it can be approved.
    const error =
      job.error &&
      job.status !== 'held' &&
      make('p', { class: 'failed' }, `${job.error.code}: ${job.error.message}`);
    this.head.replaceChildren(
      facts(job),
      ...[error, actions(job, this.context), this.isOver && undo(job, this.context)].filter(
        (node) => node instanceof Node,
      ),
    );
    this.statistics.replaceChildren(statisticsTable(job));
  }

  async refresh() {
    this.asked = Date.now();
    const job = /** @type {JobView} */ (await call(`/jobs/${this.job.id}`));
    // Asked before the end and answered after it, this is older than what the end told.
    if (this.isOver) return;
    this.job = job;
    this.render();
  }

  /** @param {JobEvent} event */
  take(event) {
    if (event.event === 'message') {
      const { at, level, text } = event.data;
      this.messages.append(
        make('li', { class: level }, `${new Date(at).toLocaleTimeString()} ${level} ${text}`),
      );
    } else if (event.event === 'progress') {
      this.showProgress(event.data);
    } else if (event.event === 'end') {
      this.job = event.data;
      this.render();
      void this.changes.reload();
    } else {
      this.status.className = `status ${event.data.status}`;
      this.status.textContent = event.data.status;
    }
    if (event.event !== 'end' && Date.now() - this.asked > statisticsInterval) {
      this.refresh().catch(this.context.onError);
    }
  }

  /** @param {Extract<JobEvent, { event: 'progress' }>['data']} progress */
  showProgress({ phase, read, applied, total, rate, remainingSeconds }) {
    const speed = rate > 0 ? `, ${showCount(Math.round(rate))}/s` : '';
    const left = remainingSeconds === null ? '' : `, ${showDuration(remainingSeconds)} left`;
    if (phase === 'apply' && total > 0) {
      this.progress.max = total;
      this.progress.value = applied;
      this.progressText.textContent = `applying ${showCount(applied)} of ${showCount(total)} changes${speed}${left}`;
      return;
    }
    this.progress.removeAttribute('value');
    const found = total > 0 ? `, ${showCount(total)} changes so far` : '';
    this.progressText.textContent =
      phase === 'plan'
        ? `planning: ${showCount(read)} objects read${found}${speed}`
        : `reading: ${showCount(read)} objects${speed}`;
  }
}

/**
 * @param {string} jobId
 * @param {URLSearchParams} filter
 * @param {ViewContext} context
 */
export async function jobView(jobId, filter, context) {
  const page = new JobPage(/** @type {JobView} */ (await call(`/jobs/${jobId}`)), filter, context);
  page.asked = Date.now();
  void page.changes.reload();
  followJob(jobId, (event) => page.take(event), context.signal).catch(context.onError);
  return page.element;
}
