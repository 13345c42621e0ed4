import type { JobView } from '@lockstep/contract/job.ts';
import { kinds, operations } from '@lockstep/contract/vocabulary.ts';
import { listChanges } from '../../../app/changes.ts';
import { listMessages } from '../../../app/jobs.ts';
import type { OperationCall } from './operation.ts';
import { renderTime } from './times.ts';

/** A line of a task's log. */
export interface LogEvent {
  readonly timestamp: string;
  readonly log_level: 'info' | 'warning' | 'error';
  readonly logger: string;
  readonly event: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const logger = 'lockstep.jobs';
/** Changes that are read at once. */
const changesAtOnce = 200;

/** All counts that are not zero, as `user created: 3 of 4, 1 failed`. */
function countsOf({ statistics }: JobView): string[] {
  return kinds.flatMap((kind) =>
    operations.flatMap((operation) => {
      const { total, success, failed, skipped } = statistics[kind][operation];
      if (total === 0) return [];
      const rest = [failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : ''];
      const partly = success === total ? String(total) : `${success} of ${total}`;
      return [[`${kind} ${operation}: ${partly}`, ...rest.filter((text) => text !== '')].join(', ')];
    }),
  );
}

function summaryLine(job: JobView): LogEvent {
  const counts = countsOf(job);
  const bad = job.status === 'failed' ? 'error' : 'warning';
  return {
    timestamp: renderTime(job.endedAt ?? job.startedAt ?? job.createdAt),
    log_level: job.status === 'success' || job.endedAt === null ? 'info' : bad,
    logger,
    event: `${job.status}${counts.length === 0 ? ': nothing changed' : `: ${counts.join('; ')}`}`,
    attributes: { job: job.id, status: job.status, started_through: job.startedThrough, ...job.error },
  };
}

function failures({ statistics }: JobView): number {
  return kinds
    .flatMap((kind) => operations.map((operation) => statistics[kind][operation].failed))
    .reduce((a, b) => a + b, 0);
}

/** One line for each change of a job, or for each that failed. */
async function changeLines(
  call: OperationCall,
  job: JobView,
  which: 'failed' | 'all',
  limit: number,
): Promise<LogEvent[]> {
  const lines: LogEvent[] = [];
  const filter = which === 'failed' ? { result: 'failed' as const } : {};
  for (let after: string | undefined; lines.length < limit;) {
    const page = { after, limit: Math.min(changesAtOnce, limit - lines.length) };
    const { items, next } = await listChanges(call.app, call.actor, job.id, filter, page);
    for (const change of items) {
      lines.push({
        timestamp: renderTime(job.endedAt ?? job.startedAt ?? job.createdAt),
        log_level: change.result === 'success' ? 'info' : 'warning',
        logger,
        event: change.sentence,
        attributes: {
          kind: change.kind,
          verb: change.verb,
          result: change.result,
          object: change.objectId,
          ...(change.error && { code: change.error.code }),
        },
      });
    }
    if (next === null) break;
    after = next;
  }
  return lines;
}

/**
 * The log of a job: a summary line, what the job said, and its failed changes, or all of them.
 * @param limit most lines
 */
export async function loadJobLog(
  call: OperationCall,
  job: JobView,
  limit: number,
  which: 'failed' | 'all' = 'failed',
): Promise<LogEvent[]> {
  const { items } = await listMessages(call.app, call.actor, job.id, { limit: limit - 1 });
  const said = items.map(({ at, level, text }): LogEvent => ({
    timestamp: renderTime(at),
    log_level: level,
    logger,
    event: text,
    attributes: { job: job.id },
  }));
  const left = limit - 1 - said.length;
  const wanted = left > 0 && (which === 'all' || failures(job) > 0);
  const changes = wanted ? await changeLines(call, job, which, left) : [];
  return [summaryLine(job), ...said, ...changes];
}
