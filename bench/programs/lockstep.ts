import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobView } from '@lockstep/contract/job.ts';
import type { Kind, Operation } from '@lockstep/contract/vocabulary.ts';
import { profileArguments } from '../profile.ts';
import { runOrThrow } from './program.ts';
import type { ProcessUsage } from './record-usage.ts';

const command = join(import.meta.dirname, '../../bin/lockstep');
const recorder = join(import.meta.dirname, 'record-usage.ts');

export type StoreArguments = readonly ['--data' | '--database-url', string];

export interface SyncRun extends ProcessUsage {
  /** From the job's own start to its end: without the start of the process and the opening of the store. */
  readonly jobSeconds: number;
  readonly statistics: JobView['statistics'];
}

export interface LockstepOptions {
  /** For configuration and notes. */
  readonly directory: string;
  readonly store: StoreArguments;
  /** What is in its `lockstep.yaml`. */
  readonly configuration: object;
  readonly profile: string | undefined;
  readonly signal: AbortSignal;
}

/** Lockstep as it is installed, run as a command for each sync. */
export class Lockstep {
  readonly #options: LockstepOptions;
  readonly #configuration: string;
  readonly #usage: string;
  readonly #key = randomBytes(32).toString('base64');
  readonly runs: { readonly name: string; readonly run: SyncRun }[] = [];

  private constructor(options: LockstepOptions) {
    this.#options = options;
    this.#configuration = join(options.directory, 'lockstep.yaml');
    this.#usage = join(options.directory, 'usage.json');
  }

  static async prepare(options: LockstepOptions): Promise<Lockstep> {
    const lockstep = new Lockstep(options);
    await mkdir(options.directory, { recursive: true });
    // JSON is YAML.
    await writeFile(lockstep.#configuration, JSON.stringify(options.configuration));
    return lockstep;
  }

  /**
   * Runs `bin/lockstep sync` once for a sync of the configuration; `name` is for the list of what was run, and names its profile.
   * @throws Error unless the job ends with success
   */
  async sync(sync: string, name: string): Promise<SyncRun> {
    const profile = this.#options.profile;
    const nodeOptions = [
      '--import',
      recorder,
      ...(profile === undefined ? [] : profileArguments(profile, name)),
    ];
    const { output } = await runOrThrow(
      command,
      ['sync', '-f', this.#configuration, sync, '--json', ...this.#options.store],
      {
        environment: {
          LOCKSTEP_KEY: this.#key,
          LOCKSTEP_BENCH_USAGE: this.#usage,
          NODE_OPTIONS: nodeOptions.join(' '),
        },
        signal: this.#options.signal,
      },
    );
    const { jobs } = JSON.parse(output) as { jobs: { id: string }[] };
    const job = await this.#getJob(jobs[0]?.id ?? '');
    if (job.status !== 'success') throw new Error(`${name}: ${job.status} ${job.error?.message ?? ''}`);
    const usage = JSON.parse(await readFile(this.#usage, 'utf8')) as ProcessUsage;
    const jobSeconds = (Date.parse(job.endedAt ?? '') - Date.parse(job.startedAt ?? '')) / 1000;
    const run = { ...usage, jobSeconds, statistics: job.statistics };
    this.runs.push({ name, run });
    return run;
  }

  /** Fills the directory, unless an earlier measurement has. */
  async fill(): Promise<void> {
    if (this.runs.length === 0) await this.sync('corp-in', 'first ingress');
  }

  async #getJob(id: string): Promise<JobView> {
    const { output } = await runOrThrow(command, ['jobs', 'show', id, '--json', ...this.#options.store], {
      environment: { LOCKSTEP_KEY: this.#key },
      signal: this.#options.signal,
    });
    return JSON.parse(output) as JobView;
  }
}

/** @throws Error unless a run did exactly this: a quick run that did nothing would look splendid. */
export function expectCount(run: SyncRun, kind: Kind, operation: Operation, wanted: number): void {
  const { success } = run.statistics[kind][operation];
  if (success !== wanted) throw new Error(`${kind} ${operation}: ${success} instead of ${wanted}`);
}
