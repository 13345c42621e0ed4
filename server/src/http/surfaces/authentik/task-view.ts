import type { JobView } from '@lockstep/contract/job.ts';
import type { JobStatus } from '@lockstep/contract/vocabulary.ts';
import type { LogEvent } from './job-log.ts';
import type { TaskNames } from './task-names.ts';
import { renderTime } from './times.ts';
import { uuidOfJob } from './uuid.ts';

/** Vendor lists never show previews. */
export const shownModes = ['apply', 'approve'] as const;
export const endedStatuses = ['held', 'success', 'partial_success', 'failed', 'cancelled'] as const;

/** Status of a system task, and aggregated status of a task; DESIGN.md section 2. */
export const systemTaskStatuses: Readonly<Record<JobStatus, 'unknown' | 'successful' | 'warning' | 'error'>> =
  {
    pending: 'unknown',
    running: 'unknown',
    held: 'warning',
    success: 'successful',
    partial_success: 'warning',
    failed: 'error',
    cancelled: 'warning',
  };
export const aggregatedStatuses: Readonly<
  Record<JobStatus, 'queued' | 'running' | 'done' | 'warning' | 'error'>
> = {
  pending: 'queued',
  running: 'running',
  held: 'warning',
  success: 'done',
  partial_success: 'warning',
  failed: 'error',
  cancelled: 'warning',
};
export const taskStates: Readonly<Record<JobStatus, 'queued' | 'running' | 'done'>> = {
  pending: 'queued',
  running: 'running',
  held: 'done',
  success: 'done',
  partial_success: 'done',
  failed: 'done',
  cancelled: 'done',
};

/** The task of a job in versions up to 2025.6. One that never began started and ended when it was cancelled. */
export function renderSystemTask(job: JobView, names: TaskNames, messages: readonly LogEvent[]): object {
  const finish = job.endedAt ?? job.createdAt;
  const start = job.startedAt ?? finish;
  return {
    uuid: uuidOfJob(job.id),
    name: names.name,
    full_name: `${names.name}:${names.uid}`,
    uid: names.uid,
    description: names.description,
    start_timestamp: renderTime(start),
    finish_timestamp: renderTime(finish),
    duration: (new Date(finish).getTime() - new Date(start).getTime()) / 1000,
    status: systemTaskStatuses[job.status],
    messages,
    expires: null,
    expiring: false,
  };
}

/** The same in newer versions. */
export function renderTask(job: JobView, names: TaskNames, logs: readonly LogEvent[]): object {
  return {
    message_id: uuidOfJob(job.id),
    queue_name: 'default',
    actor_name: names.actor,
    state: taskStates[job.status],
    mtime: renderTime(job.endedAt ?? job.startedAt ?? job.createdAt),
    retries: 0,
    eta: null,
    rel_obj_app_label: names.app,
    rel_obj_model: names.model,
    rel_obj_id: names.objectId,
    uid: names.uid,
    logs,
    previous_logs: [],
    aggregated_status: aggregatedStatuses[job.status],
    description: names.description,
  };
}
