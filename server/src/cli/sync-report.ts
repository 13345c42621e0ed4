import type { ChangeView } from '@lockstep/contract/change.ts';
import type { JobView } from '@lockstep/contract/job.ts';
import type { Direction, JobStatus, Kind, Statistics, Verb } from '@lockstep/contract/vocabulary.ts';
import { renderGuard } from './guard-report.ts';
import { collectPages } from './paging.ts';
import type { Session } from './session.ts';
import { orderStatistics, renderStatistics } from './statistics-table.ts';
import { printable } from './table.ts';

/** One object that failed, or with null for kind, verb and object the reason why the whole job broke off. */
export interface ReportedError {
  readonly kind: Kind | null;
  readonly verb: Verb | null;
  readonly object: string | null;
  readonly code: string;
  readonly message: string;
}

/** One job of `sync --json`; these members and their order are an interface that scripts rely on: new ones go last. */
export interface ReportedJob {
  readonly id: string;
  readonly sync: string;
  readonly direction: Direction;
  readonly status: JobStatus;
  readonly statistics: Statistics;
  readonly errors: readonly ReportedError[];
  /** Whether the source was read to its proven end; null when the job broke off before. */
  readonly complete: boolean | null;
  readonly note: string | null;
  /** What the guard found; of a dry run, what it would do. */
  readonly guard: JobView['guard'];
}

/** A report with what a person is told of the guard, and what other commands have to be given to find the same store. */
export interface JobReport {
  readonly report: ReportedJob;
  readonly guard: readonly string[];
  readonly named: string;
}

/** The table shows this many errors of a job; the rest is in `jobs changes`. */
const shownErrors = 20;

function reportChange(change: ChangeView): ReportedError {
  return {
    kind: change.kind,
    verb: change.verb,
    object: change.label,
    code: change.error?.code ?? 'Internal',
    message: change.error?.message ?? '',
  };
}

/** Builds the report of a job that is over, with all changes that failed. */
export async function reportJob(session: Session, job: JobView): Promise<JobReport> {
  const failed = await collectPages<ChangeView>({ limit: 'all' }, (query) =>
    session.call('listChanges', { params: { job: job.id }, query: { ...query, result: 'failed' } }),
  );
  // A held job carries its guard's verdict as its error; no object failed for that.
  const brokeOff =
    job.error === null || job.status === 'held'
      ? []
      : [{ kind: null, verb: null, object: null, ...job.error }];
  const report = {
    id: job.id,
    sync: job.sync,
    direction: job.direction,
    status: job.status,
    statistics: orderStatistics(job.statistics),
    errors: [...brokeOff, ...failed.items.map(reportChange)],
    complete: job.complete,
    note: job.note,
    guard: job.guard,
  };
  const named = session.storeArguments;
  return { report, guard: renderGuard(job, named), named };
}

function renderErrors({ report: job, named }: JobReport): string[] {
  if (job.errors.length === 0) return [];
  const lines = job.errors.slice(0, shownErrors).map((error) => {
    const what =
      error.kind === null ? 'the job' : `${error.verb ?? 'read'} ${error.kind} ${error.object ?? ''}`;
    return printable(`  ${what}: ${error.message} (${error.code})`);
  });
  const more = job.errors.length - lines.length;
  return [
    '',
    printable(`${job.sync}: ${job.errors.length} failed`),
    ...lines,
    ...(more > 0 ? [`  and ${more} more: bin/lockstep jobs changes ${job.id} --result failed${named}`] : []),
  ];
}

/** What `sync` prints for a person. */
export function renderReport(reports: readonly JobReport[]): string {
  const jobs = reports.map(({ report }) => report);
  const notes = jobs
    .filter(({ note }) => note !== null)
    .map(({ sync, note }) => `\n${printable(sync)}: ${printable(note ?? '')}`);
  const guards = reports
    .filter(({ guard }) => guard.length > 0)
    .map(({ report, guard }) => [`\n${printable(report.sync)}: the guard`, ...guard].join('\n  '));
  return [renderStatistics(jobs), ...reports.flatMap(renderErrors), ...notes, ...guards].join('\n');
}
