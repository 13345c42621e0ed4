import type { HeldPlanView, JobMessage, JobView, MessageLevel } from '@lockstep/contract/job.ts';
import { emptyStatistics, jobIsOver } from '@lockstep/contract/job.ts';
import type { Page } from '@lockstep/contract/page.ts';
import type { RequestedJob } from '@lockstep/contract/sync.ts';
import {
  kinds,
  operations,
  type Direction,
  type JobMode,
  type JobStatus,
  type Statistics,
} from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../kernel/errors.ts';
import { newJobId } from '../kernel/ids.ts';
import {
  cancelPendingJob,
  countJobs as countJobRows,
  countJobsBeyond as countJobRowsBeyond,
  findJob,
  findSupersedingJob,
  findUnfinishedJob,
  insertPendingJob,
  requestCancellation,
  selectJobs,
  selectMessages,
  selectUndos,
  type JobPage,
  type JobRow,
} from '../store/queries/jobs.ts';
import { findSync, type SyncRow } from '../store/queries/syncs.ts';
import type { JobSelection } from '../sync/selection.ts';
import { computeStatistics, countSoFar } from '../store/sync/statistics.ts';
import { requireRole, type Actor, type Surface } from './actor.ts';
import type { Application, Transaction } from './application.ts';
import { loadHeldPlans } from './held-plans.ts';
import { cutPage, decodeOrdinal, type PageRequest } from './page.ts';
import { getSyncRow } from './syncs.ts';

/** Who asks for a job, as its record shows it. */
export interface JobOrigin {
  readonly startedThrough: Surface;
  readonly startedBy: string | null;
}

/** An unfinished job may end between the refused insert and the look for it; then the insert is tried again. */
const requestAttempts = 5;

/** What other jobs have to say of one. */
interface Sequels {
  readonly heldPlan: HeldPlanView | undefined;
  readonly undoneBy: string | undefined;
}

function showJob(row: JobRow, statistics: Statistics, { heldPlan, undoneBy }: Sequels): JobView {
  return {
    id: row.id,
    serial: row.serial,
    sync: row.syncName,
    syncId: row.syncId,
    connectionId: row.connectionId,
    direction: row.direction,
    mode: row.mode,
    approvesJobId: row.approvesJobId,
    undoesJobId: row.undoesJobId,
    undoneByJobId: undoneBy ?? null,
    status: row.status,
    startedThrough: row.startedThrough,
    startedBy: row.startedBy,
    description: row.description,
    selection: row.selection,
    changesOnly: row.undoesJobId === null ? row.changesOnly : null,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
    progress: { phase: row.phase, read: row.readCount, applied: row.appliedOrdinal, total: row.lastOrdinal },
    statistics,
    unmanaged: row.unmanagedCounts,
    guard: row.guardVerdict,
    heldPlan: heldPlan ?? null,
    // An undo asks no source.
    complete: row.undoesJobId === null ? row.complete : null,
    error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
    note: row.note,
    cancelRequested: row.cancelRequested,
  };
}

/** In the order of the vocabulary: what comes out of jsonb has an order of its own. */
function inOrder(statistics: Statistics): Statistics {
  const ordered = emptyStatistics();
  for (const kind of kinds) {
    for (const operation of operations) {
      const { total, success, failed, skipped } = statistics[kind][operation];
      ordered[kind][operation] = { total, success, failed, skipped };
    }
  }
  return ordered;
}

/** Final statistics are kept with the job; those of a running one are counted from its outcomes so far. */
async function statisticsOf(app: Application, row: JobRow): Promise<Statistics> {
  if (row.statistics !== null) return inOrder(row.statistics);
  if (jobIsOver(row.status)) return computeStatistics(app.store.db, row.serial);
  const isPlanned = row.phase !== 'read' && row.phase !== 'plan';
  return isPlanned ? countSoFar(app.store, row.serial) : emptyStatistics();
}

async function showJobs(app: Application, rows: readonly JobRow[]): Promise<JobView[]> {
  const [heldPlans, undos] = await Promise.all([
    loadHeldPlans(app, rows),
    selectUndos(
      app.store.db,
      rows.map(({ id }) => id),
    ),
  ]);
  return Promise.all(
    rows.map(async (row) => {
      const sequels = { heldPlan: heldPlans.get(row.id), undoneBy: undos.get(row.id) };
      return showJob(row, await statisticsOf(app, row), sequels);
    }),
  );
}

