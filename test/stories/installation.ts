import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobView } from '../../contract/src/job.ts';
import type { AdministratorCredentials } from '../../server/src/app/installation.ts';
import { composeRuntime, type Runtime } from '../../server/src/main.ts';

/** A whole Lockstep: server, worker and scheduler on the embedded store, and its administrator. */
export interface Installation extends AsyncDisposable {
  readonly runtime: Runtime;
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly credentials: AdministratorCredentials;
  /** A call of the native API. @throws Error with the answer when it is refused */
  api<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Requests a job of a sync and waits until it is over. */
  run(sync: string): Promise<JobView>;
  /** Waits until a job is over. */
  awaitEnd(jobId: string): Promise<JobView>;
  /** Waits until a job of the sync is over and is like this. */
  awaitJob(sync: string, isWanted: (job: JobView) => boolean): Promise<JobView>;
}

/** Asks until the answer is there. @throws Error when it does not come within a minute */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
): Promise<Answer> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await delay(50);
  }
}

const isOver = ({ status }: JobView): boolean => status !== 'pending' && status !== 'running';

/** Starts an installation in a directory of its own. */
export async function startInstallation(): Promise<Installation> {
  const data = await mkdtemp(join(tmpdir(), 'lockstep-story-'));
  const runtime = await composeRuntime({
    data,
    roles: { http: { host: '127.0.0.1', port: 0 }, worker: { concurrency: 2 }, scheduler: true },
  });
  const { address, credentials } = runtime;
  if (address === undefined || credentials === undefined) throw new Error('the installation is not new');
  const api: Installation['api'] = async <Answer>(method: string, path: string, body?: unknown) => {
    const response = await fetch(`${address}/lockstep/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${credentials.apiToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  };
  const awaitEnd = async (id: string): Promise<JobView> =>
    eventually(`the end of job ${id}`, async () => {
      const job = await api<JobView>('GET', `/jobs/${id}`);
      return isOver(job) ? job : undefined;
    });
  return {
    runtime,
    address,
    credentials,
    api,
    async run(sync) {
      const { job } = await api<{ job: JobView }>('POST', `/syncs/${sync}/jobs`, {});
      return awaitEnd(job.id);
    },
    awaitEnd,
    awaitJob: async (sync, isWanted) =>
      eventually(`a job of ${sync}`, async () => {
        const { items } = await api<{ items: JobView[] }>('GET', `/jobs?sync=${sync}&limit=20`);
        return items.find((job) => isOver(job) && isWanted(job));
      }),
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await rm(data, { recursive: true, force: true });
    },
  };
}
