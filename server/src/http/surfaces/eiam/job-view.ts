import type { JobView } from '@lockstep/contract/job.ts';
import type { JobStatus, Kind, Operation } from '@lockstep/contract/vocabulary.ts';

export const jobStatuses = ['pending', 'running', 'failed', 'partial_success', 'success'] as const;
type EiamStatus = (typeof jobStatuses)[number];

/** A held or cancelled job has failed here, and its ErrorCode says why. */
const statusOf: Readonly<Record<JobStatus, EiamStatus>> = {
  pending: 'pending',
  running: 'running',
  held: 'failed',
  success: 'success',
  partial_success: 'partial_success',
  failed: 'failed',
  cancelled: 'failed',
};

/** Lockstep's statuses that show as one of this API's. */
export function nativeStatuses(status: EiamStatus): JobStatus[] {
  return (Object.keys(statusOf) as JobStatus[]).filter((native) => statusOf[native] === status);
}

const kindNames: Readonly<Record<Kind, string>> = {
  user: 'UserStatistics',
  organizationalUnit: 'OrganizationalUnitStatistics',
  group: 'GroupStatistics',
  membership: 'GroupMemberStatistics',
};
const operationNames: Readonly<Record<Operation, string>> = {
  created: 'Created',
  updated: 'Updated',
  binded: 'Binded',
  deleted: 'Deleted',
  same: 'Same',
  pushed: 'Pushed',
  exported: 'Exported',
};

function showStatistics(job: JobView, kind: Kind, withExported: boolean): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [operation, name] of Object.entries(operationNames) as [Operation, string][]) {
    if (operation === 'exported' && !withExported) continue;
    const { total, success, failed, skipped } = job.statistics[kind][operation];
    shown[name] = { Total: total, Success: success, Failed: failed, Skipped: skipped };
  }
  return shown;
}

function showError(job: JobView): Record<string, string> {
  if (job.error !== null) return { ErrorCode: job.error.code, ErrorMessage: job.error.message };
  if (job.status === 'held') {
    const sentences = job.guard?.findings.map(({ sentence }) => sentence) ?? [];
    const message = sentences.length === 0 ? 'The guard held the plan.' : sentences.join('; ');
    return { ErrorCode: 'GuardTripped', ErrorMessage: message };
  }
  if (job.status === 'cancelled') return { ErrorCode: 'Cancelled', ErrorMessage: 'The job was cancelled.' };
  return {};
}

/** Jobs that nobody asked for. */
const automatic: ReadonlySet<string> = new Set(['schedule', 'change', 'push']);

function milliseconds(time: string | null): number | undefined {
  return time === null ? undefined : Date.parse(time);
}

/**
 * A job as this API shows it.
 * @param list lists show what single jobs do not have: the description, and how many users were exported.
 */
export function showJob(
  job: JobView,
  targetType: 'identity_provider' | 'application',
  list: boolean,
): Record<string, unknown> {
  const statistics = (Object.entries(kindNames) as [Kind, string][]).map(
    ([kind, name]) => [name, showStatistics(job, kind, list && kind === 'user')] as const,
  );
  return {
    SynchronizationJobId: job.id,
    TargetType: targetType,
    TargetId: job.connectionId,
    Direction: job.direction,
    StartTime: milliseconds(job.startedAt),
    EndTime: milliseconds(job.endedAt),
    TriggerType: automatic.has(job.startedThrough) ? 'auto' : 'manual',
    Status: statusOf[job.status],
    Result: { ...Object.fromEntries(statistics), ...showError(job) },
    ...(list ? { Description: job.description ?? undefined } : {}),
  };
}