async function showOneJob(app: Application, row: JobRow): Promise<JobView> {
  const [job] = await showJobs(app, [row]);
  return job as JobView;
}

/** @throws LockstepError NotFound. */
export async function getJobRow(app: Application, actor: Actor, jobId: string): Promise<JobRow> {
  const row = await findJob(app.store.db, actor.tenantId, jobId);
  if (row === undefined) {
    throw new LockstepError('NotFound', `there is no job ${JSON.stringify(jobId)}`, {
      remedy: '`lockstep jobs list` shows those there are.',
    });
  }
  return row;
}

export async function getJob(app: Application, actor: Actor, jobId: string): Promise<JobView> {
  const row = await getJobRow(app, actor, jobId);
  return showOneJob(app, row);
}

/** Which jobs a list shows. `sync` is an id or a name, also that of a sync deleted since. */
export interface JobListFilter {
  readonly status?: readonly JobStatus[] | undefined;
  readonly sync?: string | undefined;
  readonly connectionIds?: readonly string[] | undefined;
  readonly direction?: Direction | undefined;
  readonly modes?: readonly JobMode[] | undefined;
  /** Inclusive bounds on the start. */
  readonly startedAfter?: Date | undefined;
  readonly startedBefore?: Date | undefined;
}

async function resolveFilter(app: Application, actor: Actor, filter: JobListFilter) {
  const { sync, ...rest } = filter;
  if (sync === undefined) return rest;
  const found = await findSync(app.store.db, actor.tenantId, sync);
  return { ...rest, syncIds: [found?.id ?? sync] };
}

/** Jobs newest first. `before` asks for the page of newer jobs instead, newest first as well. */
export async function listJobs(
  app: Application,
  actor: Actor,
  filter: JobListFilter,
  page: JobPage,
): Promise<Page<JobView>> {
  const resolved = await resolveFilter(app, actor, filter);
  const rows = await selectJobs(app.store.db, actor.tenantId, resolved, { ...page, limit: page.limit + 1 });
  const backwards = page.before !== undefined;
  const shown = backwards ? rows.slice(-page.limit) : rows.slice(0, page.limit);
  const items = await showJobs(app, shown);
  const edge = backwards ? shown.at(0) : shown.at(-1);
  return { items, next: rows.length > page.limit && edge !== undefined ? edge.id : null };
}

/** How many jobs a filter finds, exactly. */
export async function countJobs(app: Application, actor: Actor, filter: JobListFilter): Promise<number> {
  return countJobRows(app.store.db, actor.tenantId, await resolveFilter(app, actor, filter));
}

/** How many jobs of a filter are older than the given one, or newer. */
export async function countJobsBeyond(
  app: Application,
  actor: Actor,
  filter: JobListFilter,
  beyond: { readonly olderThan: string } | { readonly newerThan: string },
): Promise<number> {
  return countJobRowsBeyond(app.store.db, actor.tenantId, await resolveFilter(app, actor, filter), beyond);
}

export async function listMessages(
  app: Application,
  actor: Actor,
  jobId: string,
  page: PageRequest,
  levels?: readonly MessageLevel[],
): Promise<Page<JobMessage>> {
  const job = await getJobRow(app, actor, jobId);
  const after = decodeOrdinal(page.after);
  const rows = await selectMessages(app.store.db, job.serial, { after, limit: page.limit + 1 }, levels);
  return cutPage(
    rows,
    page.limit,
    (row) => ({ ...row, at: row.at.toISOString() }),
    (row) => String(row.ordinal),
  );
}

/** A job to be added. `approvesJobId` is the held job whose plan it applies, `undoesJobId` the one that it takes back. */
export interface JobOrder {
  readonly sync: SyncRow;
  readonly mode: JobMode;
  readonly origin: JobOrigin;
  readonly approvesJobId?: string | undefined;
  readonly undoesJobId?: string | undefined;
  /** What the one who asked for it noted. */
  readonly description?: string | undefined;
  readonly selection?: JobSelection | undefined;
  /** Everything is read again, also where the system could tell what changed. */
  readonly full?: boolean | undefined;
}

/**
 * Adds a pending job and sends it to the workers when the caller's transaction commits.
 * @returns its id; undefined when the sync has a job that has not ended, of which there is one at most.
 */
