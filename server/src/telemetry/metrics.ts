import {
  jobStatuses,
  kinds,
  type Counts,
  type JobStatus,
  type Operation,
  type Statistics,
} from '@lockstep/contract/vocabulary.ts';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** How the newest run of a sync ended; nulls: none has ended. */
export interface LastRun {
  readonly name: string;
  readonly status: JobStatus | null;
  readonly endedAt: Date | null;
  readonly statistics: Statistics | null;
}

/** The metrics of one process, in the text format of Prometheus. */
export interface Metrics {
  /** Counts one answered request; the route is the pattern, never the address, so that the series stay few. */
  observeRequest(request: { method: string; route: string; status: number; seconds: number }): void;
  /** @param lastRuns of the syncs that whoever asks may see. */
  render(lastRuns: readonly LastRun[]): Promise<{ contentType: string; text: string }>;
}

/** Those that change something; the others count the same changes again, or what stayed as it was. */
const changing: readonly Operation[] = ['created', 'updated', 'binded', 'deleted'];
const outcomes = ['success', 'failed', 'skipped'] as const satisfies readonly (keyof Counts)[];
/** Of a run that has ended. */
const endings = jobStatuses.filter((status) => status !== 'pending' && status !== 'running');

/** In a registry of its own: others who ask at the same time may see other syncs. */
async function renderLastRuns(lastRuns: readonly LastRun[]): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const ended = new Gauge({
    name: 'lockstep_sync_last_end_timestamp_seconds',
    help: 'When the last run of a sync ended, without parts, undos and previews.',
    labelNames: ['sync'],
    registers,
  });
  const statuses = new Gauge({
    name: 'lockstep_sync_last_status',
    help: '1 for the status with which it ended, 0 for the others.',
    labelNames: ['sync', 'status'],
    registers,
  });
  const changes = new Gauge({
    name: 'lockstep_sync_last_changes',
    help: 'Changes of it by kind and result.',
    labelNames: ['sync', 'kind', 'result'],
    registers,
  });
  for (const { name: sync, status: last, endedAt, statistics } of lastRuns) {
    if (endedAt === null) continue;
    ended.set({ sync }, endedAt.getTime() / 1000);
    for (const status of endings) statuses.set({ sync, status }, status === last ? 1 : 0);
    if (statistics === null) continue;
    for (const kind of kinds) {
      for (const result of outcomes) {
        const counts = changing.map((operation) => statistics[kind][operation][result]);
        changes.set(
          { sync, kind, result },
          counts.reduce((sum, count) => sum + count, 0),
        );
      }
    }
  }
  return registry.metrics();
}

/** @param countJobs jobs waiting and running in the installation, asked at each rendering. */
export function openMetrics(countJobs: () => Promise<{ pending: number; running: number }>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'lockstep_http_request_duration_seconds',
    help: 'Time to answer a request, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.2, 0.5, 1, 5],
    registers: [registry],
  });
  registry.registerMetric(
    new Gauge({
      name: 'lockstep_jobs',
      help: 'Jobs that have not ended, by status.',
      labelNames: ['status'],
      registers: [],
      async collect() {
        const counts = await countJobs();
        this.set({ status: 'pending' }, counts.pending);
        this.set({ status: 'running' }, counts.running);
      },
    }),
  );
  return {
    observeRequest: ({ method, route, status, seconds }) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    render: async (lastRuns) => ({
      contentType: registry.contentType,
      text: `${await registry.metrics()}${await renderLastRuns(lastRuns)}`,
    }),
  };
}
