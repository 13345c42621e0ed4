import type { JobView } from '@lockstep/contract/job.ts';
import { kinds, operations, type JobStatus, type Operation } from '@lockstep/contract/vocabulary.ts';
import { renderTime } from './fields.ts';

/** A sync as the vendor shows it. */
export interface SyncRecord {
  readonly idpSyncId: string;
  readonly idpId: string;
  readonly status: string;
  readonly message: string;
  readonly syncedBy?: string;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
}

const statusNames: Readonly<Record<JobStatus, string>> = {
  pending: 'Queued',
  running: 'In Progress',
  held: 'Held',
  success: 'Completed',
  partial_success: 'Completed with errors',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

const counted = ['created', 'updated', 'binded', 'deleted', 'same'] as const satisfies readonly Operation[];
const countedNames = {
  created: 'created',
  updated: 'updated',
  binded: 'linked',
  deleted: 'deleted',
  same: 'unchanged',
} as const;

function summarize(job: JobView): string {
  const sum = (operation: Operation, of: 'success' | 'failed' | 'skipped'): number =>
    kinds.reduce((total, kind) => total + job.statistics[kind][operation][of], 0);
  const done = counted
    .map((operation) => [sum(operation, 'success'), countedNames[operation]] as const)
    .filter(([count]) => count > 0)
    .map(([count, name]) => `${count} ${name}`);
  const failed = operations.reduce((total, operation) => total + sum(operation, 'failed'), 0);
  const parts = [...done, ...(failed === 0 ? [] : [`${failed} failed`])];
  return parts.length === 0 ? 'nothing to do' : parts.join(', ');
}

function describe(job: JobView): string {
  const { progress, status } = job;
  if (status === 'pending') return 'sync is queued';
  if (status === 'held') return `the guard holds changes back until they are approved: ${summarize(job)}`;
  if (status !== 'running') return summarize(job);
  return progress.phase === 'apply'
    ? `${progress.applied} of ${progress.total} changes applied`
    : `${progress.read} objects read`;
}

/** What there is to say of a sync: its error, else its progress or counts, and the note of the job. */
function renderMessage(job: JobView): string {
  const told = job.error === null ? describe(job) : job.error.message;
  return job.note === null ? told : `${told}. ${job.note}`;
}

function startedBy(job: JobView): string {
  if (job.startedThrough === 'schedule') return 'schedule';
  return job.startedThrough === 'console' ? 'dashboard' : 'api';
}

/** @param idp the serial of the job's connection; undefined when nothing is known of it any more. */
export function renderSync(job: JobView, idp: number | undefined, withStarter: boolean): SyncRecord {
  return {
    idpSyncId: String(job.serial),
    idpId: idp === undefined ? '' : String(idp),
    status: statusNames[job.status],
    message: renderMessage(job),
    ...(withStarter ? { syncedBy: startedBy(job) } : {}),
    createdAt: renderTime(job.createdAt),
    lastUpdatedAt: renderTime(job.endedAt ?? job.startedAt ?? job.createdAt),
  };
}