export async function addJob(
  app: Application,
  trx: Transaction,
  order: JobOrder,
): Promise<string | undefined> {
  const { sync, mode, origin } = order;
  const createdAt = app.clock.now();
  const id = newJobId(createdAt.getTime());
  const created = await insertPendingJob(trx, {
    id,
    tenantId: sync.tenantId,
    syncId: sync.id,
    connectionId: sync.connectionId,
    syncName: sync.name,
    direction: sync.direction,
    mode,
    approvesJobId: order.approvesJobId ?? null,
    undoesJobId: order.undoesJobId ?? null,
    startedThrough: origin.startedThrough,
    startedBy: origin.startedBy,
    createdAt,
    description: order.description ?? null,
    selection: order.selection ?? null,
    full: order.full ?? false,
  });
  if (!created) return undefined;
  await app.queue.send(trx, { jobId: id, syncId: sync.id });
  return id;
}

/** Adds a job, or finds the one of its sync that has not ended. */
async function addOrFindJob(app: Application, order: JobOrder): Promise<{ row: JobRow; created: boolean }> {
  for (let attempt = 0; attempt < requestAttempts; attempt += 1) {
    const found = await app.store.transaction(async (trx) => {
      const id = await addJob(app, trx, order);
      const row =
        id === undefined
          ? await findUnfinishedJob(trx, order.sync.id)
          : await findJob(trx, order.sync.tenantId, id);
      return row && { row, created: id !== undefined };
    });
    if (found !== undefined) return found;
  }
  throw new LockstepError('Conflict', `jobs of sync ${order.sync.name} come and go too fast to add one`);
}

/** What is asked for. `selection` makes it a partial run, which infers nothing from what it does not see. */
export interface JobRequest {
  readonly mode: 'apply' | 'dryRun';
  readonly startedThrough: Surface;
  readonly description?: string | undefined;
  readonly selection?: JobSelection | undefined;
  readonly full?: boolean | undefined;
}

/**
 * Runs a sync, or previews it.
 * @returns a new job, or the one of this sync that has not ended.
 * @throws LockstepError NotFound; Conflict when the sync is not enabled.
 */
export async function requestJob(
  app: Application,
  actor: Actor,
  idOrName: string,
  request: JobRequest,
): Promise<RequestedJob> {
  requireRole(actor, 'operator');
  const sync = await getSyncRow(app.store.db, actor, idOrName);
  if (!sync.enabled) {
    throw new LockstepError('Conflict', `sync ${sync.name} is not enabled`, {
      remedy: 'Set `enabled: true` in its configuration.',
    });
  }
  const origin = { startedThrough: request.startedThrough, startedBy: actor.accountName };
  const { row, created } = await addOrFindJob(app, {
    sync,
    mode: request.mode,
    origin,
    description: request.description,
    selection: request.selection,
    full: request.full,
  });
  return { job: await showOneJob(app, row), created };
}

/**
 * Starts a job that applies exactly what a held job planned and did not do.
 * @throws LockstepError NotHeld; PlanSuperseded when a newer run of the sync began.
 */
export async function approveJob(
  app: Application,
  actor: Actor,
  jobId: string,
  startedThrough: Surface,
): Promise<RequestedJob> {
  requireRole(actor, 'operator');
  const held = await getJobRow(app, actor, jobId);
  if (held.status !== 'held' || held.mode === 'dryRun') {
    const state = held.status === 'held' ? 'is a dry run' : `has the status ${held.status}`;
    throw new LockstepError('NotHeld', `job ${jobId} ${state} and holds no plan that could be approved`);
  }
  if (!held.imagesKept)
    throw new LockstepError('NotHeld', `the plan of job ${jobId} is too old: what it held is kept no more`, {
      remedy: 'Run the sync again, and approve what that job holds.',
    });
  if (held.undoesJobId !== null) requireUndoable(await getJobRow(app, actor, held.undoesJobId));
  const sync = await getSyncOfJob(app, actor, held);
  const newer = await findSupersedingJob(app.store.db, held);
  if (newer !== undefined && (jobIsOver(newer.status) || newer.approvesJobId !== held.id))
    throw superseded(held, newer);
  const origin = { startedThrough, startedBy: actor.accountName };
  // It has to see what the held one saw.
  const full = held.changesOnly !== true;
  const order: JobOrder = {
    sync,
    mode: 'approve',
    origin,
    approvesJobId: held.id,
    undoesJobId: held.undoesJobId ?? undefined,
    full,
  };
  const { row, created } = await addOrFindJob(app, order);
  if (row.approvesJobId !== held.id) throw superseded(held, row);
  return { job: await showOneJob(app, row), created };
}

