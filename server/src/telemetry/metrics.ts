import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of one process, in the text format of Prometheus. */
export interface Metrics {
  /** Counts one answered request; the route is the pattern, never the address, so that the series stay few. */
  observeRequest(request: { method: string; route: string; status: number; seconds: number }): void;
  render(): Promise<{ contentType: string; text: string }>;
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
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