/** The sync of a job that another one is to carry on, as long as it goes the same way. @throws LockstepError NotFound; Conflict */
async function getSyncOfJob(app: Application, actor: Actor, job: JobRow): Promise<SyncRow> {
  const sync = await findSync(app.store.db, actor.tenantId, job.syncId);
  if (sync === undefined)
    throw new LockstepError('NotFound', `sync ${job.syncName} of this job has been deleted`);
  if (sync.direction === job.direction) return sync;
  throw new LockstepError(
    'Conflict',
    `sync ${sync.name} is an ${sync.direction} now, job ${job.id} was an ${job.direction}`,
    {
      remedy: `Make the sync an ${job.direction} again, and run the ${sync.direction} under a name of its own.`,
    },
  );
}

/** What is asked for when a job shall be taken back. */
export interface UndoRequest {
  readonly mode: 'apply' | 'dryRun';
  readonly startedThrough: Surface;
  readonly description?: string | undefined;
}

/** @throws LockstepError NotUndoable, saying what can be done instead. */
function requireUndoable(job: JobRow): void {
  const refuse = (reason: string, remedy: string): never => {
    throw new LockstepError('NotUndoable', `job ${job.id} ${reason}`, { remedy });
  };
  if (!jobIsOver(job.status)) refuse('has not ended', 'Cancel it, or wait for its end, and undo it then.');
  if (job.direction === 'egress')
    refuse(
      'wrote to a connected system, which follows the directory',
      'Undo the ingress job that changed the directory, and run the egress again.',
    );
  if (job.mode === 'dryRun')
    refuse('was a dry run and changed nothing', 'Undo the run that changed something.');
  if (!job.imagesKept)
    refuse(
      'is too old: what its objects were before is kept no more',
      'Give "serve" a longer --keep-images for the jobs to come.',
    );
}

/**
 * Starts a job that takes back what an ingress job did to the directory, or shows what it would take back.
 * @throws LockstepError NotFound; NotUndoable; Conflict while another job of the sync has not ended.
 */
export async function undoJob(
  app: Application,
  actor: Actor,
  jobId: string,
  { mode, startedThrough, description }: UndoRequest,
): Promise<RequestedJob> {
  requireRole(actor, 'operator');
  const undone = await getJobRow(app, actor, jobId);
  requireUndoable(undone);
  const sync = await getSyncOfJob(app, actor, undone);
  const origin = { startedThrough, startedBy: actor.accountName };
  const order: JobOrder = { sync, mode, origin, undoesJobId: undone.id, description };
  const { row, created } = await addOrFindJob(app, order);
  if (row.undoesJobId !== undone.id || row.mode !== mode)
    throw new LockstepError('Conflict', `job ${row.id} of the same sync has not ended`, {
      remedy: 'Wait for its end, or cancel it, and try again.',
    });
  return { job: await showOneJob(app, row), created };
}

function superseded(held: JobRow, newer: JobRow): LockstepError {
  if (newer.approvesJobId === held.id) {
    const brokeOff = newer.status === 'failed' || newer.status === 'cancelled';
    return new LockstepError(
      'PlanSuperseded',
      `the plan of ${held.id} has been approved: job ${newer.id} ${brokeOff ? `has the status ${newer.status}` : 'carries it out'}`,
      {
        remedy: brokeOff
          ? 'Run the sync again and approve its job if the guard holds it.'
          : `Look at job ${newer.id} for what became of it.`,
      },
    );
  }
  return new LockstepError('PlanSuperseded', `job ${newer.id} of the same sync is newer than ${held.id}`, {
    remedy: 'Look at the newer job; if it holds a plan, approve that one.',
  });
}

/**
 * Cancels a job: a pending one ends at once, a running one after the batch at hand; cancelling twice is no error.
 * @throws LockstepError Conflict when the job ended otherwise.
 */
export async function cancelJob(app: Application, actor: Actor, jobId: string): Promise<JobView> {
  requireRole(actor, 'operator');
  const { id } = await getJobRow(app, actor, jobId);
  const accepted =
    (await cancelPendingJob(app.store.db, id, emptyStatistics(), app.clock.now())) ||
    (await requestCancellation(app.store.db, id));
  const job = await getJob(app, actor, id);
  if (accepted || job.status === 'cancelled') return job;
  throw new LockstepError('Conflict', `job ${id} has ended already, with the status ${job.status}`);
}
